/** From the server's histogram to what a chart draws. Pure. */
import { parseTime } from "../format.js";
import type { ScalarHistogram } from "./documents.js";

/** One line: its own points, ascending in x. */
export interface ChartLine {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

/** One chart: a ClearML metric with its variants, both sorted by name so that nothing moves while points arrive. */
export interface Chart {
  readonly title: string;
  readonly lines: readonly ChartLine[];
}

/** x is an iteration, or with `iso_time` milliseconds since the epoch. */
export function toCharts(histogram: ScalarHistogram): Chart[] {
  return Object.entries(histogram)
    .map(([title, variants]) => ({
      title,
      lines: Object.entries(variants)
        .map(([name, line]) => ({ name, x: line.x.map((x) => (typeof x === "number" ? x : (parseTime(x) ?? Number.NaN))), y: line.y }))
        .sort((a, b) => compareNames(a.name, b.name)),
    }))
    .sort((a, b) => compareNames(a.title, b.title));
}

/** Columns over one shared, ascending x: a line without a point at some x has `null` there. */
export function alignLines(lines: readonly ChartLine[]): [x: number[], ...y: (number | null)[][]] {
  const shared = [...new Set(lines.flatMap((line) => line.x.filter((x) => Number.isFinite(x))))].sort((a, b) => a - b);
  const columns = lines.map((line) => {
    const byX = new Map(line.x.map((x, index) => [x, line.y[index] ?? null]));
    return shared.map((x) => byX.get(x) ?? null);
  });
  return [shared, ...columns];
}

/** How many different line colours there are. */
export const COLOUR_COUNT = 8;

/**
 * A colour number for each line, by chart title. A line's name has the same colour in every chart, so that "val" is found
 * by its colour once it has been read once; where two lines of one chart would share a colour, the later takes a free one.
 */
export function assignColours(charts: readonly Chart[]): Map<string, number[]> {
  const uses = new Map<string, number>();
  for (const chart of charts) for (const line of chart.lines) uses.set(line.name, (uses.get(line.name) ?? 0) + 1);
  const names = [...uses.keys()].sort(
    (a, b) => phaseRank(a) - phaseRank(b) || (uses.get(b) ?? 0) - (uses.get(a) ?? 0) || compareNames(a, b),
  );
  const preferred = new Map(names.map((name, index) => [name, index % COLOUR_COUNT]));
  return new Map(
    charts.map((chart) => {
      const taken = new Set<number>();
      const colours = chart.lines.map((line) => {
        let colour = preferred.get(line.name) ?? 0;
        for (let step = 0; taken.has(colour) && step < COLOUR_COUNT; step++) colour = (colour + 1) % COLOUR_COUNT;
        taken.add(colour);
        return colour;
      });
      return [chart.title, colours];
    }),
  );
}

/** The last value that is a number, and where. */
export function lastPoint(line: ChartLine): { readonly x: number; readonly y: number } | undefined {
  for (let index = line.y.length - 1; index >= 0; index--) {
    const y = line.y[index];
    const x = line.x[index];
    if (typeof y === "number" && x !== undefined) return { x, y };
  }
  return undefined;
}

/** Train before validation, as people read them, then by name with numbers in order; machine metrics last. */
export function compareNames(a: string, b: string): number {
  return rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true });
}

/** Training and validation have the two strongest colours in every task. */
function phaseRank(name: string): number {
  if (/^train/i.test(name)) return 0;
  return /^val/i.test(name) ? 1 : 2;
}

function rank(name: string): number {
  if (name.startsWith(":")) return 2;
  return /^train/i.test(name) ? 0 : 1;
}
