/** The checksums that S3 takes with a body, and holds it against. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { S3Failure } from "./s3-failure.js";

/** Header `x-amz-checksum-<name>`. */
export type ChecksumName = "crc32" | "crc32c" | "sha1" | "sha256";

const NAMES: readonly ChecksumName[] = ["crc32", "crc32c", "sha1", "sha256"];
const HEADER_PREFIX = "x-amz-checksum-";
/** Headers of that prefix which carry no checksum. */
const NO_CHECKSUMS: ReadonlySet<string> = new Set(["algorithm", "mode", "type"]);

/** A checksum and its value, base64. */
export interface Checksum {
  readonly name: ChecksumName;
  readonly value: string;
}

/** The raw digest. */
export function digestOf(name: ChecksumName, body: Uint8Array): Buffer {
  if (name === "sha1" || name === "sha256") return createHash(name).update(body).digest();
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(name === "crc32" ? crc32(body) : crc32c(body));
  return digest;
}

/** `SHA256` or `sha256` as a name; a name that this double does not know is refused rather than ignored. */
export function checksumName(text: string): ChecksumName {
  const name = NAMES.find((known) => known === text.toLowerCase());
  if (!name) throw new S3Failure("NotImplemented", `This double does not know the checksum algorithm ${text}.`);
  return name;
}

/**
 * Holds a body against `Content-MD5`, the signature's payload hash and every `x-amz-checksum-*` header or trailer.
 * Returns the checksum that came with it.
 */
export function verifyBody(
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
  trailers: Readonly<Record<string, string>>,
): Checksum | undefined {
  const md5 = headers["content-md5"];
  if (md5 !== undefined) {
    if (Buffer.from(md5, "base64").length !== 16) throw new S3Failure("InvalidDigest", "The Content-MD5 you specified is not valid.");
    if (createHash("md5").update(body).digest("base64") !== md5)
      throw new S3Failure("BadDigest", "The Content-MD5 you specified did not match what we received.");
  }
  const payloadHash = headers["x-amz-content-sha256"];
  if (payloadHash !== undefined && /^[0-9a-f]{64}$/.test(payloadHash) && createHash("sha256").update(body).digest("hex") !== payloadHash) {
    throw new S3Failure("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  let found: Checksum | undefined;
  for (const [header, value] of Object.entries({ ...headers, ...trailers })) {
    if (!header.startsWith(HEADER_PREFIX) || NO_CHECKSUMS.has(header.slice(HEADER_PREFIX.length))) continue;
    const name = checksumName(header.slice(HEADER_PREFIX.length));
    if (digestOf(name, body).toString("base64") !== value)
      throw new S3Failure("BadDigest", `The ${name.toUpperCase()} you specified did not match the calculated checksum.`);
    found = { name, value };
  }
  const announced = headers["x-amz-trailer"]?.toLowerCase();
  if (announced?.startsWith(HEADER_PREFIX) && trailers[announced] === undefined)
    throw new S3Failure("InvalidRequest", `The announced trailer ${announced} did not come.`);
  return found;
}

/** The header in which a checksum is answered. */
export function checksumHeader(checksum: Checksum | undefined): Record<string, string> {
  return checksum ? { [`${HEADER_PREFIX}${checksum.name}`]: checksum.value } : {};
}

/** The element in which a checksum stands in XML. */
export function checksumElement(name: ChecksumName): string {
  return `Checksum${name.toUpperCase()}`;
}

/** CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), bit by bit: a double need not be fast. */
function crc32c(body: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
