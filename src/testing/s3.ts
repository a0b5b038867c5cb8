/**
 * An S3 in memory, as a server without a socket: put it behind msw or an HTTP listener. It answers as S3 does to what
 * uploaders send (objects, parts, checksums, `aws-chunked` bodies, path style and virtual-host style, XML errors) and
 * refuses loudly what it does not know. It checks that requests are signed, not the signature itself: never a server
 * for anything but tests.
 */
import { systemClock, type Clock } from "../base/clock.js";
import { newId } from "../base/ids.js";
import type { WireHandler, WireRequest, WireResponse } from "../protocol/handler.js";
import { headBucket, listMultipartUploads, listObjects } from "./s3/bucket-operations.js";
import { BucketStore, type S3Object, type S3Upload } from "./s3/bucket-store.js";
import { abortMultipartUpload, completeMultipartUpload, createMultipartUpload, listParts, uploadPart } from "./s3/multipart-operations.js";
import { deleteObject, getObject, headObject, putObject } from "./s3/object-operations.js";
import type { Operation, S3Right } from "./s3/operation.js";
import { failureAnswer, S3Failure } from "./s3/s3-failure.js";

export type { S3Object } from "./s3/bucket-store.js";
export type { S3Right } from "./s3/operation.js";

export interface S3DoubleOptions {
  /** Buckets that exist; any other is `NoSuchBucket`. */
  readonly buckets: readonly string[];
  /** Rights that every caller has, by IAM's names. Default: all. What is not named is `AccessDenied`. */
  readonly rights?: readonly S3Right[];
  /** Access keys that are known. Default: any. */
  readonly accessKeyIds?: readonly string[];
  /** True: behaves as the compatible stores that answer 501 to every `x-amz-checksum-*` header and `aws-chunked` body. Default false. */
  readonly refuseChecksums?: boolean;
  /** Hosts under which `<bucket>.<host>` is virtual-host style, beside Amazon's own. Default `["localhost"]`. */
  readonly hosts?: readonly string[];
  /** Smallest part but the last. Default 5 MiB, as at S3. */
  readonly minPartBytes?: number;
  /** For time stamps. Default: the machine's. */
  readonly clock?: Clock;
}

/** One request as it was understood. */
export interface S3Call {
  /** `PutObject`, `UploadPart`, ...; undefined when it was none that the double knows. */
  readonly operation: string | undefined;
  readonly bucket: string;
  readonly key: string;
  readonly partNumber: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the answer. */
  readonly status: number;
}

export interface S3Double {
  readonly handler: WireHandler;
  /** Everything stored, by bucket's and key's order. */
  objects(): readonly S3Object[];
  object(bucket: string, key: string): S3Object | undefined;
  /** Uploads that were begun and neither completed nor aborted, with their parts. */
  uploads(): readonly S3Upload[];
  /** Answered requests, in order. */
  calls(): readonly S3Call[];
}

const AMAZON_HOST = /^(.+)\.s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$/;

/** A new, empty S3. */
export function createS3Double(options: S3DoubleOptions): S3Double {
  const store = new BucketStore(options.buckets);
  const calls: S3Call[] = [];
  const clock = options.clock ?? systemClock;

  const handler: WireHandler = async (request) => {
    const { bucket, key } = addressOf(request, options.hosts ?? ["localhost"]);
    const requestId = newId().slice(0, 16).toUpperCase();
    const query = request.url.searchParams;
    const operation = operationOf(request.method, key, query);
    let answer: WireResponse;
    try {
      checkCaller(request, options);
      if (!operation)
        throw new S3Failure("NotImplemented", `This double does not know ${request.method} ${request.url.pathname}${request.url.search}.`);
      if (options.refuseChecksums) checkPlain(request);
      if (options.rights && !options.rights.includes(operation.right))
        throw new S3Failure("AccessDenied", `Access Denied: ${operation.right} is not allowed.`);
      if (!store.buckets.has(bucket)) throw new S3Failure("NoSuchBucket", "The specified bucket does not exist");
      answer = await operation.run({
        request,
        bucket,
        key,
        query,
        store,
        nowMs: clock.now(),
        minPartBytes: options.minPartBytes ?? 5 * 1024 * 1024,
        newUploadId: newId,
      });
      answer = { ...answer, headers: { "x-amz-request-id": requestId, ...answer.headers } };
    } catch (error) {
      const failure = error instanceof S3Failure ? error : new S3Failure("InternalError", String(error));
      answer = failureAnswer(failure, request.url.pathname, requestId, request.method === "HEAD");
    }
    const partNumber = query.get("partNumber");
    calls.push({
      operation: operation?.name,
      bucket,
      key,
      partNumber: partNumber === null ? undefined : Number(partNumber),
      headers: request.headers,
      status: answer.status,
    });
    return answer;
  };

  return {
    handler,
    objects: () => store.list(),
    object: (bucket, key) => store.get(bucket, key),
    uploads: () => [...store.uploads.values()],
    calls: () => [...calls],
  };
}

