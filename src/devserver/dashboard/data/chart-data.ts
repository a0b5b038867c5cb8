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

function rank(name: string): number {
  if (name.startsWith(":")) return 2;
  return /^train/i.test(name) ? 0 : 1;
}
