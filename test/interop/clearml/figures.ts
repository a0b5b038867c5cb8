/** The figures of `programs/plots.py`, drawn by us from the same numbers. */
import type { TaskLogger } from "../../../src/index.js";

/** The verbs that a trainer's logger and a client's have in common. */
export type FigureLogger = Pick<
  TaskLogger,
  | "reportHistogram"
  | "reportVector"
  | "reportTable"
  | "reportLine"
  | "reportScatter2d"
  | "reportScatter3d"
  | "reportSurface"
  | "reportConfusionMatrix"
  | "reportPlotly"
>;

/** Reports each of them. */
export function drawFigures(logger: FigureLogger): Promise<unknown> {
  const matrix = [
    [9, 1],
    [2, 8],
  ];
  const surface = [
    [1, 2],
    [3, 4.5],
  ];
  const space = [
    [0, 1, 2],
    [1, 2, 3.5],
  ];
  const pairs = [
    [0, 1],
    [1, 2],
  ];
  return Promise.all([
    logger.reportHistogram({ title: "histogram", series: "plain", values: [1, 2, 3.5], iteration: 1 }),
    logger.reportHistogram({
      title: "histogram",
      series: "rows",
      values: [
        [1, 2],
        [3, 4],
      ],
      iteration: 2,
      labels: ["one", "two"],
      xlabels: ["a", "b"],
      xaxis: "x",
      yaxis: "y",
      mode: "stack",
    }),
    logger.reportVector({ title: "vector", series: "series", values: [1, 2, 3], iteration: 1, xaxis: "x", yaxis: "y" }),
    logger.reportTable({
      title: "table",
      series: "rows",
      iteration: 1,
      table: [
        ["id", "value"],
        [1, "x"],
        [2, "y"],
      ],
    }),
    logger.reportLine({
      title: "line",
      series: [
        { name: "first", data: pairs },
        {
          name: "second",
          data: [
            [0, 3],
            [1, 4],
          ],
        },
      ],
      xaxis: "time",
      yaxis: "value",
      iteration: 1,
      mode: "lines+markers",
    }),
    logger.reportScatter2d({ title: "scatter", series: "plain", scatter: [...pairs, [2, 0.5]], iteration: 1 }),
    logger.reportScatter2d({
      title: "scatter",
      series: "markers",
      scatter: pairs,
      iteration: 2,
      mode: "markers",
      labels: ["p", "q"],
      xaxis: "x",
      yaxis: "y",
      comment: "note",
    }),
    logger.reportScatter3d({ title: "scatter 3d", series: "plain", scatter: space, iteration: 1 }),
    logger.reportScatter3d({
      title: "scatter 3d",
      series: "axes",
      scatter: space,
      iteration: 2,
      xaxis: "x",
      yaxis: "y",
      zaxis: "z",
      mode: "lines",
      labels: ["p", "q"],
    }),
    logger.reportSurface({ title: "surface", series: "plain", matrix: surface, iteration: 1 }),
    logger.reportSurface({
      title: "surface",
      series: "axes",
      matrix: surface,
      iteration: 2,
      xaxis: "x",
      yaxis: "y",
      zaxis: "z",
      xlabels: ["a", "b"],
      ylabels: ["c", "d"],
    }),
    logger.reportConfusionMatrix({ title: "confusion", series: "plain", matrix, iteration: 1 }),
    logger.reportConfusionMatrix({
      title: "confusion",
      series: "axes",
      matrix,
      iteration: 2,
      xaxis: "said",
      yaxis: "true",
      xlabels: ["t", "f"],
      ylabels: ["t", "f"],
      yaxisReversed: true,
      comment: "note",
    }),
    logger.reportPlotly({
      title: "plotly",
      series: "figure",
      iteration: 1,
      figure: { data: [{ type: "bar", x: ["a"], y: [1] }], layout: { title: "any" } },
    }),
  ]);
}
