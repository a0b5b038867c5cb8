import { expect, it } from "vitest";
import { budgetsFor, compareSizes, sizeTable } from "../../../scripts/size-budget.js";

const KIB = 1024;

it("says which entry grew, and by how much", () => {
  const rows = compareSizes({ "import a": 120 * KIB, "import b": 90 * KIB }, { "import a": 100 * KIB, "import b": 100 * KIB });
  expect(rows.map(({ name, verdict }) => [name, verdict])).toEqual([
    ["import a", "too much"],
    ["import b", "fits"],
  ]);
  expect(sizeTable(rows)).toMatch(/^import a +120\.0 KiB +100\.0 KiB +120 % +GREW: 20\.0 KiB too much$/m);
});

it("accepts neither an entry without a budget, nor a budget without an entry, nor one that would see no growth", () => {
  const rows = compareSizes({ fresh: 1, shrunk: 100 * KIB, exact: 100 }, { shrunk: 200 * KIB, exact: 100, old: 5 });
  expect(rows.map(({ name, verdict }) => [name, verdict])).toEqual([
    ["fresh", "no budget"],
    ["shrunk", "budget too wide"],
    ["exact", "fits"],
    ["old", "gone"],
  ]);
});

it("writes budgets that fit what was measured", () => {
  const figures = { tiny: 10, large: 10_000_000, none: 0 };
  expect(compareSizes(figures, budgetsFor(figures)).every(({ verdict }) => verdict === "fits")).toBe(true);
});
