/** The end of a text, by bytes. */

/** The last of it, at most so many bytes, in whole characters. */
export function lastBytes(bytes: Buffer, maxBytes: number): string {
  return bytes
    .subarray(-maxBytes)
    .toString("utf8")
    .replace(/^\uFFFD+/, "");
}
