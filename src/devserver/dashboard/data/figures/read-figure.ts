/**
 * From Plotly's JSON to what this page can draw. It reads any figure without failing: what it has no drawing for comes
 * out as such, with its data. Of the look it keeps what carries meaning; colours of lines are the page's own, which can be
 * read in light and dark. Pure.
 */
import { readColourScale } from "./colour-scale.js";
import type { CartesianPanel, Figure, ImagePanel, MatrixPanel, Panel, TablePanel } from "./figure.js";
import { readAxis } from "./read-axis.js";
import { isCartesian, readMarks } from "./read-marks.js";
import { cellText, fieldsOf, listOf, matrixOf, textOf, type Fields } from "./trace-values.js";

const MATRIX_NOTES: Readonly<Record<string, string | undefined>> = {
  heatmap: undefined,
  heatmapgl: undefined,
  contour: "Contours are drawn as a heatmap.",
  surface: "A surface is drawn from above: the colour is its height.",
};

const FROM_ABOVE = "Points in space are drawn from above: the third value is told under the pointer.";

/** Reads a figure's JSON text. An empty figure, or a text that is no JSON, has no panels. */
export function readFigure(text: string): Figure {
  const source = parse(text);
  const { data, layout: rawLayout } = fieldsOf(source);
  const layout = fieldsOf(rawLayout);
  const traces = (listOf(data) ?? []).map(fieldsOf);
  const title = textOf(layout["title.text"]) ?? textOf(layout["title"]);
  const cartesian = traces.filter(isCartesian);
  const panels = traces.flatMap((trace): Panel[] => {
    // All that share two axes are one drawing, at the place of the first of them.
    if (isCartesian(trace)) return trace === cartesian[0] ? [cartesianPanel(cartesian, layout)] : [];
    return [matrixPanel(trace, layout) ?? tablePanel(trace) ?? { kind: "undrawn", type: typeOf(trace), trace }];
  });
  return { title, panels: [...panels, ...imagePanels(layout)], source };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function typeOf(trace: Fields): string {
  return typeof trace["type"] === "string" ? trace["type"] : "scatter";
}

function cartesianPanel(traces: readonly Fields[], layout: Fields): CartesianPanel {
  const scene = fieldsOf(layout["scene"]);
  const has3d = traces.some((trace) => trace["type"] === "scatter3d");
  const isPie = traces.every((trace) => trace["type"] === "pie");
  const xs = traces.map((trace) => (trace["type"] === "pie" ? trace["labels"] : trace["x"]));
  const x = readAxis(has3d ? scene["xaxis"] : layout["xaxis"], xs);
  const y = readAxis(
    has3d ? scene["yaxis"] : layout["yaxis"],
    traces.map((trace) => (trace["type"] === "pie" ? trace["values"] : trace["y"])),
  );
  const barMode = layout["barmode"];
  return {
    kind: "cartesian",
    x,
    y,
    marks: readMarks(traces, x, y),
    barMode: barMode === "stack" || barMode === "relative" ? "stack" : "group",
    note: has3d ? FROM_ABOVE : isPie ? "A pie is drawn as bars." : undefined,
  };
}

function matrixPanel(trace: Fields, layout: Fields): MatrixPanel | undefined {
  const type = typeOf(trace);
  const z = Object.hasOwn(MATRIX_NOTES, type) ? matrixOf(trace["z"]) : undefined;
  if (!z) return undefined;
  const axes = type === "surface" ? fieldsOf(layout["scene"]) : layout;
  const width = Math.max(0, ...z.map((row) => row.length));
  const columns = namesOf(trace["x"], width);
  const rows = namesOf(trace["y"], z.length);
  // Plotly has the first row at the bottom, unless the axis is turned.
  const isTurned = fieldsOf(axes["yaxis"])["autorange"] === "reversed";
  return {
    kind: "matrix",
    xTitle: textOf(fieldsOf(axes["xaxis"])["title"]),
    yTitle: textOf(fieldsOf(axes["yaxis"])["title"]),
    columns,
    rows: isTurned ? rows : rows.toReversed(),
    values: isTurned ? z : z.toReversed(),
    colours: readColourScale(trace["colorscale"], trace["reversescale"] === true),
    note: MATRIX_NOTES[type],
  };
}

function namesOf(value: unknown, count: number): string[] {
  const names = listOf(value)?.map(cellText) ?? [];
  return Array.from({ length: count }, (_none, index) => names[index] ?? String(index));
}

/** Cells come by column. */
function tablePanel(trace: Fields): TablePanel | undefined {
  if (trace["type"] !== "table") return undefined;
  const header = (listOf(fieldsOf(trace["header"])["values"]) ?? []).map((name) => cellText(listOf(name)?.[0] ?? name));
  const columns = (listOf(fieldsOf(trace["cells"])["values"]) ?? []).map((column) => (listOf(column) ?? [column]).map(cellText));
  const height = Math.max(0, ...columns.map((column) => column.length));
  return {
    kind: "table",
    header: Array.from({ length: Math.max(header.length, columns.length) }, (_none, index) => header[index] ?? ""),
    rows: Array.from({ length: height }, (_none, row) => columns.map((column) => column[row] ?? "")),
  };
}

function imagePanels(layout: Fields): ImagePanel[] {
  return (listOf(layout["images"]) ?? []).flatMap((image) => {
    const source = fieldsOf(image)["source"];
    return typeof source === "string" ? [{ kind: "image", source } as const] : [];
  });
}
