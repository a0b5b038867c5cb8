import { describe, expect, it } from "vitest";
import { cutLine, prepareSearch, type SearchTerm } from "../../../../src/devserver/dashboard/data/console-search.js";

function find(line: string, text: string, term: Partial<SearchTerm> = {}): string[] {
  const search = prepareSearch({ text, isPattern: false, matchesCase: false, ...term });
  if (search.error !== undefined) throw new Error(search.error);
  return search.find(line).map(({ start, end }) => line.slice(start, end));
}

describe("searching the console", () => {
  it("takes a text as it is, in any case unless asked", () => {
    expect(find("loss=0.3 (LOSS) loss.", "loss.")).toEqual(["loss."]);
    expect(find("loss=0.3 (LOSS)", "loss")).toEqual(["loss", "LOSS"]);
    expect(find("loss=0.3 (LOSS)", "loss", { matchesCase: true })).toEqual(["loss"]);
  });

  it("takes a regular expression where asked", () => {
    expect(find("epoch 7 epoch 12", String.raw`epoch \d{2}`, { isPattern: true })).toEqual(["epoch 12"]);
  });

  it("says what is wrong with an expression", () => {
    expect(prepareSearch({ text: "epoch (", isPattern: true, matchesCase: false }).error).toMatch(/group/i);
  });

  it("finds nothing for no text, and never an empty match", () => {
    expect(find("aab", "")).toEqual([]);
    expect(find("aab", "a*", { isPattern: true })).toEqual(["aa"]);
  });

  it("bounds what one line can cost", () => {
    expect(find("a".repeat(1_000_000), "a")).toHaveLength(100);
  });

  it("cuts a line at what was found without losing a letter", () => {
    const line = "a-b-a";
    const search = prepareSearch({ text: "a", isPattern: false, matchesCase: false });
    const pieces = cutLine(line, search.error === undefined ? search.find(line) : []);
    expect(pieces).toEqual([
      { text: "a", match: 0 },
      { text: "-b-", match: undefined },
      { text: "a", match: 1 },
    ]);
  });
});
