/** Operations on one object: PutObject, GetObject, HeadObject, DeleteObject. */
import type { WireResponse } from "../../protocol/handler.js";
import { etagOf, type S3Object } from "./bucket-store.js";
import { checksumHeader, verifyBody } from "./checksums.js";
import type { Operation, OperationContext } from "./operation.js";
import { readRequestBody } from "./request-body.js";
import { S3Failure } from "./s3-failure.js";

export const putObject: Operation = { name: "PutObject", right: "s3:PutObject", run: runPut };
export const getObject: Operation = { name: "GetObject", right: "s3:GetObject", run: runGet };
export const headObject: Operation = { name: "HeadObject", right: "s3:GetObject", run: runGet };
export const deleteObject: Operation = { name: "DeleteObject", right: "s3:DeleteObject", run: runDelete };

/** `x-amz-meta-*` headers, without the prefix. */
export function metadataOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith("x-amz-meta-"))
      .map(([name, value]) => [name.slice("x-amz-meta-".length), value]),
  );
}

/** `If-None-Match: *` asks that the key be new. */
export function checkPrecondition(context: OperationContext): void {
  if (context.request.headers["if-none-match"] === "*" && context.store.get(context.bucket, context.key)) {
    throw new S3Failure("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
  }
}

async function runPut(context: OperationContext): Promise<WireResponse> {
  const { request, bucket, key, store, nowMs } = context;
  if (request.headers["x-amz-copy-source"] !== undefined) throw new S3Failure("NotImplemented", "This double does not copy objects.");
  const { bytes, trailers } = await readRequestBody(request);
  const checksum = verifyBody(bytes, request.headers, trailers);
  checkPrecondition(context);
  const etag = etagOf(bytes);
  store.put({
    bucket,
    key,
    body: bytes,
    contentType: request.headers["content-type"] ?? "binary/octet-stream",
    metadata: metadataOf(request.headers),
    etag,
    checksum,
    modifiedAtMs: nowMs,
  });
  return { status: 200, headers: { etag: `"${etag}"`, ...checksumHeader(checksum) } };
}

async function runGet({ request, bucket, key, store }: OperationContext): Promise<WireResponse> {
  const object = store.get(bucket, key);
  if (!object) throw new S3Failure("NoSuchKey", "The specified key does not exist.");
  const headers = headersOf(object, request.headers["x-amz-checksum-mode"] === "ENABLED");
  const wanted = request.headers["if-match"];
  if (wanted !== undefined && wanted !== "*" && wanted.replaceAll('"', "") !== object.etag)
    throw new S3Failure("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
  const range = rangeOf(request.headers["range"], object.body.length);
  const body = range ? object.body.subarray(range.start, range.end + 1) : object.body;
  if (range) headers["content-range"] = `bytes ${String(range.start)}-${String(range.end)}/${String(object.body.length)}`;
  headers["content-length"] = String(body.length);
  return { status: range ? 206 : 200, headers, ...(request.method === "HEAD" ? {} : { body }) };
}

async function runDelete({ bucket, key, store }: OperationContext): Promise<WireResponse> {
  store.delete(bucket, key);
  return { status: 204 };
}

function headersOf(object: S3Object, withChecksum: boolean): Record<string, string> {
  const metadata = Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value] as const);
  return {
    "content-type": object.contentType,
    etag: `"${object.etag}"`,
    "last-modified": new Date(object.modifiedAtMs).toUTCString(),
    "accept-ranges": "bytes",
    ...Object.fromEntries(metadata),
    ...(withChecksum ? checksumHeader(object.checksum) : {}),
  };
}

/** One byte range, or the whole; anything that is no single range is ignored, as HTTP asks. */
function rangeOf(header: string | undefined, length: number): { readonly start: number; readonly end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const isSuffix = match[1] === "";
  const start = isSuffix ? Math.max(0, length - Number(match[2])) : Number(match[1]);
  const end = isSuffix || match[2] === "" ? length - 1 : Math.min(Number(match[2]), length - 1);
  if (start >= length || start > end) throw new S3Failure("InvalidRange", "The requested range is not satisfiable");
  return { start, end };
}
