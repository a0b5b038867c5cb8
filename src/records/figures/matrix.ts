/** A matrix as colours or as a landscape: `reportConfusionMatrix` and `reportSurface`. */
import { checkOptionalBoolean, wrongType } from "../../base/check.js";
import { merged, titleText, type DrawnPlot } from "./figure.js";
import { isRow, type NumberMatrix } from "./number-reader.js";
import { axisTitle, drawPlot, namesOf, type AxisTitles, type PlotInput } from "./plot-input.js";

/** What a matrix has, however it is shown. */
export interface MatrixInput extends PlotInput, AxisTitles {
  /** Row after row, from below unless `yaxisReversed`. */
  readonly matrix: NumberMatrix;
  /** A name for each column. */
  readonly xlabels?: readonly string[];
  /** A name for each row. */
  readonly ylabels?: readonly string[];
}

export interface ConfusionMatrixInput extends MatrixInput {
  /** True: the first row is on top. Default false. */
  readonly yaxisReversed?: boolean;
}

export interface SurfaceInput extends MatrixInput {
  readonly zaxis?: string;
  /** Where the eye is. Default: Plotly's own, about (1.25, 1.25, 1.25). */
  readonly camera?: readonly [x: number, y: number, z: number];
}

/** Colours by share of the whole range, as ClearML's own client has them, its one impossible green included. */
const COLOURS: readonly (readonly [share: number, colour: string])[] = [
  [0, "rgb(71, 17, 100)"],
  [0.1, "rgb(53, 92, 140)"],
  [0.2, "rgb(37, 139, 141)"],
  [0.6, "rgb(66, 189, 112)"],
  [0.9, "rgb(141, 314, 68)"],
  [1, "rgb(221, 226, 24)"],
];

/** @throws ValidationError for an argument of the wrong type, and for rows of different lengths. */
export function drawConfusionMatrix(verb: string, input: ConfusionMatrixInput): DrawnPlot {
  return drawPlot(verb, input, (given, reader) => {
    checkOptionalBoolean(verb, "yaxisReversed", given.yaxisReversed);
    const z = reader.matrix("matrix", given.matrix);
    const trace = {
      x: namesOf(verb, "xlabels", given.xlabels, z[0]?.length),
      y: namesOf(verb, "ylabels", given.ylabels, z.length),
      z,
      type: "heatmap",
      texttemplate: "%{z}",
    };
    const layout = {
      showlegend: true,
      title: titleText(given.title, given.comment),
      xaxis: { title: axisTitle(verb, "xaxis", given.xaxis) },
      yaxis: { title: axisTitle(verb, "yaxis", given.yaxis), ...(given.yaxisReversed === true ? { autorange: "reversed" } : {}) },
      name: given.series,
    };
    return { data: [trace], layout: merged(layout, given.extraLayout) };
  });
}

/** @throws ValidationError for an argument of the wrong type, and for rows of different lengths. */
export function drawSurface(verb: string, input: SurfaceInput): DrawnPlot {
  return drawPlot(verb, input, (given, reader) => {
    const z = reader.matrix("matrix", given.matrix);
    const columnNames = namesOf(verb, "xlabels", given.xlabels, z[0]?.length);
    const rowNames = namesOf(verb, "ylabels", given.ylabels, z.length);
    const trace = {
      z,
      type: "surface",
      contours: { y: { show: false, highlightcolor: "#fff4ff", project: { y: true } } },
      showscale: false,
      colorscale: COLOURS,
      colorbar: { tick0: 0, tickmode: "array", tickvals: COLOURS.slice(1).map(([share]) => share) },
    };
    const layout = {
      scene: {
        xaxis: { title: axisTitle(verb, "xaxis", given.xaxis), showgrid: false, nticks: 10, ...ticks(columnNames) },
        yaxis: { title: axisTitle(verb, "yaxis", given.yaxis), showgrid: false, nticks: 10, ...ticks(rowNames) },
        zaxis: { title: axisTitle(verb, "zaxis", given.zaxis), nticks: 5 },
        ...eye(verb, given.camera),
      },
      showlegend: false,
      title: titleText(`${given.title}/${given.series}`, given.comment),
      name: given.series,
    };
    return { data: [trace], layout: merged(layout, given.extraLayout) };
  });
}

function ticks(names: readonly string[] | null): object {
  return { ticktext: names, tickvals: names && names.map((_, at) => at) };
}

function eye(verb: string, camera: unknown): object {
  if (camera === undefined) return {};
  const isEye = isRow(camera) && camera.length === 3 && Array.from(camera).every((value) => Number.isFinite(value));
  if (!isEye) wrongType(verb, "camera", "three numbers", camera);
  return { camera: { eye: { x: camera[0], y: camera[1], z: camera[2] } } };
}
