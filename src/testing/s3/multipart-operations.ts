/** An upload in parts: begun, filled, listed, completed or aborted. */
import type { WireResponse } from "../../protocol/handler.js";
import { readBytes } from "../../protocol/handler.js";
import { etagOf, type S3Object, type S3Part, type S3Upload } from "./bucket-store.js";
import { checksumElement, checksumHeader, checksumName, digestOf, verifyBody, type Checksum } from "./checksums.js";
import { checkPrecondition, metadataOf } from "./object-operations.js";
import { xmlAnswer, type Operation, type OperationContext } from "./operation.js";
import { readRequestBody } from "./request-body.js";
import { element, group, S3Failure, textsOf, unescapeXml, xml } from "./s3-failure.js";

export const createMultipartUpload: Operation = { name: "CreateMultipartUpload", right: "s3:PutObject", run: runCreate };
export const uploadPart: Operation = { name: "UploadPart", right: "s3:PutObject", run: runUploadPart };
export const completeMultipartUpload: Operation = { name: "CompleteMultipartUpload", right: "s3:PutObject", run: runComplete };
export const abortMultipartUpload: Operation = { name: "AbortMultipartUpload", right: "s3:AbortMultipartUpload", run: runAbort };
export const listParts: Operation = { name: "ListParts", right: "s3:ListMultipartUploadParts", run: runListParts };

const MAX_PART_NUMBER = 10_000;

async function runCreate({ request, bucket, key, store, nowMs, newUploadId }: OperationContext): Promise<WireResponse> {
  const algorithm = request.headers["x-amz-checksum-algorithm"];
  const isFullObject = request.headers["x-amz-checksum-type"]?.toUpperCase() === "FULL_OBJECT";
  const upload: S3Upload = {
    id: newUploadId(),
    bucket,
    key,
    contentType: request.headers["content-type"] ?? "binary/octet-stream",
    metadata: metadataOf(request.headers),
    algorithm: algorithm === undefined ? undefined : checksumName(algorithm),
    checksumType: isFullObject ? "FULL_OBJECT" : "COMPOSITE",
    startedAtMs: nowMs,
    parts: new Map(),
  };
  store.uploads.set(upload.id, upload);
  const headers = upload.algorithm
    ? { "x-amz-checksum-algorithm": upload.algorithm.toUpperCase(), "x-amz-checksum-type": upload.checksumType }
    : {};
  return xmlAnswer(
    xml("InitiateMultipartUploadResult", [element("Bucket", bucket), element("Key", key), element("UploadId", upload.id)]),
    headers,
  );
}

