/**
 * The border to uPlot: colours from the style sheet, size from the host element. Colours are read once: for another theme
 * the chart is drawn anew.
 */
import uPlot from "uplot";
import { alignLines, COLOUR_COUNT, type ChartLine, type LineStyle } from "../data/chart-data.js";
import type { XAxis } from "../data/chart-settings.js";
import { smooth } from "../data/smoothing.js";
import { axisSize, DURATION_STEPS, durationTicks, numberTicks, timeTicks, wholeRange, WHOLE_STEPS } from "./chart-axes.js";

/** A line with no more points than this shows each as a dot. */
const MOST_DOTS = 15;

/** uPlot declares its kinds of scale as a constant enum, which code compiled file by file cannot read. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- its value in uPlot's documentation
const LOGARITHMIC: uPlot.Scale.Distr = 3;

/** All charts with this key show the same x under the pointer. */
const SYNC_KEY = "scalars";

/** With more lines than this a smoothed line stands alone; what it was made of would hide the others. */
const MOST_RAW_LINES = 20;

/** Dashes by their number; 0 is a whole line. */
const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [8, 3, 2, 3], [12, 4]];

export interface DrawOptions {
  readonly styles: readonly LineStyle[];
  readonly axis: XAxis;
  readonly logarithmic: boolean;
  /** True for smoothed lines, with the measured ones faint behind them. */
  readonly isSmoothed: boolean;
  readonly smoothing: number;
  /** Tells the x under the pointer and each line's value there; `undefined` when the pointer has left. */
  readonly onHover: (x: number | undefined, values: readonly (number | null)[]) => void;
}

/** A chart on the screen. */
export interface DrawnChart {
  /** Draws other points of the same lines, or the same ones smoothed in another way; a zoom stays. */
  update(lines: readonly ChartLine[], smoothing: number): void;
  /** Shows or hides the line of this number. */
  show(index: number, visible: boolean): void;
  /** Removes it and all its listeners. */
  destroy(): void;
}

/** The style sheet's colour for a line's number. */
export function lineColour(number: number): string {
  return `var(${lineVariable(number)})`;
}

function lineVariable(number: number): string {
  return `--line-${String(number % COLOUR_COUNT)}`;
}

/** Draws into `host` until destroyed. */
export function drawChart(host: HTMLElement, lines: readonly ChartLine[], options: DrawOptions): DrawnChart {
  let shown = { lines, smoothing: options.smoothing };
  const raw = showsRaw(lines, options) ? lines.length : 0;
  const plot = new uPlot(plotOptions(host, lines, options), toData(lines, options), host);
  const resize = new ResizeObserver(() => {
    if (host.clientWidth > 0) plot.setSize({ width: host.clientWidth, height: host.clientHeight });
  });
  resize.observe(host);

  return {
    update(next, smoothing) {
      if (next === shown.lines && smoothing === shown.smoothing) return;
      shown = { lines: next, smoothing };
      const zoomed = isZoomed(plot);
      plot.setData(toData(next, { ...options, smoothing }), !zoomed);
      if (zoomed) plot.redraw();
    },
    show(index, isVisible) {
      if (plot.series[index + 1 + raw]?.show === isVisible) return;
      plot.setSeries(index + 1 + raw, { show: isVisible });
      if (raw > 0) plot.setSeries(index + 1, { show: isVisible });
    },
    destroy() {
      resize.disconnect();
      plot.destroy();
    },
  };
}

function showsRaw(lines: readonly ChartLine[], options: DrawOptions): boolean {
  return options.isSmoothed && lines.length <= MOST_RAW_LINES;
}

function isZoomed(plot: uPlot): boolean {
  const x = plot.data[0];
  const first = x[0];
  const last = x.at(-1);
  // Both are null until the first drawing is done.
  const { min, max } = plot.scales["x"] as { min: number | null; max: number | null };
  return first !== undefined && last !== undefined && min !== null && max !== null && (min > first || max < last);
}

