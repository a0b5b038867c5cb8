import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutLines, encodeLine } from "../../../src/outbox/line-codec.js";

describe("a journal line", () => {
  it("comes back as it was written, in any script", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text))), (texts) => {
        const { lines, rest } = cutLines(Buffer.concat(texts.map(encodeLine)));
        expect(lines.map(({ json }) => json?.toString("utf8"))).toEqual(texts);
        expect(rest).toBe(0);
      }),
    );
  });

  it("is found damaged whatever bit of it flips, and its neighbours stay readable", () => {
    const [before, line, after] = ['{"a":1}', '{"metric":0.25}', '{"z":3}'].map(encodeLine) as [Buffer, Buffer, Buffer];
    for (let index = 0; index < line.length; index++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Buffer.from(line);
        damaged[index] = (damaged[index] ?? 0) ^ (1 << bit);
        const found = cutLines(Buffer.concat([before, damaged, after])).lines.flatMap(({ json }) => json?.toString("utf8") ?? []);
        const isLineFeed = index === line.length - 1;
        // A letter of the checksum in the other case means the same. Without its line feed a line runs into the next one.
        const isSameChecksum =
          index < 8 && damaged.toString("latin1", index, index + 1).toLowerCase() === line.toString("latin1", index, index + 1);
        const expected = isLineFeed ? [before] : isSameChecksum ? [before, line, after] : [before, after];
        expect(found).toEqual(expected.map((own) => own.toString("utf8", 9, own.length - 1)));
      }
    }
  });

  it("is no line before its last byte is there", () => {
    const line = encodeLine('{"a":1}');
    for (let length = 0; length < line.length; length++) expect(cutLines(line.subarray(0, length))).toEqual({ lines: [], rest: length });
  });
});
