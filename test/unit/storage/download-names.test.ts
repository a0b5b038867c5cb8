import fc from "fast-check";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { nameProblem } from "../../../src/storage/download/file-names.js";

describe("the name of a file that is fetched", () => {
  it("never leads out of its folder, whatever a bucket calls its objects", () => {
    const part = fc.oneof(
      fc.constantFrom("..", ".", "", "a", "C:", "...", "%2e%2e", "a b", "\u0000", "/", "\\"),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.constantFrom("/", "\\"), (parts, separator) => {
        const name = parts.join(separator);
        if (nameProblem(name) !== undefined) return;
        for (const { join, relative, isAbsolute, sep } of [path.posix, path.win32]) {
          const back = relative("/base", join("/base", name));
          expect(back.split(sep)[0]).not.toBe("..");
          expect(isAbsolute(back)).toBe(false);
          expect(back).not.toBe("");
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["a", "a/b.png", "..a/b..", "ä ö/%2e%2e", "ab:c", "con.txt"])("%j is taken", (name) => {
    expect(nameProblem(name)).toBeUndefined();
  });
});
