import { describe, expect, it } from "vitest";
import {
  alignLines,
  assignColours,
  COLOUR_COUNT,
  comparedStyles,
  lastPoint,
  sinceStart,
  taskLabels,
  toCharts,
  toComparedCharts,
} from "../../../../src/devserver/dashboard/data/chart-data.js";

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

describe("charts of several tasks", () => {
  const labels = new Map([
    ["a", "first"],
    ["b", "second"],
  ]);

  it("have a line for each variant and task, in the order of the tasks", () => {
    const [chart] = toComparedCharts(
      { loss: { val: { b: { x: [1], y: [4] } }, train: { b: { x: [1], y: [3] }, a: { x: [1], y: [1] }, gone: { x: [1], y: [9] } } } },
      labels,
    );
    expect(chart?.lines.map(({ name, task }) => [name, task])).toEqual([
      ["train · first", "a"],
      ["train · second", "b"],
      ["val · second", "b"],
    ]);
  });

  it("give a task one colour, and tell its variants by dashes", () => {
    const [chart] = toComparedCharts(
      { loss: { train: { a: { x: [], y: [] }, b: { x: [], y: [] } }, val: { a: { x: [], y: [] }, b: { x: [], y: [] } } } },
      labels,
    );
    expect(comparedStyles(chart!, ["a", "b"])).toEqual([
      { colour: 0, dash: 0 },
      { colour: 1, dash: 0 },
      { colour: 0, dash: 1 },
      { colour: 1, dash: 1 },
    ]);
  });

  it("tell tasks of one name apart", () => {
    const labelled = taskLabels([
      { id: "0123456789", name: "job" },
      { id: "abcdefghij", name: "job" },
      { id: "other", name: "probe" },
    ]);
    expect([...labelled.values()]).toEqual(["job (012345)", "job (abcdef)", "probe"]);
  });

  it("count time from each task's own start, and from the first point of a task that was started anew", () => {
    const lines = [
      { name: "a", task: "a", x: [1500, 2000], y: [1, 2] },
      { name: "b", task: "b", x: [9000, 9500], y: [1, 2] },
    ];
    const starts = new Map([
      ["a", 1000],
      ["b", 9400],
    ]);
    const chart = sinceStart({ title: "loss", lines }, (task) => starts.get(task ?? ""));
    expect(chart.lines.map((line) => line.x)).toEqual([
      [500, 1000],
      [0, 500],
    ]);
  });
});
