import { describe, expect, it } from "vitest";
import { formatWeights, parseWeights } from "../../../../examples/mnist/weights-file.ts";

const weights = {
  tensors: new Map([
    ["a", { shape: [2, 3], values: Float32Array.of(1, -2.5, 0, 1e-30, 3.4e38, 7) }],
    ["b", { shape: [1], values: Float32Array.of(0.1) }],
  ]),
  metadata: { epoch: "3" },
};

describe("the weights file", () => {
  it("gives back the very numbers, shapes and metadata that were written", () => {
    expect(parseWeights(formatWeights(weights), "w")).toEqual(weights);
  });

  it("is in the safetensors layout: length, JSON, then raw little-endian floats from a multiple of eight", () => {
    const bytes = formatWeights(weights);
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    expect(headerBytes % 8).toBe(0);
    expect(JSON.parse(bytes.toString("utf8", 8, 8 + headerBytes))).toEqual({
      __metadata__: { epoch: "3" },
      a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
      b: { dtype: "F32", shape: [1], data_offsets: [24, 28] },
    });
    expect(bytes.readFloatLE(8 + headerBytes + 4)).toBe(-2.5);
    expect(bytes.length).toBe(8 + headerBytes + 28);
  });

  it("refuses a file that is cut anywhere, and never reads past its end", () => {
    const bytes = formatWeights(weights);
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseWeights(bytes.subarray(0, length), "cut.safetensors"), String(length)).toThrow("cut.safetensors");
  });

  it("refuses other element types by name", () => {
    const header = Buffer.from('{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    expect(() => parseWeights(Buffer.concat([length, header, Buffer.alloc(2)]), "w")).toThrow("a is not of 32-bit floats");
  });
});
