/** A request's bytes as they were meant: whole, and freed from the `aws-chunked` framing that streaming clients put around them. */
import { readBytes, type WireRequest } from "../../protocol/handler.js";
import { S3Failure } from "./s3-failure.js";

export interface RequestBody {
  readonly bytes: Uint8Array;
  /** Sent after the bytes; names in lower case. */
  readonly trailers: Readonly<Record<string, string>>;
}

/** Reads the body. A connection that breaks in the middle is an incomplete body. */
export async function readRequestBody(request: WireRequest): Promise<RequestBody> {
  const { headers } = request;
  let raw: Uint8Array;
  try {
    raw = await readBytes(request.body);
  } catch {
    throw incomplete();
  }
  const isChunked =
    headers["content-encoding"]?.split(",").some((coding) => coding.trim() === "aws-chunked") === true ||
    headers["x-amz-content-sha256"]?.startsWith("STREAMING-") === true;
  if (!isChunked) {
    const announced = headers["content-length"];
    if (announced !== undefined && Number(announced) !== raw.length) throw incomplete();
    return { bytes: raw, trailers: {} };
  }
  const body = decodeChunks(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength));
  const decodedLength = headers["x-amz-decoded-content-length"];
  if (decodedLength === undefined) throw new S3Failure("InvalidRequest", "x-amz-decoded-content-length is missing.");
  if (Number(decodedLength) !== body.bytes.length) throw incomplete();
  return body;
}

/** `<hex size>[;chunk-signature=...]\r\n<bytes>\r\n` again and again, to size 0; then trailer lines and an empty one. */
function decodeChunks(raw: Buffer): RequestBody {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = raw.indexOf("\r\n", at);
    if (lineEnd < 0) throw incomplete();
    const size = Number.parseInt(raw.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) throw new S3Failure("InvalidRequest", "A chunk's size is no number.");
    at = lineEnd + 2;
    if (size === 0) break;
    if (at + size + 2 > raw.length) throw incomplete();
    chunks.push(raw.subarray(at, at + size));
    at += size + 2;
  }
  const trailers: Record<string, string> = {};
  for (const line of raw.toString("latin1", at).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { bytes: Buffer.concat(chunks), trailers };
}

function incomplete(): S3Failure {
  return new S3Failure("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.");
}
