/**
 * One line of a journal file: eight hexadecimal digits of CRC-32 over the JSON that follows, a space, the JSON, a line
 * feed. JSON holds no raw line feed, so a damaged line ends where it ends and its neighbours stay readable.
 */
import { crc32 } from "node:zlib";

const CHECKSUM_LENGTH = 8;
const PREFIX_LENGTH = CHECKSUM_LENGTH + 1;
const SPACE = 0x20;
const LINE_FEED = 0x0a;

/** Bytes that a line adds to its JSON. */
export const LINE_OVERHEAD_BYTES = PREFIX_LENGTH + 1;

/** Writes the line at `offset` and answers where the next one begins. The target must have room for three bytes a character. */
export function writeLine(target: Buffer, offset: number, json: string): number {
  const start = offset + PREFIX_LENGTH;
  const end = start + target.write(json, start, "utf8");
  const checksum = crc32(target.subarray(start, end)).toString(16).padStart(CHECKSUM_LENGTH, "0");
  target.write(checksum, offset, "latin1");
  target[start - 1] = SPACE;
  target[end] = LINE_FEED;
  return end + 1;
}

/** The line as bytes of its own. */
export function encodeLine(json: string): Buffer {
  const line = Buffer.allocUnsafe(json.length * 3 + LINE_OVERHEAD_BYTES);
  return line.subarray(0, writeLine(line, 0, json));
}

/** The JSON of a line (given without its line feed), as bytes; undefined when the line is not what was written. */
export function decodeLine(line: Buffer): Buffer | undefined {
  if (line.length <= PREFIX_LENGTH || line[CHECKSUM_LENGTH] !== SPACE) return undefined;
  const stated = Number.parseInt(line.toString("latin1", 0, CHECKSUM_LENGTH), 16);
  const json = line.subarray(PREFIX_LENGTH);
  return crc32(json) === stated ? json : undefined;
}

/** A line as it lies in a file. */
export interface FoundLine {
  /** Checksum, JSON and line feed. */
  readonly bytes: Buffer;
  /** Undefined: damaged. */
  readonly json: Buffer | undefined;
}

/**
 * Cuts bytes into lines. The `rest` bytes after the last line feed are the start of a line whose end is not here, or a
 * torn tail.
 */
export function cutLines(bytes: Buffer): { readonly lines: FoundLine[]; readonly rest: number } {
  const lines: FoundLine[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED, start); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
    lines.push({ bytes: bytes.subarray(start, end + 1), json: decodeLine(bytes.subarray(start, end)) });
    start = end + 1;
  }
  return { lines, rest: bytes.length - start };
}
