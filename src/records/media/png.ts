/** Pixels as a PNG file: enough of the format to write an image without loss, over Node's own zlib, off the main thread. */
import { crc32, deflate } from "node:zlib";
import { wrongType } from "../../base/check.js";
import { isRow } from "../figures/number-reader.js";

/** An image as numbers, row after row from the top, the channels of a pixel side by side. */
export interface Pixels {
  /** 0 to 255. Fractions from 0 to 1 (a Float32Array, say) are scaled up when nothing is above 1. What is outside is clamped. */
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

/** Bytes of an image, before they are packed. */
export interface ReadPixels {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and opacity, 3 colours, 4 colours and opacity. */
  readonly channels: 1 | 2 | 3 | 4;
  /** Rows, each after its filter byte. */
  readonly rows: Buffer;
  /** Values that were not finite and are black. */
  readonly nonFinite: number;
}

/** PNG's word for a number of channels. */
const COLOUR_TYPES = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_SIDE = 65_535;

/** Copies the pixels, so that the caller may go on with its array. @throws ValidationError for what is no image. */
export function readPixels(verb: string, field: string, pixels: unknown): ReadPixels {
  if (typeof pixels !== "object" || pixels === null) wrongType(verb, field, "{ data, width, height }", pixels);
  const { data, width, height } = pixels as Partial<Pixels>;
  for (const [name, side] of [
    ["width", width],
    ["height", height],
  ] as const)
    if (!Number.isSafeInteger(side) || Number(side) < 1 || Number(side) > MAX_SIDE)
      wrongType(verb, `${field}.${name}`, `a whole number from 1 to ${String(MAX_SIDE)}`, side);
  if (!isRow(data)) wrongType(verb, `${field}.data`, "an array of numbers", data);
  const channels = data.length / (Number(width) * Number(height));
  if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4)
    wrongType(verb, `${field}.data`, "1 to 4 values for each pixel", `${String(data.length)} values`);
  return { ...pack(verb, field, data, Number(width) * channels), width: Number(width), height: Number(height), channels };
}

/** The file. */
export async function encodePng({ width, height, channels, rows }: ReadPixels): Promise<Uint8Array> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = COLOUR_TYPES[channels];
  // Not imported above: as an ES module it evaluates all of itself, a fifth of what Node's own modules cost a start.
  const { promisify } = await import("node:util");
  const packed = await promisify(deflate)(rows);
  return Buffer.concat([SIGNATURE, chunk("IHDR", header), chunk("IDAT", packed), chunk("IEND", Buffer.alloc(0))]);
}

function pack(verb: string, field: string, data: ArrayLike<unknown>, rowLength: number): Pick<ReadPixels, "rows" | "nonFinite"> {
  const scale = scaleOf(data);
  const rows = Buffer.alloc(data.length + data.length / rowLength);
  let nonFinite = 0;
  let to = 0;
  for (let at = 0; at < data.length; at++) {
    // Each row begins with its filter: 0, none.
    if (at % rowLength === 0) to++;
    const value = data[at];
    if (typeof value !== "number") wrongType(verb, `${field}.data[${String(at)}]`, "a number", value);
    if (!Number.isFinite(value)) nonFinite++;
    else rows[to] = Math.min(255, Math.max(0, Math.round(value * scale)));
    to++;
  }
  return { rows, nonFinite };
}

/** Fractions are told from bytes by their array's type, else by one of them that is no whole number. */
function scaleOf(data: ArrayLike<unknown>): 1 | 255 {
  let hasFraction = data instanceof Float32Array || data instanceof Float64Array;
  for (let at = 0; at < data.length; at++) {
    const value = data[at] as number;
    if (value > 1 && value < Number.POSITIVE_INFINITY) return 1;
    hasFraction ||= !Number.isInteger(value);
  }
  return hasFraction ? 255 : 1;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}
