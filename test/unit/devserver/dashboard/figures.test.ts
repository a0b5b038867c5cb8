import { describe, expect, it } from "vitest";
import { binNumbers } from "../../../../src/devserver/dashboard/data/figures/histogram-bins.js";
import { colourAt, isLight, readColourScale } from "../../../../src/devserver/dashboard/data/figures/colour-scale.js";
import { drawMarks } from "../../../../src/devserver/dashboard/data/figures/cartesian-shapes.js";
import type { CartesianPanel, MatrixPanel, Panel } from "../../../../src/devserver/dashboard/data/figures/figure.js";
import { readFigure } from "../../../../src/devserver/dashboard/data/figures/read-figure.js";
import { makeScale, niceStep } from "../../../../src/devserver/dashboard/data/figures/scale.js";
import { traceTable } from "../../../../src/devserver/dashboard/data/figures/trace-table.js";
import { drawHistogram } from "../../../../src/records/figures/histogram.js";
import { drawConfusionMatrix, drawSurface } from "../../../../src/records/figures/matrix.js";
import { drawLines, drawScatter3d } from "../../../../src/records/figures/scatter.js";
import { drawTable } from "../../../../src/records/figures/table.js";
import * as fixtures from "../../../browser/figure-fixtures.js";

const read = (figure: object) => readFigure(JSON.stringify(figure));
const only = (figure: object): Panel => read(figure).panels[0]!;
const cartesian = (figure: object) => only(figure) as CartesianPanel;

describe("reading Plotly figures", () => {
  it("reads a confusion matrix with its names, its turned rows and its colours", () => {
    const panel = only(fixtures.confusionMatrix) as MatrixPanel;
    expect(panel).toMatchObject({
      kind: "matrix",
      xTitle: "Predicted",
      yTitle: "Actual",
      columns: ["cat", "dog", "bird"],
      rows: ["cat", "dog", "bird"],
      note: undefined,
    });
    expect(panel.values[0]).toEqual([52, 3, 1]);
    expect(colourAt(panel.colours, 1)).toEqual([5, 10, 172]);
  });

  it("has a heatmap's first row at the bottom, as Plotly does, unless its axis is turned", () => {
    const panel = only({ data: [{ type: "heatmap", z: [[1], [2]], y: ["first", "second"] }] }) as MatrixPanel;
    expect(panel.rows).toEqual(["second", "first"]);
    expect(panel.values).toEqual([[2], [1]]);
  });

  it("reads a table, whose cells come by column, as rows of plain text", () => {
    expect(only(fixtures.table)).toEqual({
      kind: "table",
      header: ["class", "precision", "recall"],
      rows: [
        ["cat", "0.897", "0.929"],
        ["dog", "0.87", "0.855"],
        ["bird", "0.953", "nan"],
      ],
    });
  });

  it("puts all traces of two axes into one drawing, with titles free of markup", () => {
    const figure = read(fixtures.scatter);
    expect(figure.title).toBe("roc five thresholds");
    expect(figure.panels).toHaveLength(1);
    const panel = figure.panels[0] as CartesianPanel;
    expect(panel.x).toMatchObject({ kind: "linear", title: "False positives" });
    expect(panel.marks).toMatchObject([
      { name: "ROC", hasLine: true, hasMarkers: true, isDashed: false },
      { name: "chance", hasLine: true, hasMarkers: false, isDashed: true },
    ]);
  });

  it("reads bars over names, lying ones too", () => {
    expect(cartesian(fixtures.groupedBars)).toMatchObject({
      x: { kind: "category", categories: ["cat", "dog", "bird"] },
      marks: [{ kind: "bars", name: "train", at: [0, 1, 2], length: [120, 80, 40] }, { name: "val" }],
    });
    expect(cartesian({ data: [{ type: "bar", orientation: "h", x: [3, 4], y: ["a", "b"] }] }).marks[0]).toMatchObject({
      at: [0, 1],
      length: [3, 4],
      isHorizontal: true,
    });
  });

  it("unpacks numbers as Plotly 6 packs them, and counts a histogram's values", () => {
    const [mark] = cartesian(fixtures.packedHistogram).marks;
    expect(mark?.kind).toBe("bars");
    const counts = mark?.kind === "bars" ? mark.length : [];
    expect(counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)).toBe(500);
  });

  it("takes NaN, null and the text nan for holes, and dates for dates", () => {
    const panel = cartesian({ data: [{ x: ["2026-01-01", "2026-01-02 12:00:00", "2026-01-03"], y: [1, "nan", null] }] });
    expect(panel.x.kind).toBe("date");
    expect(panel.marks[0]).toMatchObject({ y: [1, null, null] });
  });

  it("draws a surface from above as a heatmap, points in space from above, a pie as bars, and says so", () => {
    expect((only(fixtures.surface) as MatrixPanel).note).toMatch(/from above/);
    expect(cartesian(fixtures.scatter3d)).toMatchObject({ x: { title: "a" }, note: expect.stringMatching(/third value/) as string });
    expect(cartesian(fixtures.scatter3d).marks[0]).toMatchObject({ texts: ["z 9", "z 8", "z 7", "z 6"] });
    expect(cartesian({ data: [{ type: "pie", labels: ["a", "b"], values: [1, 3] }] }).marks[0]).toMatchObject({
      at: [0, 1],
      length: [1, 3],
    });
  });

  it("hands over what it has no drawing for, with its type and its data", () => {
    expect(only(fixtures.sankey)).toMatchObject({ kind: "undrawn", type: "sankey", trace: fixtures.sankey.data[0] });
  });

  it.each(["", "nonsense", "[]", "null", '{"data":{}}', '{"data":[null,7,{"type":7}],"layout":[]}', '{"data":[{"type":"heatmap","z":7}]}'])(
    "survives %j",
    (text) => {
      expect(() => readFigure(text)).not.toThrow();
    },
  );

  it("finds images that a figure carries", () => {
    expect(only({ data: [], layout: { images: [{ source: "http://127.0.0.1:8081/a.png" }] } })).toEqual({
      kind: "image",
      source: "http://127.0.0.1:8081/a.png",
    });
  });

  it("gives a trace's data as a table, or nothing when it is none", () => {
    expect(traceTable(fixtures.scatter.data[1])).toEqual({
      kind: "table",
      header: ["x", "y"],
      rows: [
        ["0", "0"],
        ["1", "1"],
      ],
    });
    expect(traceTable(fixtures.confusionMatrix.data[0])?.rows[2]).toEqual(["bird", "0", "4", "61"]);
    expect(traceTable(fixtures.sankey.data[0])).toBeUndefined();
  });
});

