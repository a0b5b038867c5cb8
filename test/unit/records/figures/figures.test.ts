import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../../../src/base/errors.js";
import { drawAny } from "../../../../src/records/figures/any-figure.js";
import { figureProblem, MAX_FIGURE_CHARACTERS, type DrawnPlot } from "../../../../src/records/figures/figure.js";
import { drawHistogram } from "../../../../src/records/figures/histogram.js";
import { drawConfusionMatrix, drawSurface } from "../../../../src/records/figures/matrix.js";
import { drawLines, drawScatter2d, drawScatter3d } from "../../../../src/records/figures/scatter.js";
import { drawTable } from "../../../../src/records/figures/table.js";

/** What ClearML's own client draws of the same; see draw_python_figures.py. */
const python = JSON.parse(readFileSync(new URL("python-figures.json", import.meta.url), "utf8")) as Record<
  string,
  { metric: string; iteration: number; figure: { data: any[]; layout: any } }
>;

const rows = [
  [1, 2, 3],
  [4, 5, 6],
];
const pairs = [
  [0, 1],
  [1, 2],
];

function figureOf(plot: DrawnPlot): { data: any[]; layout: any } {
  return JSON.parse(plot.figure) as { data: any[]; layout: any };
}

describe("figures", () => {
  it.each([
    drawHistogram("v", { title: "bars", series: "plain", values: [1, 2, 4], iteration: 1, xaxis: "x", yaxis: "y" }),
    drawHistogram("v", {
      title: "bars",
      series: "groups",
      values: rows,
      labels: ["a", "b"],
      xlabels: ["p", "q", "r"],
      mode: "stack",
      extraLayout: { bargap: 0.5 },
    }),
    drawHistogram("v", {
      title: "bars",
      series: "labels",
      values: { values: new Float32Array(rows.flat()), columns: 3 },
      labels: ["a", "b"],
      dataArgs: { orientation: "h" },
    }),
    drawTable("v", {
      title: "table",
      series: "rows",
      table: [
        ["name", "legs"],
        ["falcon", 2],
        ["dog", 4],
      ],
      extraLayout: { height: 600 },
    }),
    drawTable("v", { title: "table", series: "empty", table: [] }),
    drawScatter2d("v", {
      title: "points",
      series: "scatter2d",
      scatter: { x: new Int8Array([0, 1, 2]), y: [1.5, 0.25, 4] },
      xaxis: "x",
      yaxis: "y",
      labels: ["a", "b", "c"],
      mode: "markers",
    }),
    drawScatter2d("v", { title: "points", series: "bare", scatter: pairs, comment: "small letters" }),
    drawLines("v", {
      title: "lines",
      series: [
        { name: "one", data: [new Float64Array([0, 1]), new Float64Array([1, 4])] },
        {
          name: "two",
          data: [
            [0, 2],
            [1, 3],
          ],
          labels: ["s", "t"],
        },
      ],
      xaxis: "x",
      yaxis: "y",
      mode: "lines+markers",
      reverseXaxis: true,
    }),
    drawSurface("v", {
      title: "matrix",
      series: "surface",
      matrix: [
        [0.5, 1],
        [0, 0.25],
      ],
      xaxis: "x",
      yaxis: "y",
      zaxis: "z",
      xlabels: ["u", "v"],
      camera: [1, 2, 3],
    }),
    drawAny("v", {
      title: "any",
      series: "plotly",
      figure: { data: [{ type: "pie", values: new Uint8Array([1, 2]) }], layout: { title: "lost", width: 5 } },
    }),
  ])("draws as ClearML's own client does: $title/$series", (plot) => {
    const theirs = python[plot.series || "lines"]!;
    expect({ metric: plot.title, iteration: plot.iteration, figure: figureOf(plot) }).toEqual(theirs);
  });

  it("draws a confusion matrix as it does, without a setting for cells in the layout, where it means nothing", () => {
    const plot = drawConfusionMatrix("v", {
      title: "matrix",
      series: "confusion",
      matrix: [
        [5, 1],
        [0, 7],
      ],
      xaxis: "x",
      yaxis: "y",
      xlabels: ["c", "d"],
      ylabels: ["c", "d"],
      yaxisReversed: true,
    });
    const { data, layout } = python["confusion"]!.figure;
    const { texttemplate, ...meaningful } = layout;
    expect(texttemplate).toBe("%{z}");
    expect(figureOf(plot)).toEqual({ data, layout: meaningful });
  });

  it("draws points of space as it does, but with the series as the name in the legend, which is empty there", () => {
    const plot = drawScatter3d("v", {
      title: "points",
      series: "scatter3d",
      scatter: [
        [0, 1, 2],
        [3, 4, 5.5],
      ],
      xaxis: "x",
      yaxis: "y",
      zaxis: "z",
    });
    const { data, layout } = python["scatter3d"]!.figure;
    const ours = figureOf(plot);
    expect(ours.layout).toEqual(layout);
    // Its line colour is `rgba(217, 217, 217, 0.140000.2)`, which no browser reads.
    expect(ours.data).toEqual([
      { ...data[0], name: "scatter3d", marker: { ...data[0].marker, line: { color: "rgba(217, 217, 217, 0.14)", width: 0.8 } } },
    ]);
  });

  it("thins a curve out at the same points and to the same means", () => {
    const count = 120_000;
    const x = Float64Array.from({ length: count }, (_, at) => at);
    const y = Float64Array.from({ length: count }, (_, at) => (at * 7919) % 1000);
    const [trace] = figureOf(drawScatter2d("v", { title: "points", series: "thinned", scatter: { x, y } })).data;
    const shown = (values: number[]) => ({
      length: values.length,
      first: values.slice(3, 6),
      middle: values.slice(20_000, 20_003),
      last: values.slice(-6, -3),
    });
    const theirs = python["thinned"]!.figure.data[0];
    expect({ x: shown(trace.x), y: shown(trace.y) }).toEqual({ x: theirs.x, y: theirs.y });
  });

  it("keeps the newest point when it thins out, and leaves a curve alone that is short enough", () => {
    const curve = (count: number) => ({ x: Array.from({ length: count }, (_, at) => at), y: Array<number>(count).fill(2) });
    const [long] = figureOf(drawScatter2d("v", { title: "t", series: "s", scatter: curve(50_001) })).data;
    expect(long.x).toHaveLength(25_001);
    expect(long.x.at(-1)).toBe(50_000);
    expect(new Set(long.y)).toEqual(new Set([2]));
    const [short] = figureOf(drawScatter2d("v", { title: "t", series: "s", scatter: curve(50_000) })).data;
    expect(short.x).toHaveLength(50_000);
  });

  it("says null for what is not finite, counts it, and never writes a number for it", () => {
    const plots = [
      drawHistogram("v", { title: "t", series: "s", values: [1, NaN, Infinity, -Infinity] }),
      drawScatter2d("v", {
        title: "t",
        series: "s",
        scatter: [
          [0, NaN],
          [Infinity, 1],
          [2, -Infinity],
        ],
      }),
      drawConfusionMatrix("v", { title: "t", series: "s", matrix: [[NaN, 1, NaN, NaN]] }),
      drawAny("v", { title: "t", series: "s", figure: { data: [{ y: [NaN, Infinity] }], layout: { width: NaN } } }),
    ];
    expect(plots.map(({ nonFinite }) => nonFinite)).toEqual([3, 3, 3, 3]);
    for (const { figure } of plots) expect(figure).not.toMatch(/NaN|Infinity/);
    expect(figureOf(plots[0]!).data[0].y).toEqual([1, null, null, null]);
    expect(figureOf(plots[2]!).data[0].z).toEqual([[null, 1, null, null]]);
    expect(figureOf(plots[3]!)).toMatchObject({ data: [{ y: [null, null] }], layout: { width: null } });
  });

  it("shows what is not finite by name in a table, where nobody computes with it, and counts it", () => {
    const plot = drawTable("v", {
      title: "t",
      series: "s",
      table: [
        { name: "a", loss: NaN, at: new Date(0), big: 2n ** 70n },
        { name: "b", loss: -Infinity, extra: true },
      ],
    });
    const [trace] = figureOf(plot).data;
    expect(trace.header.values).toEqual(["name", "loss", "at", "big", "extra"]);
    expect(trace.cells.values).toEqual([
      ["a", "b"],
      ["NaN", "-Inf"],
      ["1970-01-01T00:00:00.000Z", null],
      ["1180591620717411303424", null],
      [null, true],
    ]);
    expect(plot.nonFinite).toBe(2);
  });

  it("takes a gap for a gap, and a number of 64 bits for a number", () => {
    const plot = drawHistogram("v", { title: "t", series: "s", values: new BigInt64Array([1n, -2n]) });
    expect(figureOf(plot).data[0].y).toEqual([1, -2]);
    const gap = drawHistogram("v", { title: "t", series: "s", values: [1, null, 3] });
    expect(figureOf(gap).data[0].y).toEqual([1, null, 3]);
    expect(gap.nonFinite).toBe(0);
  });

  it("keeps settings under any name, and merges objects of the layout instead of replacing them", () => {
    const settings = JSON.parse('{"xaxis":{"type":"log"},"__proto__":{"polluted":true}}') as Record<string, unknown>;
    const { layout } = figureOf(drawScatter2d("v", { title: "t", series: "s", scatter: pairs, xaxis: "x", extraLayout: settings }));
    expect(layout.xaxis).toMatchObject({ title: "x", type: "log", showspikes: true });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("refuses a figure that is too long to travel, with what it has", () => {
    const at = (length: number): DrawnPlot => ({ title: "t", series: "s", iteration: 0, figure: "x".repeat(length), nonFinite: 0 });
    expect(figureProblem(at(MAX_FIGURE_CHARACTERS))).toBeUndefined();
    expect(figureProblem(at(MAX_FIGURE_CHARACTERS + 1))).toMatch(/at most 10000000 characters of JSON, not 10000001/);
  });

  it.each<[string, string, () => unknown]>([
    ["no title", "title", () => drawHistogram("v", { series: "s", values: [1] } as never)],
    ["no series", "series", () => drawHistogram("v", { title: "t", values: [1] } as never)],
    ["no values", "values", () => drawHistogram("v", { title: "t", series: "s" } as never)],
    ["a text for numbers", "values", () => drawHistogram("v", { title: "t", series: "s", values: "123" as never })],
    ["a text among numbers", "values[1]", () => drawHistogram("v", { title: "t", series: "s", values: [1, "2"] as never })],
    ["rows of two lengths", "values[1]", () => drawHistogram("v", { title: "t", series: "s", values: [[1, 2], [3]] })],
    ["labels for other rows", "labels", () => drawHistogram("v", { title: "t", series: "s", values: rows, labels: ["a", "b", "c"] })],
    ["names for other buckets", "xlabels", () => drawHistogram("v", { title: "t", series: "s", values: [1, 2], xlabels: ["a"] })],
    ["an unknown mode", "mode", () => drawHistogram("v", { title: "t", series: "s", values: [1], mode: "pile" as never })],
    [
      "a flat matrix that does not divide",
      "matrix.values",
      () => drawSurface("v", { title: "t", series: "s", matrix: { values: [1, 2, 3], columns: 2 } }),
    ],
    ["triples for pairs", "scatter[0]", () => drawScatter2d("v", { title: "t", series: "s", scatter: [[1, 2, 3]] })],
    ["numbers for pairs", "scatter", () => drawScatter2d("v", { title: "t", series: "s", scatter: [1, 2] as never })],
    ["columns of two lengths", "scatter.y", () => drawScatter2d("v", { title: "t", series: "s", scatter: { x: [1, 2], y: [1] } })],
    ["a line without a name", "series[0].name", () => drawLines("v", { title: "t", series: [{ data: pairs }] as never })],
    ["a table of numbers", "table[0]", () => drawTable("v", { title: "t", series: "s", table: [1] as never })],
    ["a short row", "table[1]", () => drawTable("v", { title: "t", series: "s", table: [["a", "b"], ["c"]] })],
    ["a function in a cell", "table[1]", () => drawTable("v", { title: "t", series: "s", table: [["a"], [() => 1]] as never })],
    ["no figure", "figure", () => drawAny("v", { title: "t", series: "s", figure: { layout: {} } as never })],
    ["a broken JSON text", "figure", () => drawAny("v", { title: "t", series: "s", figure: "{" })],
    ["a camera of two", "camera", () => drawSurface("v", { title: "t", series: "s", matrix: rows, camera: [1, 2] as never })],
    [
      "a layout that is a text",
      "extraLayout",
      () => drawHistogram("v", { title: "t", series: "s", values: [1], extraLayout: "x" as never }),
    ],
  ])("throws at once for %s and names %s", (_what, field, call) => {
    expect(call).toThrow(ValidationError);
    expect(call).toThrow(`v: ${field} must be`);
  });

  it("does not follow a figure that refers to itself for ever", () => {
    const trace: { self?: unknown } = {};
    trace.self = trace;
    expect(() => drawAny("v", { title: "t", series: "s", figure: { data: [trace] } })).toThrow(/nested at most 64 deep/);
  });
});
