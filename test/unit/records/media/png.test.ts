import { crc32, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../../../src/base/errors.js";
import { encodePng, readPixels, type Pixels } from "../../../../src/records/media/png.js";

/** Reads a PNG without filters by the format's own rules. */
function decode(file: Uint8Array) {
  const bytes = Buffer.from(file);
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.push({ type: body.subarray(0, 4).toString(), data: body.subarray(4) });
    at += 12 + length;
  }
  expect(chunks.map(({ type }) => type)).toEqual(["IHDR", "IDAT", "IEND"]);
  const header = chunks[0]!.data;
  return {
    width: header.readUInt32BE(0),
    height: header.readUInt32BE(4),
    depth: header[8],
    colourType: header[9],
    rows: [...inflateSync(chunks[1]!.data)],
  };
}

async function written(pixels: Pixels): Promise<ReturnType<typeof decode>> {
  return decode(await encodePng(readPixels("v", "pixels", pixels)));
}

describe("pixels as PNG", () => {
  it.each([
    [1, 0],
    [2, 4],
    [3, 2],
    [4, 6],
  ])("with %i channels are an image of colour type %i, each row after its filter", async (channels, colourType) => {
    const data = Uint8Array.from({ length: 4 * channels }, (_, at) => at * 10);
    const row = (from: number): number[] => [0, ...data.subarray(from, from + 2 * channels)];
    expect(await written({ data, width: 2, height: 2 })).toEqual({
      width: 2,
      height: 2,
      depth: 8,
      colourType,
      rows: [...row(0), ...row(2 * channels)],
    });
  });

  it("are scaled up when they are fractions, and clamped when they are not", async () => {
    expect((await written({ data: new Float32Array([0, 0.5, 1, 0.25]), width: 4, height: 1 })).rows).toEqual([0, 0, 128, 255, 64]);
    expect((await written({ data: [0, 0.5, 1, 1], width: 4, height: 1 })).rows).toEqual([0, 0, 128, 255, 255]);
    expect((await written({ data: [0, 1, 1, 1], width: 4, height: 1 })).rows).toEqual([0, 0, 1, 1, 1]);
    expect((await written({ data: new Float64Array([-5, 300, 1, 12.4]), width: 4, height: 1 })).rows).toEqual([0, 0, 255, 1, 12]);
  });

  it("that are not finite are black and counted, and do not spoil the scale", async () => {
    const pixels = { data: new Float32Array([NaN, Infinity, -Infinity, 1]), width: 4, height: 1 };
    expect(readPixels("v", "pixels", pixels).nonFinite).toBe(3);
    expect((await written(pixels)).rows).toEqual([0, 0, 0, 0, 255]);
  });

  it("are copied at the call", async () => {
    const data = new Uint8Array([1, 2]);
    const read = readPixels("v", "pixels", { data, width: 2, height: 1 });
    data.fill(9);
    expect(decode(await encodePng(read)).rows).toEqual([0, 1, 2]);
  });

  it.each<[string, unknown]>([
    ["pixels", undefined],
    ["pixels.width", { data: [1], width: 0, height: 1 }],
    ["pixels.height", { data: [1], width: 1, height: 1.5 }],
    ["pixels.data", { data: "x", width: 1, height: 1 }],
    ["pixels.data", { data: [1, 2, 3, 4, 5], width: 1, height: 1 }],
    ["pixels.data[1]", { data: [1, "2"], width: 2, height: 1 }],
  ])("throw when %s is no part of an image", (field, pixels) => {
    expect(() => readPixels("v", "pixels", pixels)).toThrow(ValidationError);
    expect(() => readPixels("v", "pixels", pixels)).toThrow(`v: ${field} must be`);
  });
});