async function runUploadPart(context: OperationContext): Promise<WireResponse> {
  const { request, query, nowMs } = context;
  const number = Number(query.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > MAX_PART_NUMBER)
    throw new S3Failure("InvalidArgument", `Part number must be an integer between 1 and ${String(MAX_PART_NUMBER)}, inclusive`);
  uploadOf(context);
  const { bytes, trailers } = await readRequestBody(request);
  const checksum = verifyBody(bytes, request.headers, trailers);
  // Looked up again: the upload may have been aborted while the part was under way, as at S3.
  const upload = uploadOf(context);
  if (upload.algorithm && checksum && checksum.name !== upload.algorithm)
    throw new S3Failure(
      "InvalidRequest",
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm}, actual checksum Type: ${checksum.name}`,
    );
  const part: S3Part = { number, body: bytes, etag: etagOf(bytes), checksum, modifiedAtMs: nowMs };
  upload.parts.set(number, part);
  return { status: 200, headers: { etag: `"${part.etag}"`, ...checksumHeader(checksum) } };
}

async function runComplete(context: OperationContext): Promise<WireResponse> {
  const { request, bucket, key, query, store, nowMs, minPartBytes } = context;
  const document = Buffer.from(await readBytes(request.body)).toString("utf8");
  const before = store.completed.get(query.get("uploadId") ?? "");
  if (before) return completedAnswer(before);
  const upload = uploadOf(context);
  const parts = chosenParts(document, upload);
  for (const part of parts.slice(0, -1)) {
    if (part.body.length < minPartBytes)
      throw new S3Failure("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
  }
  checkPrecondition(context);
  const body = Buffer.concat(parts.map((part) => part.body));
  const object: S3Object = {
    bucket,
    key,
    body,
    contentType: upload.contentType,
    metadata: upload.metadata,
    etag: `${etagOf(Buffer.concat(parts.map((part) => Buffer.from(part.etag, "hex"))))}-${String(parts.length)}`,
    checksum: wholeChecksum(upload, parts, body),
    modifiedAtMs: nowMs,
  };
  store.put(object);
  store.uploads.delete(upload.id);
  store.completed.set(upload.id, object);
  return completedAnswer(object);
}

function completedAnswer(object: S3Object): WireResponse {
  const checksum = object.checksum ? [element(checksumElement(object.checksum.name), object.checksum.value)] : [];
  return xmlAnswer(
    xml("CompleteMultipartUploadResult", [
      element("Location", `/${object.bucket}/${object.key}`),
      element("Bucket", object.bucket),
      element("Key", object.key),
      element("ETag", `"${object.etag}"`),
      ...checksum,
    ]),
  );
}

/** The parts that the completion names, each held against what is there. */
function chosenParts(document: string, upload: S3Upload): S3Part[] {
  const chosen: S3Part[] = [];
  for (const entry of textsOf(document, "Part")) {
    const number = Number(textsOf(entry, "PartNumber")[0]);
    const etag = unescapeXml(textsOf(entry, "ETag")[0] ?? "").replaceAll('"', "");
    const part = upload.parts.get(number);
    if (part?.etag !== etag)
      throw new S3Failure(
        "InvalidPart",
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match.",
      );
    if ((chosen.at(-1)?.number ?? 0) >= number) throw new S3Failure("InvalidPartOrder", "The list of parts was not in ascending order.");
    if (upload.algorithm && upload.checksumType === "COMPOSITE") {
      const checksum = textsOf(entry, checksumElement(upload.algorithm))[0];
      if (checksum === undefined)
        throw new S3Failure(
          "InvalidRequest",
          `The upload was created using a ${upload.algorithm} checksum. The complete request must include the checksum for each part. ` +
            `It was missing for part ${String(number)} in the request.`,
        );
      if (checksum !== part.checksum?.value) throw new S3Failure("InvalidPart", "The checksum of a specified part may not match.");
    }
    chosen.push(part);
  }
  if (chosen.length === 0)
    throw new S3Failure("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema");
  return chosen;
}

/** A composite checksum is the checksum of the parts' checksums, with their number; a full one is the body's own. */
function wholeChecksum(upload: S3Upload, parts: readonly S3Part[], body: Uint8Array): Checksum | undefined {
  const name = upload.algorithm;
  if (!name) return undefined;
  if (upload.checksumType === "FULL_OBJECT") return { name, value: digestOf(name, body).toString("base64") };
  const digests = parts.map((part) => Buffer.from(part.checksum?.value ?? "", "base64"));
  return { name, value: `${digestOf(name, Buffer.concat(digests)).toString("base64")}-${String(parts.length)}` };
}

async function runAbort(context: OperationContext): Promise<WireResponse> {
  context.store.uploads.delete(uploadOf(context).id);
  return { status: 204 };
}

async function runListParts(context: OperationContext): Promise<WireResponse> {
  const upload = uploadOf(context);
  const limit = Number(context.query.get("max-parts") ?? 1000);
  const after = Number(context.query.get("part-number-marker") ?? 0);
  const parts = [...upload.parts.values()].filter((part) => part.number > after).sort((one, other) => one.number - other.number);
  const page = parts.slice(0, limit);
  return xmlAnswer(
    xml("ListPartsResult", [
      element("Bucket", upload.bucket),
      element("Key", upload.key),
      element("UploadId", upload.id),
      element("PartNumberMarker", after),
      element("NextPartNumberMarker", page.at(-1)?.number ?? after),
      element("MaxParts", limit),
      element("IsTruncated", parts.length > page.length),
      ...page.map((part) =>
        group("Part", [
          element("PartNumber", part.number),
          element("LastModified", new Date(part.modifiedAtMs).toISOString()),
          element("ETag", `"${part.etag}"`),
          element("Size", part.body.length),
        ]),
      ),
    ]),
  );
}

function uploadOf({ bucket, key, query, store }: OperationContext): S3Upload {
  const upload = store.uploads.get(query.get("uploadId") ?? "");
  if (upload?.bucket !== bucket || upload.key !== key)
    throw new S3Failure(
      "NoSuchUpload",
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    );
  return upload;
}
