/** Lines, points and bars of a figure's traces. Pure. */
import type { BarMark, FigureAxis, Mark, Place, PointMark } from "./figure.js";
import { binNumbers } from "./histogram-bins.js";
import { categoryNumbers, placeOn } from "./read-axis.js";
import { cellText, fieldsOf, listOf, numberOf, textOf, type Fields } from "./trace-values.js";

const POINT_TYPES: readonly unknown[] = [undefined, "scatter", "scattergl", "scatter3d"];
const BAR_TYPES: readonly unknown[] = ["bar", "histogram", "pie"];

/** Plotly draws the points of shorter lines unless told otherwise. */
const SHORT_LINE = 20;

/** True for what two axes can show. */
export function isCartesian(trace: Fields): boolean {
  return POINT_TYPES.includes(trace["type"]) || BAR_TYPES.includes(trace["type"]);
}

/** The marks of the traces, in their order; what a trace lacks makes it an empty mark. */
export function readMarks(traces: readonly Fields[], x: FigureAxis, y: FigureAxis): Mark[] {
  const xNumbers = categoryNumbers(x);
  const yNumbers = categoryNumbers(y);
  return traces.map((trace, index) => {
    const name = textOf(trace["name"]) ?? `Series ${String(index + 1)}`;
    if (trace["type"] === "histogram") return histogram(trace, name, x, xNumbers);
    if (trace["type"] === "pie") {
      const at = (listOf(trace["labels"]) ?? []).map((label) => placeOn(x, label, xNumbers));
      return { kind: "bars", name, at, length: (listOf(trace["values"]) ?? []).map(numberOf), isHorizontal: false, width: undefined };
    }
    const [xs, ys] = columnsOf(
      trace,
      (value) => placeOn(x, value, xNumbers),
      (value) => placeOn(y, value, yNumbers),
    );
    if (trace["type"] !== "bar") return points(trace, name, xs, ys);
    const isHorizontal = trace["orientation"] === "h";
    return {
      kind: "bars",
      name,
      at: isHorizontal ? ys : xs,
      length: isHorizontal ? xs : ys,
      isHorizontal,
      width: numberOf(trace["width"]) ?? undefined,
    };
  });
}

/** One of the columns may be missing: it then counts from 0. */
function columnsOf(trace: Fields, placeX: (value: unknown) => Place, placeY: (value: unknown) => Place): [Place[], Place[]] {
  const xs = listOf(trace["x"]);
  const ys = listOf(trace["y"]);
  const count = Math.min(xs?.length ?? Infinity, ys?.length ?? Infinity);
  if (!Number.isFinite(count)) return [[], []];
  const column = (values: readonly unknown[] | undefined, place: (value: unknown) => Place): Place[] =>
    values === undefined ? Array.from({ length: count }, (_none, index) => index) : values.slice(0, count).map(place);
  return [column(xs, placeX), column(ys, placeY)];
}

function points(trace: Fields, name: string, x: readonly Place[], y: readonly Place[]): PointMark {
  const is3d = trace["type"] === "scatter3d";
  const mode = typeof trace["mode"] === "string" ? trace["mode"] : is3d || x.length < SHORT_LINE ? "lines+markers" : "lines";
  const heights = is3d ? listOf(trace["z"]) : undefined;
  const texts = listOf(trace["text"]) ?? listOf(trace["hovertext"]) ?? [];
  return {
    kind: "points",
    name,
    x,
    y,
    hasLine: mode.includes("lines"),
    hasMarkers: mode.includes("markers") || mode.includes("text"),
    isDashed: !["undefined", "solid"].includes(String(fieldsOf(trace["line"])["dash"])),
    isFilled: typeof trace["fill"] === "string" && trace["fill"] !== "none",
    texts: heights ? heights.map((z) => `z ${cellText(z)}`) : texts.map(cellText),
  };
}

function histogram(trace: Fields, name: string, x: FigureAxis, xNumbers: ReadonlyMap<string, number>): BarMark {
  const places = (listOf(trace["x"]) ?? []).map((value) => placeOn(x, value, xNumbers));
  if (x.kind === "category") {
    const counts = Map.groupBy(
      places.filter((place) => place !== null),
      (place) => place,
    );
    return {
      kind: "bars",
      name,
      at: [...counts.keys()],
      length: [...counts.values()].map((each) => each.length),
      isHorizontal: false,
      width: undefined,
    };
  }
  const bins = binNumbers(places, numberOf(trace["nbinsx"]) ?? undefined);
  return { kind: "bars", name, at: bins.centres, length: bins.counts, isHorizontal: false, width: bins.width };
}
