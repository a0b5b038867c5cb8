import { describe, expect, it } from "vitest";
import { csvText, tablePreview } from "../../../src/clearml/artifact-table.js";
import { fileSizeText } from "../../../src/clearml/file-size-text.js";

describe("a size", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [5, "5 bytes"],
    [999, "999 bytes"],
    [1000, "1 KB"],
    [1024, "1.02 KB"],
    [1_500_000, "1.5 MB"],
    [999_995, "1 MB"],
    [1_000_000, "1 MB"],
    [4e9, "4 GB"],
    [1e15, "1 PB"],
    [5e18, "5000 PB"],
  ])("of %i bytes is %s, as in Python", (sizeBytes, text) => {
    expect(fileSizeText(sizeBytes)).toBe(text);
  });
});

describe("a table", () => {
  it("spells its cells as a data frame does", () => {
    const rows = [[true, null, Number.NaN, Infinity, -Infinity, 10n, new Date(0), "a\nb"]];
    expect(csvText({ columns: ["a", "b", "c", "d", "e", "f", "g", "h"], rows })).toBe(
      ',a,b,c,d,e,f,g,h\n0,True,,,inf,-inf,10,1970-01-01T00:00:00.000Z,"a\nb"\n',
    );
    expect(csvText({ columns: [], rows: [] })).toBe("\n");
  });

  it("shows its first and last rows", () => {
    const rows = Array.from({ length: 100 }, (_, index) => [index, "x".repeat(60)]);
    const lines = tablePreview({ columns: ["n", "text"], rows }).split("\n");
    expect(lines).toHaveLength(1 + 10 + 1 + 2);
    expect(lines.slice(4, 8).map((line) => line.split(/ +/)[0])).toEqual(["3", "4", "..", "95"]);
    expect(lines[5]).toBe(`4     4  ${"x".repeat(37)}...`);
    expect(tablePreview({ columns: ["n"], rows: [[1]] })).toBe("   n\n0  1\n\n[1 rows x 1 columns]");
  });
});
