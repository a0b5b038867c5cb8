/** Lines and points: `reportLine`, `reportScatter2d` and `reportScatter3d`. */
import { checkObject, checkOptionalBoolean, checkText, wrongType } from "../../base/check.js";
import { merged, titleText, type DrawnPlot } from "./figure.js";
import { isRow } from "./number-reader.js";
import { axisTitle, drawPlot, namesOf, oneOf, type AxisTitles, type PlotInput } from "./plot-input.js";
import { readPoints, thinned, type Points2d, type Points3d } from "./points.js";

/** How points are shown. */
export type ScatterMode = "lines" | "markers" | "lines+markers";

export interface Scatter2dInput extends PlotInput, AxisTitles {
  /** Above 50,000 points the curve is thinned out, as ClearML's own client does. */
  readonly scatter: Points2d;
  /** A text for each point. */
  readonly labels?: readonly string[];
  /** Default `lines`. */
  readonly mode?: ScatterMode;
}

export interface Scatter3dInput extends PlotInput, AxisTitles {
  readonly scatter: Points3d;
  readonly zaxis?: string;
  /** A text for each point. */
  readonly labels?: readonly string[];
  /** Default `markers`. */
  readonly mode?: ScatterMode;
}

/** One named line. */
export interface LineSeries {
  readonly name: string;
  readonly data: Points2d;
  /** A text for each point. */
  readonly labels?: readonly string[];
}

/** Several lines in one plot. */
export interface LineInput extends Omit<PlotInput, "series">, AxisTitles {
  /** Above 400,000 points in all the lines are thinned out, as ClearML's own client does. */
  readonly series: readonly LineSeries[];
  /** Default `lines`. */
  readonly mode?: ScatterMode;
  /** True: high to low. Default false. */
  readonly reverseXaxis?: boolean;
}

const MODES = ["lines", "markers", "lines+markers"] as const;
const MAX_SCATTER_VALUES = 100_000;
const MAX_LINE_VALUES = 800_000;

/** @throws ValidationError for an argument of the wrong type. */
export function drawScatter2d(verb: string, input: Scatter2dInput): DrawnPlot {
  return drawPlot(verb, input, (given, reader) => {
    const points = readPoints(reader, "scatter", given.scatter, ["x", "y"]);
    const labels = namesOf(verb, "labels", given.labels, points[0]?.length);
    const curves = [{ name: given.series, points, labels }];
    return {
      data: traces(curves, oneOf(verb, "mode", given.mode, MODES, "lines"), MAX_SCATTER_VALUES),
      layout: merged(planeLayout(verb, given), given.extraLayout),
    };
  });
}

/** Lines of one plot; the plot has no series of its own. @throws ValidationError for an argument of the wrong type. */
export function drawLines(verb: string, input: LineInput): DrawnPlot {
  const draw = (given: Omit<LineInput, "series"> & { readonly lines: unknown }): DrawnPlot =>
    drawPlot(
      verb,
      given,
      (plot, reader) => {
        const { lines } = plot;
        if (!isRow(lines)) wrongType(verb, "series", "an array of { name, data }", lines);
        const curves = Array.from(lines, (line, at) => {
          const field = `series[${String(at)}]`;
          checkObject(verb, field, line);
          const { name, data, labels } = line as Partial<LineSeries>;
          checkText(verb, `${field}.name`, name);
          const points = readPoints(reader, `${field}.data`, data, ["x", "y"]);
          return { name, points, labels: namesOf(verb, `${field}.labels`, labels, points[0]?.length) };
        });
        checkOptionalBoolean(verb, "reverseXaxis", plot.reverseXaxis);
        const layout = merged(planeLayout(verb, plot), plot.reverseXaxis === true ? { xaxis: { autorange: "reversed" } } : undefined);
        return {
          data: traces(curves, oneOf(verb, "mode", plot.mode, MODES, "lines"), MAX_LINE_VALUES),
          layout: merged(layout, plot.extraLayout),
        };
      },
      { series: "" },
    );
  checkObject(verb, "input", input);
  const { series, ...rest } = input;
  return draw({ ...rest, lines: series });
}

/** @throws ValidationError for an argument of the wrong type. */
export function drawScatter3d(verb: string, input: Scatter3dInput): DrawnPlot {
  return drawPlot(verb, input, (given, reader) => {
    const [x = [], y = [], z = []] = readPoints(reader, "scatter", given.scatter, ["x", "y", "z"]);
    const trace = {
      name: given.series,
      x,
      y,
      z,
      text: namesOf(verb, "labels", given.labels, x.length),
      type: "scatter3d",
      mode: oneOf(verb, "mode", given.mode, MODES, "markers"),
      marker: { size: 5, line: { color: "rgba(217, 217, 217, 0.14)", width: 0.8 }, opacity: 0.8 },
    };
    const layout = {
      showlegend: true,
      title: titleText(given.title, given.comment),
      scene: {
        xaxis: { title: axisTitle(verb, "xaxis", given.xaxis) },
        yaxis: { title: axisTitle(verb, "yaxis", given.yaxis) },
        zaxis: { title: axisTitle(verb, "zaxis", given.zaxis) },
      },
      name: null,
    };
    return { data: [trace], layout: merged(layout, given.extraLayout) };
  });
}

interface Curve {
  readonly name: string;
  readonly points: (number | null)[][];
  readonly labels: string[] | null;
}

function traces(curves: readonly Curve[], mode: ScatterMode, maxValues: number): object[] {
  const drawn = thinned(
    curves.map(({ points: [x = [], y = []] }) => [x, y]),
    maxValues,
  );
  return curves.map(({ name, points, labels }, at) => {
    const [x, y] = drawn[at] ?? [[], []];
    // Labels belong to points that thinning has taken away or moved.
    const text = x.length === points[0]?.length ? labels : null;
    return { name, x, y, mode, text, type: "scatter" };
  });
}

function planeLayout(verb: string, { title, comment, xaxis, yaxis }: { title: string; comment?: string } & AxisTitles): object {
  const axis = (field: "xaxis" | "yaxis", value: unknown): object => ({
    title: axisTitle(verb, field, value),
    showspikes: true,
    spikethickness: 1,
    spikesnap: "cursor",
    spikemode: "toaxis+across",
  });
  return { title: titleText(title, comment), xaxis: axis("xaxis", xaxis), yaxis: axis("yaxis", yaxis), name: null };
}
