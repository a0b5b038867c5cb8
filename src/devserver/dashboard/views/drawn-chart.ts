/** The border to uPlot: colours from the style sheet, size from the host element, redrawn when the theme changes. */
import uPlot from "uplot";
import { alignLines, type ChartLine } from "../data/chart-data.js";
import { formatNumber } from "../format.js";

/** How many line colours the style sheet has, `--line-0` and on. */
const COLOURS = 8;

const HEIGHT_PX = 200;

/** All charts with this key show the same x under the pointer. */
const SYNC_KEY = "scalars";

export interface DrawOptions {
  /** Number of each line's colour. */
  readonly colours: readonly number[];
  readonly time: boolean;
  readonly logarithmic: boolean;
  /** Tells the x under the pointer and each line's value there; `undefined` when the pointer has left. */
  readonly onHover: (x: number | undefined, values: readonly (number | null)[]) => void;
}

/** A chart on the screen. */
export interface DrawnChart {
  /** Draws other points of the same lines; a zoom stays. */
  update(lines: readonly ChartLine[]): void;
  /** Shows or hides the line of this number. */
  show(index: number, visible: boolean): void;
  /** Removes it and all its listeners. */
  destroy(): void;
}

/** The style sheet's colour for a line's number. */
export function lineColour(number: number): string {
  return `var(--line-${String(number % COLOURS)})`;
}

/** Draws into `host` until destroyed. */
export function drawChart(host: HTMLElement, lines: readonly ChartLine[], options: DrawOptions): DrawnChart {
  let shownLines = lines;
  const visible = lines.map(() => true);
  let plot = create();

  function create(): uPlot {
    return new uPlot(plotOptions(host, shownLines, visible, options), toData(shownLines, options), host);
  }

  const resize = new ResizeObserver(() => {
    if (host.clientWidth > 0) plot.setSize({ width: host.clientWidth, height: HEIGHT_PX });
  });
  resize.observe(host);
  const theme = matchMedia("(prefers-color-scheme: dark)");
  const redraw = (): void => {
    plot.destroy();
    plot = create();
  };
  theme.addEventListener("change", redraw);

  return {
    update(next) {
      shownLines = next;
      const before = plot.data[0];
      const { min, max } = plot.scales["x"] ?? {};
      const zoomed = min !== undefined && max !== undefined && (min > (before[0] ?? min) || max < (before.at(-1) ?? max));
      plot.setData(toData(next, options), !zoomed);
      if (zoomed) plot.redraw();
    },
    show(index, isVisible) {
      if (visible[index] === isVisible) return;
      visible[index] = isVisible;
      plot.setSeries(index + 1, { show: isVisible });
    },
    destroy() {
      resize.disconnect();
      theme.removeEventListener("change", redraw);
      plot.destroy();
    },
  };
}

function toData(lines: readonly ChartLine[], options: DrawOptions): uPlot.AlignedData {
  const [x, ...columns] = alignLines(lines);
  const seconds = options.time ? x.map((value) => value / 1000) : x;
  // A logarithm has no place for zero and below: such points are left out rather than drawn somewhere.
  const values = options.logarithmic ? columns.map((column) => column.map((y) => (y !== null && y > 0 ? y : null))) : columns;
  return [seconds, ...values];
}

function plotOptions(host: HTMLElement, lines: readonly ChartLine[], visible: readonly boolean[], options: DrawOptions): uPlot.Options {
  const style = getComputedStyle(host);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour("--muted"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
    border: { show: false },
    gap: 6,
  };
  return {
    width: Math.max(host.clientWidth, 160),
    height: HEIGHT_PX,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      sync: { key: SYNC_KEY, setSeries: false },
      points: { size: 7, fill: (self, series) => strokeOf(self, series), stroke: () => colour("--surface"), width: 1.5 },
    },
    scales: {
      x: { time: options.time, range: (_self, min, max) => (min === max ? [min - 1, max + 1] : [min, max]) },
      y: options.logarithmic ? { distr: 3 } : {},
    },
    axes: [
      { ...axis, space: 60, size: 26, ...(options.time ? {} : { incrs: WHOLE_STEPS, values: (_self, ticks) => ticks.map((tick) => formatNumber(tick)) }) },
      { ...axis, space: 34, size: axisSize, values: (_self, ticks) => ticks.map((tick) => (tick === null ? "" : formatNumber(Number(tick.toPrecision(10))))) },
    ],
    series: [
      {},
      ...lines.map((line, index): uPlot.Series => {
        const stroke = colour(`--line-${String((options.colours[index] ?? index) % COLOURS)}`);
        return { label: line.name, stroke, width: 1.75, spanGaps: true, show: visible[index] ?? true, points: { size: 5, fill: stroke, width: 0 } };
      }),
    ],
    hooks: {
      setCursor: [
        (self) => {
          const index = self.cursor.idx;
          const x = typeof index === "number" ? self.data[0][index] : undefined;
          if (typeof index !== "number" || x === undefined) options.onHover(undefined, []);
          else options.onHover(options.time ? x * 1000 : x, lines.map((_line, line) => self.data[line + 1]?.[index] ?? null));
        },
      ],
    },
  };
}

/** Iterations are whole numbers, so no axis step may be smaller than one. */
const WHOLE_STEPS = Array.from({ length: 16 }, (_none, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

function strokeOf(self: uPlot, series: number): string {
  const stroke = self.series[series]?.stroke;
  return typeof stroke === "function" ? String(stroke(self, series)) : String(stroke);
}

/** As wide as the longest label, so that no number is cut off and no chart wastes its width. */
function axisSize(self: uPlot, values: string[] | null): number {
  const longest = Math.max(0, ...(values ?? []).map((value) => self.ctx.measureText(value).width / devicePixelRatio));
  return Math.max(32, Math.ceil(longest) + 14);
}
