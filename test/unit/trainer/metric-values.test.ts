import { describe, expect, it } from "vitest";
import { ValidationError } from "../../../src/base/errors.js";
import { MAX_METRIC_NAME_BYTES, MAX_METRICS_PER_REPORT, MetricValues } from "../../../src/trainer/metric-values.js";

function aReader() {
  const nonFinite: [string, unknown, number | undefined][] = [];
  const conflicts: [string, number, unknown, unknown][] = [];
  const values = new MetricValues({
    onNonFinite: (...event) => nonFinite.push(event),
    onConflict: (...event) => conflicts.push(event),
  });
  return { values, nonFinite, conflicts };
}

describe("MetricValues", () => {
  it("keeps 0, negative numbers and the smallest ones as they are", () => {
    const { values } = aReader();
    expect({ ...values.read("verb", "s", { zero: 0, minus: -1.5, tiny: 5e-324 }, 1).metrics }).toEqual({
      zero: 0,
      minus: -1.5,
      tiny: 5e-324,
    });
  });

  it("keeps NaN and infinities by name and tells of each", () => {
    const { values, nonFinite } = aReader();
    const { metrics } = values.read("verb", "s", { a: NaN, b: Infinity, c: -Infinity }, 3);
    expect({ ...metrics }).toEqual({ a: "NaN", b: "Infinity", c: "-Infinity" });
    expect(nonFinite).toEqual([
      ["a", "NaN", 3],
      ["b", "Infinity", 3],
      ["c", "-Infinity", 3],
    ]);
  });

  it("rejects one over-long or reserved name and keeps its neighbours", () => {
    const { values } = aReader();
    const long = "x".repeat(MAX_METRIC_NAME_BYTES + 1);
    const reading = values.read("verb", "s", { [long]: 1, ":monitor:gpu/x": 2, "": 3, good: 4 }, 1);
    expect({ ...reading.metrics }).toEqual({ good: 4 });
    expect(reading.rejectedItems.map(({ item }) => item)).toEqual([long.slice(0, 80), ":monitor:gpu/x", ""]);
    expect(reading.problem).toBeUndefined();
  });

  it("counts a name's bytes, not its characters", () => {
    const { values } = aReader();
    expect(values.read("verb", "s", { ["ж".repeat(MAX_METRIC_NAME_BYTES / 2 + 1)]: 1, ok: 1 }, 1).rejectedItems).toHaveLength(1);
    expect(values.read("verb", "s", { ["ж".repeat(MAX_METRIC_NAME_BYTES / 2)]: 1 }, 1).rejectedItems).toHaveLength(0);
  });

  it("refuses a report of more metrics than a task has room for, and takes one that just fits", () => {
    const { values } = aReader();
    const of = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${String(index)}`, index]));
    expect(values.read("verb", "s", of(MAX_METRICS_PER_REPORT), 1).problem).toBeUndefined();
    expect(values.read("verb", "s", of(10_000), 1).problem).toMatch(/at most 2000 metrics, not 10000/);
  });

  it("throws for a value that is no number, and names it", () => {
    const { values } = aReader();
    expect(() => values.read("reportProgress", "s", { loss: "0.3" }, 1)).toThrow(ValidationError);
    expect(() => values.read("reportProgress", "s", { loss: "0.3" }, 1)).toThrow(
      'reportProgress: metrics["loss"] must be a number, not "0.3"',
    );
    expect(() => values.read("reportProgress", "s", [1], 1)).toThrow(/metrics must be an object, not an array/);
  });

  it("passes over a metric that is undefined, as an optional one is", () => {
    const { values } = aReader();
    expect({ ...values.read("verb", "s", { a: 1, b: undefined }, 1).metrics }).toEqual({ a: 1 });
  });

  it("tells of two values for one point, and not of the same value again or of an older iteration", () => {
    const { values, conflicts } = aReader();
    values.read("verb", "s", { loss: 1 }, 1);
    values.read("verb", "s", { loss: 1 }, 1);
    expect(conflicts).toEqual([]);
    values.read("verb", "s", { loss: 2 }, 1);
    expect(conflicts).toEqual([["loss", 1, 1, 2]]);
    values.read("verb", "other", { loss: 3 }, 1);
    values.read("verb", "s", { loss: 3 }, 2);
    values.read("verb", "s", { loss: 9 }, 1);
    expect(conflicts).toHaveLength(1);
  });

  it("keeps a metric called __proto__ as any other", () => {
    const { values } = aReader();
    const metrics = values.read("verb", "s", JSON.parse('{"__proto__": 1}'), 1).metrics;
    expect(JSON.stringify(metrics)).toBe('{"__proto__":1}');
  });
});
