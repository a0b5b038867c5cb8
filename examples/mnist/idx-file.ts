/**
 * Reads an IDX file, the format in which MNIST has always been given away: two zero bytes, the element type, the number
 * of dimensions, each dimension as a 32-bit big-endian integer, then the elements. Only bytes (type 8) are read: MNIST
 * has nothing else.
 */
import { readFile } from "node:fs/promises";

const UNSIGNED_BYTE = 0x08;

/** An array of bytes with its shape. */
export interface IdxArray {
  readonly dimensions: readonly number[];
  /** Row-major. */
  readonly values: Uint8Array;
}

/**
 * Reads the whole file.
 *
 * @throws Error when the file is not IDX, holds another element type, or is shorter or longer than its header says.
 */
export async function readIdxFile(path: string): Promise<IdxArray> {
  const bytes = await readFile(path);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) throw new Error(`${path} is not an IDX file.`);
  if (bytes[2] !== UNSIGNED_BYTE) throw new Error(`${path} holds elements of type ${String(bytes[2])}; only bytes (8) are understood.`);
  const rank = bytes[3] ?? 0;
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes) throw new Error(`${path} ends within its header.`);
  const dimensions = Array.from({ length: rank }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const size = dimensions.reduce((product, length) => product * length, 1);
  if (bytes.length !== headerBytes + size)
    throw new Error(`${path} holds ${String(bytes.length - headerBytes)} elements; its header says ${String(size)}.`);
  return { dimensions, values: bytes.subarray(headerBytes) };
}