describe("figures of the SDK's own logger", () => {
  const base = { title: "a title", series: "a series", iteration: 1 };

  it("are read whole: matrices, surfaces, tables, histograms, lines and points in space", () => {
    const matrix = [
      [5, 1],
      [0, 7],
    ];
    const confusion = drawConfusionMatrix("reportConfusionMatrix", { ...base, matrix, xlabels: ["a", "b"], yaxisReversed: true });
    expect(readFigure(confusion.figure).panels[0]).toMatchObject({ kind: "matrix", values: matrix, columns: ["a", "b"], rows: ["0", "1"] });
    expect(readFigure(drawSurface("reportSurface", { ...base, matrix }).figure).panels[0]).toMatchObject({ kind: "matrix" });
    const table = drawTable("reportTable", { ...base, table: [{ name: "a", value: 1 }] });
    expect(readFigure(table.figure).panels).toEqual([{ kind: "table", header: ["name", "value"], rows: [["a", "1"]] }]);
    const histogram = drawHistogram("reportHistogram", { ...base, values: matrix, xlabels: ["low", "high"], labels: ["one", "two"] });
    expect(readFigure(histogram.figure).panels[0]).toMatchObject({
      x: { categories: ["low", "high"] },
      marks: [{ name: "one" }, { name: "two" }],
    });
    const lines = drawLines("reportLine", {
      title: "lines",
      series: [
        {
          name: "one",
          data: [
            [0, 1],
            [1, Number.NaN],
          ],
        },
        { name: "two", data: [[0, 2]] },
      ],
    });
    expect(readFigure(lines.figure).panels[0]).toMatchObject({
      marks: [
        { name: "one", y: [1, null] },
        { name: "two", y: [2] },
      ],
    });
    const space = drawScatter3d("reportScatter3d", { ...base, scatter: [[1, 2, 3]] });
    expect(readFigure(space.figure).panels[0]).toMatchObject({ marks: [{ x: [1], y: [2], texts: ["z 3"] }] });
  });
});

