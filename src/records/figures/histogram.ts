/** Bars by bucket: `reportHistogram` and `reportVector`. Counts nothing itself; the buckets are the caller's. */
import { wrongType } from "../../base/check.js";
import { merged, titleText, type DrawnPlot, type FigureSettings } from "./figure.js";
import type { NumberMatrix, NumberReader, NumberRow } from "./number-reader.js";
import { axisTitle, checkSettings, drawPlot, namesOf, oneOf, type AxisTitles, type PlotInput } from "./plot-input.js";

export interface HistogramInput extends PlotInput, AxisTitles {
  /** One value a bucket; or one row for each group of bars. */
  readonly values: NumberRow | NumberMatrix;
  /** A name for each row, for the legend. Default: the series. */
  readonly labels?: readonly string[];
  /** A name for each bucket. Default: 0, 1, 2, ... */
  readonly xlabels?: readonly (string | number)[];
  /** How rows stand together. Default `group`. */
  readonly mode?: "group" | "stack" | "relative";
  /** Laid over each trace, by Plotly's own names, such as `{ orientation: "h" }`. */
  readonly dataArgs?: FigureSettings;
}

const MODES = ["group", "stack", "relative"] as const;

/** @throws ValidationError for an argument of the wrong type, and for labels that are not as many as what they name. */
export function drawHistogram(verb: string, input: HistogramInput): DrawnPlot {
  return drawPlot(verb, input, (given, reader) => {
    const { title, series, xlabels, dataArgs } = given;
    checkSettings(verb, "dataArgs", dataArgs);
    const rows = reader.matrix("values", given.values);
    const columns = rows[0]?.length ?? 0;
    const names = rowNames(reader, given, rows.length);
    const buckets = xlabels === undefined ? undefined : namesOf(verb, "xlabels", xlabels, columns);
    const traces = rows.map((y, at) => ({
      name: names[at],
      y,
      // Numbers stay numbers: Plotly draws their axis to scale.
      x: buckets
        ? buckets.map((name, column) => (typeof xlabels?.[column] === "number" ? Number(name) : name))
        : y.map((_, column) => column),
      type: "bar",
      ...dataArgs,
    }));
    const layout = {
      title: titleText(given.labels && given.labels.length > 0 ? series : title, given.comment),
      xaxis: { title: axisTitle(verb, "xaxis", given.xaxis) },
      yaxis: { title: axisTitle(verb, "yaxis", given.yaxis) },
      barmode: oneOf(verb, "mode", given.mode, MODES, "group"),
      bargap: 0.08,
      bargroupgap: 0,
    };
    return { data: traces, layout: merged(layout, given.extraLayout) };
  });
}

/** One name serves all rows; else there is one for each. */
function rowNames({ verb }: NumberReader, { labels, series }: HistogramInput, rows: number): readonly string[] {
  const names = namesOf(verb, "labels", labels, undefined);
  if (names === null || names.length === 0) return Array<string>(rows).fill(series);
  if (names.length === 1 && names[0] !== undefined) return Array<string>(rows).fill(names[0]);
  if (names.length !== rows) wrongType(verb, "labels", `an array of ${String(rows)} texts`, names.length);
  return names;
}