/** Columns as uPlot takes them: x, the measured lines that are shown behind smoothed ones, and the lines. */
function toData(lines: readonly ChartLine[], options: DrawOptions): uPlot.AlignedData {
  const [x, ...columns] = alignLines(lines);
  const seconds = options.axis === "iteration" ? x : x.map((value) => value / 1000);
  const smoothed = options.isSmoothed ? columns.map((column) => smooth(column, options.smoothing)) : columns;
  const all = showsRaw(lines, options) ? [...columns, ...smoothed] : smoothed;
  // A logarithm has no place for zero and below: such points are left out rather than drawn somewhere.
  const values = options.logarithmic ? all.map((column) => column.map((y) => (y !== null && y > 0 ? y : null))) : all;
  return [seconds, ...values];
}

function plotOptions(host: HTMLElement, lines: readonly ChartLine[], options: DrawOptions): uPlot.Options {
  const style = getComputedStyle(host);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const strokes = lines.map((_line, index) => colour(lineVariable(options.styles[index]?.colour ?? 0)));
  const raw = showsRaw(lines, options) ? lines.length : 0;
  const axis: uPlot.Axis = {
    stroke: colour("--muted"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
    border: { show: false },
    gap: 6,
  };
  const lineSeries = (index: number, isRaw: boolean): uPlot.Series => {
    const stroke = (strokes[index] ?? "") + (isRaw ? FAINT : "");
    const dash = DASHES[(options.styles[index]?.dash ?? 0) % DASHES.length] ?? [];
    return {
      label: lines[index]?.name ?? "",
      stroke,
      width: isRaw ? 1 : 1.75,
      ...(isRaw || dash.length === 0 ? {} : { dash: [...dash] }),
      // Whole pixels would put the line beside its own points.
      pxAlign: 0,
      spanGaps: true,
      points: { show: isRaw ? false : hasFewPoints, size: 5, fill: stroke, width: 0 },
    };
  };
  return {
    width: Math.max(host.clientWidth, 160),
    height: host.clientHeight,
    padding: [10, 16, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      sync: { key: SYNC_KEY, setSeries: false },
      points: {
        // Marks of the measured points behind would hide those of the lines that are read.
        size: (_self, series) => (series <= raw ? 0 : 7),
        fill: (_self, series) => strokes[(series - 1) % Math.max(1, lines.length)] ?? "",
        stroke: () => colour("--surface"),
        width: 1.5,
      },
    },
    scales: {
      x: { time: options.axis === "wall", range: wholeRange },
      y: options.logarithmic ? { distr: LOGARITHMIC } : {},
    },
    axes: [
      { ...axis, space: 64, size: 26, ...X_TICKS[options.axis] },
      { ...axis, space: 34, size: axisSize, values: numberTicks },
    ],
    series: [
      {},
      ...(raw > 0 ? lines.map((_line, index) => lineSeries(index, true)) : []),
      ...lines.map((_line, index) => lineSeries(index, false)),
    ],
    hooks: {
      setCursor: [
        (self) => {
          const index = self.cursor.idx;
          const x = typeof index === "number" ? self.data[0][index] : undefined;
          if (typeof index !== "number" || x === undefined) options.onHover(undefined, []);
          else
            options.onHover(
              options.axis === "iteration" ? x : x * 1000,
              lines.map((_line, line) => self.data[line + 1 + raw]?.[index] ?? null),
            );
        },
      ],
    },
  };
}

/** Two more digits of a colour of the style sheet: a fifth of its strength. */
const FAINT = "33";

const X_TICKS: Readonly<Record<XAxis, uPlot.Axis>> = {
  iteration: { incrs: WHOLE_STEPS, values: numberTicks },
  relative: { incrs: DURATION_STEPS, values: durationTicks },
  wall: { values: timeTicks },
};

/** A short line is read by its points; a single one has no line at all. */
function hasFewPoints(self: uPlot, series: number): boolean {
  let points = 0;
  for (const y of self.data[series] ?? []) if (typeof y === "number") points++;
  return points <= MOST_DOTS;
}
