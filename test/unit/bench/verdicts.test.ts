import { describe, expect, it } from "vitest";
import { parseBenchOptions } from "../../../bench/command-line.ts";
import { reportTable } from "../../../bench/report-table.ts";
import { aim, floor, verdictOf } from "../../../bench/row.ts";
import { median, percentile } from "../../../bench/statistics.ts";

describe("verdicts of the benchmark", () => {
  const figure = (value: number | undefined, ...bars: Parameters<typeof verdictOf>[0]["bars"]) => ({ what: "w", unit: "ms", value, bars });

  it("breaks a floor at its own value when it must stay below", () => {
    expect(verdictOf(figure(5, floor("below", 5)))).toBe("FLOOR BROKEN");
    expect(verdictOf(figure(4.99, floor("below", 5)))).toBe("ok");
    expect(verdictOf(figure(10, floor("above", 10)))).toBe("FLOOR BROKEN");
  });

  it("calls a missed aim missed, and a broken floor broken although its aim is missed too", () => {
    expect(verdictOf(figure(21, aim("at most", 20)))).toBe("aim missed");
    expect(verdictOf(figure(51, aim("at most", 20), floor("below", 50)))).toBe("FLOOR BROKEN");
    expect(verdictOf(figure(0.9, aim("at least", 0.9)))).toBe("ok");
  });

  it("never passes what was not measured, nor what is no number", () => {
    expect(verdictOf(figure(undefined, floor("below", 5)))).toBe("not measured");
    expect(verdictOf(figure(Number.NaN, floor("below", 5)))).toBe("FLOOR BROKEN");
  });

  it("says in the table which row failed", () => {
    const table = reportTable([{ name: "r", title: "t", figures: [figure(1234.5, aim("at most", 20))], failure: "no server" }]);
    expect(table).toContain("FAILED: no server");
    expect(table).toContain("w  1,235 ms  aim <= 20  aim missed");
  });
});

describe("the benchmark's statistics", () => {
  it("takes percentiles by nearest rank, from values in any order", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0.5, 0.99, 1].map((p) => percentile(values, p))).toEqual([50, 99, 100]);
    expect(median([3, 1, 2])).toBe(2);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe("the benchmark's command line", () => {
  it("takes rows by name and refuses unknown ones by the names there are", () => {
    expect(parseBenchOptions(["--quick", "--only", "a,b", "--json", "f"], ["a", "b"])).toMatchObject({
      quick: true,
      only: ["a", "b"],
      json: "f",
    });
    expect(parseBenchOptions(["a", "--quick", "--only", "b"], ["a", "b"])).toMatchObject({ quick: true, only: ["a", "b"] });
    expect(() => parseBenchOptions(["c"], ["a", "b"])).toThrow('There is no row "c"');
    expect(() => parseBenchOptions(["--only", "c"], ["a", "b"])).toThrow('There is no row "c"; there are a, b.');
    expect(() => parseBenchOptions(["--repeat", "0"], [])).toThrow("--repeat must be a whole number");
  });
});
