/** A figure of the caller's own: `reportPlotly`. Taken as it is, but for what JSON cannot say. */
import { wrongType } from "../../base/check.js";
import { isPlainObject, type DrawnPlot, type Figure } from "./figure.js";
import { isRow, type NumberReader } from "./number-reader.js";
import { drawPlot, type PlotInput } from "./plot-input.js";

export interface PlotlyInput extends Pick<PlotInput, "title" | "series" | "iteration"> {
  /** A Plotly figure, or its JSON text. Typed arrays may stand in it; `layout.title` becomes the series. */
  readonly figure: { readonly data: readonly object[]; readonly layout?: object } | string;
}

/** Deeper than any figure; what refers to itself would never end. */
const MAX_DEPTH = 64;

/** @throws ValidationError for what is no figure. */
export function drawAny(verb: string, input: PlotlyInput): DrawnPlot {
  return drawPlot(verb, input, (given, reader) => {
    const figure = typeof given.figure === "string" ? parsed(verb, given.figure) : given.figure;
    if (!isPlainObject(figure) || !isRow(figure["data"]))
      wrongType(verb, "figure", "a Plotly figure: { data: [...], layout: {...} }", figure);
    const { layout } = figure;
    if (layout !== undefined && !isPlainObject(layout)) wrongType(verb, "figure.layout", "an object", layout);
    return plain(reader, "figure", { ...figure, layout: { ...layout, title: given.series } }, 0) as Figure;
  });
}

function parsed(verb: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return wrongType(verb, "figure", "a Plotly figure, or its JSON text", text);
  }
}

/** The same in plain JSON: typed arrays are arrays, what is not finite is null and counted. */
function plain(reader: NumberReader, field: string, value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) wrongType(reader.verb, field, `nested at most ${String(MAX_DEPTH)} deep`, value);
  if (typeof value === "number" || typeof value === "bigint") return reader.row(field, [value])[0];
  if (isRow(value)) return Array.from(value, (item, at) => plain(reader, `${field}[${String(at)}]`, item, depth + 1) ?? null);
  if (typeof value !== "object" || value === null) return typeof value === "function" || typeof value === "symbol" ? undefined : value;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return plain(reader, field, (toJSON as () => unknown).call(value), depth + 1);
  const result: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value))
    Object.defineProperty(result, name, {
      value: plain(reader, `${field}.${name}`, item, depth + 1),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  return result;
}