describe("drawing figures", () => {
  const frame = { left: 0, right: 100, top: 0, bottom: 100 };
  const nothing: ReadonlySet<number> = new Set();

  it("breaks a line at a hole, and starts it anew behind", () => {
    const panel = cartesian({ data: [{ mode: "lines", x: [0, 1, 2, 3, 4], y: [0, 1, null, 3, 4] }] });
    const path = drawMarks(panel, frame, nothing).shapes[0]?.path ?? "";
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path.match(/L/g)).toHaveLength(2);
  });

  it("draws a hundred thousand points as no more dots than the frame has places", () => {
    const count = 100_000;
    const x = Array.from({ length: count }, (_none, index) => index / count);
    const panel = cartesian({ data: [{ type: "scattergl", mode: "markers", x, y: x }] });
    const dots = drawMarks(panel, frame, nothing).shapes[0]?.dots.match(/M/g) ?? [];
    expect(dots.length).toBeGreaterThan(50);
    expect(dots.length).toBeLessThan(1000);
  });

  it("draws of a line of many points what can be told apart: every peak, every hole, and little else", () => {
    const count = 200_000;
    const y: (number | null)[] = Array.from({ length: count }, (_none, index) => Math.sin(index));
    y[77_777] = 9;
    y[150_000] = null;
    const panel = cartesian({ data: [{ mode: "lines", x: y.map((_none, index) => index), y }] });
    const [shape] = drawMarks(panel, frame, nothing).shapes;
    expect(shape?.places.length).toBeLessThan(600);
    expect(shape?.places.map((place) => place.index)).toContain(77_777);
    expect(shape?.path.match(/M/g)).toHaveLength(2);
  });

  it("sets grouped bars side by side and stacks stacked ones", () => {
    const grouped = drawMarks(cartesian(fixtures.groupedBars), frame, nothing).shapes;
    expect(grouped[0]?.places[0]?.px).toBeLessThan(grouped[1]?.places[0]?.px ?? 0);
    const stacked = drawMarks({ ...cartesian(fixtures.groupedBars), barMode: "stack" }, frame, nothing).shapes;
    expect(stacked[0]?.places[0]?.px).toBe(stacked[1]?.places[0]?.px);
    expect(stacked[1]?.places[0]?.py).toBeLessThan(stacked[0]?.places[0]?.py ?? 0);
  });

  it("leaves out what is hidden, and scales to the rest", () => {
    const shapes = drawMarks(cartesian(fixtures.groupedBars), frame, new Set([0])).shapes;
    expect(shapes.map((shape) => shape.name)).toEqual(["val"]);
    expect(shapes[0]?.places[0]?.py).toBeLessThan(10);
  });

  it("places ticks at round values, on a logarithmic axis at powers of ten", () => {
    const axis = { title: undefined, kind: "linear", categories: [], isReversed: false } as const;
    const labels = (from: number, to: number, kind: "linear" | "log" | "date") =>
      makeScale({ axis: { ...axis, kind }, from, to, pixels: [0, 300], tickPx: 60 }).ticks.map((tick) => tick.label);
    expect(labels(0, 1, "linear")).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    expect(labels(0.5, 2000, "log")).toEqual(["1", "10", "100", "1,000"]);
    expect(labels(Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 5), "date")).toEqual([1, 2, 3, 4, 5].map((day) => `2026-01-0${String(day)}`));
    expect(niceStep(0.23)).toBeCloseTo(0.5);
  });

  it("counts numbers by stretches with round borders, each number once", () => {
    const bins = binNumbers([0, 0.1, 0.9, 1.5, null, 2], 2);
    expect(bins.width).toBe(1);
    expect(bins.counts).toEqual([3, 1, 1]);
  });

  it("keeps within what a colour can be, whatever a client wrote", () => {
    const scale = readColourScale([
      [0, "rgb(0, 0, 0)"],
      [1, "rgb(141, 314, 68)"],
    ]);
    expect(colourAt(scale, 1)).toEqual([141, 255, 68]);
  });

  it("mixes the colours of a scale, whatever form it has, and tells light from dark", () => {
    const scale = readColourScale([
      [0, "#000000"],
      [1, "rgba(200, 100, 50, 0.5)"],
    ]);
    expect(colourAt(scale, 0.5)).toEqual([100, 50, 25]);
    expect(colourAt(scale, -1)).toEqual([0, 0, 0]);
    expect(colourAt(readColourScale("no such name"), 0)).toEqual([68, 1, 84]);
    expect(colourAt(readColourScale("Greys", true), 0)).toEqual([0, 0, 0]);
    expect([isLight([255, 255, 255]), isLight([5, 10, 172])]).toEqual([true, false]);
  });
});
