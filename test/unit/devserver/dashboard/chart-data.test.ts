import { describe, expect, it } from "vitest";
import { alignLines, assignColours, COLOUR_COUNT, lastPoint, toCharts } from "../../../../src/devserver/dashboard/data/chart-data.js";

describe("charts of a task", () => {
  it("makes one chart of each metric and one line of each variant, training before validation and machine metrics last", () => {
    const charts = toCharts({
      ":monitor:machine": { cpu_usage: { x: [1], y: [40] } },
      loss: { val: { x: [1], y: [0.5] }, train: { x: [1, 2], y: [0.4, 0.3] } },
      accuracy: { val: { x: [1], y: [0.9] } },
    });
    expect(charts.map((chart) => [chart.title, chart.lines.map((line) => line.name)])).toEqual([
      ["accuracy", ["val"]],
      ["loss", ["train", "val"]],
      [":monitor:machine", ["cpu_usage"]],
    ]);
  });

  it("reads ISO times as milliseconds", () => {
    const [chart] = toCharts({ loss: { train: { x: ["2026-01-01T00:00:00+00:00"], y: [1] } } });
    expect(chart?.lines[0]?.x).toEqual([Date.UTC(2026, 0, 1)]);
  });

  it("aligns lines with different iterations on one axis, leaving holes and never moving a value", () => {
    const columns = alignLines([
      { name: "train", x: [1, 2, 3], y: [10, 20, 30] },
      { name: "val", x: [2, 5], y: [200, 500] },
    ]);
    expect(columns).toEqual([
      [1, 2, 3, 5],
      [10, 20, 30, null],
      [null, 200, null, 500],
    ]);
  });

  it("takes the last number of a line as its last point, past missing values", () => {
    expect(lastPoint({ name: "a", x: [1, 2, 3], y: [4, 5, null] })).toEqual({ x: 2, y: 5 });
    expect(lastPoint({ name: "a", x: [], y: [] })).toBeUndefined();
  });

  it("gives a line's name the same colour in every chart and two lines of one chart different ones", () => {
    const many = Array.from({ length: COLOUR_COUNT }, (_none, index) => [`series ${String(index)}`, { x: [1], y: [1] }] as const);
    const charts = toCharts({
      loss: { train: { x: [1], y: [1] }, val: { x: [1], y: [1] } },
      accuracy: { val: { x: [1], y: [1] } },
      crowd: Object.fromEntries(many),
    });
    const colours = assignColours(charts);
    expect(colours.get("loss")).toEqual([0, 1]);
    expect(colours.get("accuracy")).toEqual([1]);
    expect(new Set(colours.get("crowd")).size).toBe(COLOUR_COUNT);
  });
});
