/**
 * Weights in the safetensors layout, so that Python reads them too: 8 bytes little-endian length of the header, the
 * header in JSON (`{"name":{"dtype":"F32","shape":[784,128],"data_offsets":[0,401408]},"__metadata__":{"epoch":"3"}}`),
 * then the numbers, little-endian, one tensor after another. Only 32-bit floats. A file is written beside its target,
 * flushed to the disk and renamed, so that a kill never leaves half of one.
 */
import { open, readFile, rename, rm } from "node:fs/promises";
import { endianness } from "node:os";
import type { Tensor } from "./network.ts";

/** Content of a weights file. */
export interface Weights {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Free text by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes the file; when it returns, the file is whole and on the disk. */
export async function writeWeights(path: string, weights: Weights): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(formatWeights(weights));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The bytes of a file. */
export function formatWeights({ tensors, metadata }: Weights): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    const end = offset + values.byteLength;
    header[name] = { dtype: "F32", shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  // Padded with spaces to a multiple of eight, so that a reader may map the numbers in place.
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const start = Buffer.alloc(8 + headerBytes, " ");
  start.writeBigUInt64LE(BigInt(headerBytes), 0);
  text.copy(start, 8);
  return Buffer.concat([start, ...[...tensors.values()].map(({ values }) => littleEndian(values))]);
}

/** Reads a file. @throws Error with `code` `ENOENT` when there is none, or one that says what is wrong with its content. */
export async function readWeights(path: string): Promise<Weights> {
  return parseWeights(await readFile(path), path);
}

/** Reads the bytes of a file; `origin` names them in errors. */
export function parseWeights(bytes: Buffer, origin: string): Weights {
  if (bytes.length < 8) throw new Error(`${origin} is too short for a weights file.`);
  const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
  if (dataStart > bytes.length) throw new Error(`${origin} ends within its header.`);
  const header = JSON.parse(bytes.toString("utf8", 8, dataStart)) as Record<string, TensorHeader | undefined>;
  const { __metadata__: metadata, ...entries } = header;
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(entries)) {
    if (entry?.dtype !== "F32") throw new Error(`${origin}: ${name} is not of 32-bit floats.`);
    const [from, to] = entry.data_offsets;
    const size = entry.shape.reduce((product, length) => product * length, 1);
    if (from < 0 || to - from !== size * 4 || dataStart + to > bytes.length)
      throw new Error(`${origin}: ${name} does not lie where its header says.`);
    tensors.set(name, { shape: entry.shape, values: fromLittleEndian(bytes.subarray(dataStart + from, dataStart + to)) });
  }
  return { tensors, metadata: (metadata ?? {}) as unknown as Record<string, string> };
}

interface TensorHeader {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [from: number, to: number];
}

function littleEndian(values: Float32Array): Buffer {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return endianness() === "LE" ? bytes : Buffer.from(bytes).swap32();
}

function fromLittleEndian(bytes: Buffer): Float32Array {
  // Copied, because a Float32Array must begin at a multiple of four.
  const copy = Buffer.alloc(bytes.length);
  bytes.copy(copy);
  if (endianness() === "BE") copy.swap32();
  return new Float32Array(copy.buffer, copy.byteOffset, copy.length / 4);
}
