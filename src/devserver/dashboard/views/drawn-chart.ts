/** The border to uPlot: colours from the style sheet, size from the host element, redrawn when the theme changes. */
import uPlot from "uplot";
import { alignLines, COLOUR_COUNT, type ChartLine } from "../data/chart-data.js";
import { formatClock, formatTick } from "../format.js";

const HEIGHT_PX = 200;

/** A line with no more points than this shows each as a dot. */
const MOST_DOTS = 15;

/** uPlot declares its kinds of scale as a constant enum, which code compiled file by file cannot read. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- its value in uPlot's documentation
const LOGARITHMIC: uPlot.Scale.Distr = 3;

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
  return `var(${lineVariable(number)})`;
}

function lineVariable(number: number): string {
  return `--line-${String(number % COLOUR_COUNT)}`;
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
      if (next === shownLines) return;
      shownLines = next;
      const zoomed = isZoomed(plot);
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

function isZoomed(plot: uPlot): boolean {
  const x = plot.data[0];
  const first = x[0];
  const last = x.at(-1);
  // Both are null until the first drawing is done.
  const { min, max } = plot.scales["x"] as { min: number | null; max: number | null };
  return first !== undefined && last !== undefined && min !== null && max !== null && (min > first || max < last);
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
      points: {
        size: 7,
        fill: (_self, series) => colour(lineVariable(options.colours[series - 1] ?? 0)),
        stroke: () => colour("--surface"),
        width: 1.5,
      },
    },
    scales: {
      x: { time: options.time, range: wholeRange },
      y: options.logarithmic ? { distr: LOGARITHMIC } : {},
    },
    axes: [
      { ...axis, space: 64, size: 26, ...(options.time ? { values: timeTicks } : { incrs: WHOLE_STEPS, values: numberTicks }) },
      { ...axis, space: 34, size: axisSize, values: numberTicks },
    ],
    series: [
      {},
      ...lines.map((line, index): uPlot.Series => {
        const stroke = colour(lineVariable(options.colours[index] ?? 0));
        return {
          label: line.name,
          stroke,
          width: 1.75,
          // Whole pixels would put the line beside its own points.
          pxAlign: 0,
          spanGaps: true,
          show: visible[index] ?? true,
          points: { show: hasFewPoints, size: 5, fill: stroke, width: 0 },
        };
      }),
    ],
    hooks: {
      setCursor: [
        (self) => {
          const index = self.cursor.idx;
          const x = typeof index === "number" ? self.data[0][index] : undefined;
          if (typeof index !== "number" || x === undefined) options.onHover(undefined, []);
          else
            options.onHover(
              options.time ? x * 1000 : x,
              lines.map((_line, line) => self.data[line + 1]?.[index] ?? null),
            );
        },
      ],
    },
  };
}

/** A short line is read by its points; a single one has no line at all. */
function hasFewPoints(self: uPlot, series: number): boolean {
  let points = 0;
  for (const y of self.data[series] ?? []) if (typeof y === "number") points++;
  return points <= MOST_DOTS;
}

/** All of the data; a single point stands in the middle. There is no range without data, and uPlot then passes null. */
function wholeRange(self: uPlot, min: number | null, max: number | null): [number, number] {
  const [only, second] = self.data[0];
  const around = self.scales["x"]?.time ? 60 : 1;
  if (only !== undefined && second === undefined) return [only - around, only + around];
  return min === null || max === null ? [0, 1] : [min, max];
}

/** Times of day, as fine as the axis has room for; days where a tick begins one. `seconds` since the epoch. */
function timeTicks(_self: uPlot, seconds: readonly number[], _axis: number, _space: number, stepSeconds: number): string[] {
  return seconds.map((second) => {
    const time = new Date(second * 1000);
    const isMidnight = time.getHours() === 0 && time.getMinutes() === 0 && time.getSeconds() === 0;
    if (isMidnight || stepSeconds >= 86_400) return time.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return formatClock(second * 1000).slice(0, stepSeconds < 60 ? 8 : 5);
  });
}

/** Iterations are whole numbers, so no axis step may be smaller than one. */
const WHOLE_STEPS = Array.from({ length: 16 }, (_none, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** On a logarithmic axis uPlot leaves some ticks without a label: those are null. */
function numberTicks(_self: uPlot, ticks: readonly (number | null)[]): string[] {
  return ticks.map((tick) => (tick === null ? "" : formatTick(tick)));
}

/** As wide as the longest label, so that no number is cut off and no chart wastes its width. */
function axisSize(self: uPlot, values: string[] | null): number {
  const longest = Math.max(0, ...(values ?? []).map((value) => self.ctx.measureText(value).width / devicePixelRatio));
  return Math.max(32, Math.ceil(longest) + 14);
}