function operationOf(method: string, key: string, query: URLSearchParams): Operation | undefined {
  if (key === "") {
    if (method === "HEAD") return headBucket;
    if (method !== "GET") return undefined;
    if (query.has("uploads")) return listMultipartUploads;
    return query.get("list-type") === "2" ? listObjects : undefined;
  }
  const isUpload = query.has("uploadId");
  switch (method) {
    case "PUT":
      return isUpload ? uploadPart : putObject;
    case "POST":
      return isUpload ? completeMultipartUpload : query.has("uploads") ? createMultipartUpload : undefined;
    case "GET":
      return isUpload ? listParts : getObject;
    case "HEAD":
      return headObject;
    case "DELETE":
      return isUpload ? abortMultipartUpload : deleteObject;
    default:
      return undefined;
  }
}

/** Bucket and key by host name (`bucket.host/key`) or by path (`host/bucket/key`). */
function addressOf(request: WireRequest, hosts: readonly string[]): { readonly bucket: string; readonly key: string } {
  const host = (request.headers["host"] ?? request.url.host).replace(/:\d+$/, "");
  const path = request.url.pathname.replace(/^\//, "").split("/").map(decoded).join("/");
  const own = hosts.find((known) => host.endsWith(`.${known}`));
  const bucket = own === undefined ? AMAZON_HOST.exec(host)?.[1] : host.slice(0, -own.length - 1);
  if (bucket !== undefined) return { bucket, key: path };
  const slash = path.indexOf("/");
  return slash < 0 ? { bucket: path, key: "" } : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

/** Signed by the header, or by the query as a presigned URL is. */
function checkCaller({ headers, url }: WireRequest, options: S3DoubleOptions): void {
  const byHeader =
    /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/\d{8}\/[^/]+\/s3\/aws4_request, ?SignedHeaders=[^,]+, ?Signature=[0-9a-f]{64}$/.exec(
      headers["authorization"] ?? "",
    );
  const byQuery = url.searchParams.has("X-Amz-Signature") ? url.searchParams.get("X-Amz-Credential")?.split("/")[0] : undefined;
  const accessKeyId = byHeader?.[1] ?? byQuery;
  if (accessKeyId === undefined) throw new S3Failure("AccessDenied", "Access Denied: the request is not signed.");
  if (byHeader && headers["x-amz-content-sha256"] === undefined)
    throw new S3Failure("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  if (options.accessKeyIds && !options.accessKeyIds.includes(accessKeyId))
    throw new S3Failure("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
}

function checkPlain({ headers }: WireRequest): void {
  const foreign = Object.keys(headers).find(
    (name) => name.startsWith("x-amz-checksum-") || name === "x-amz-sdk-checksum-algorithm" || name === "x-amz-trailer",
  );
  if (foreign !== undefined) throw new S3Failure("NotImplemented", `Header '${foreign}' is not implemented`);
  if (headers["content-encoding"]?.includes("aws-chunked")) throw new S3Failure("NotImplemented", "aws-chunked is not implemented");
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
