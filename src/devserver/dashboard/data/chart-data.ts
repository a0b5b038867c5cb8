/** From the server's histogram to what a chart draws. Pure. */
import { parseTime } from "../format.js";
import type { ComparedHistogram, ScalarHistogram } from "./documents.js";

/** One line: its own points, ascending in x. */
export interface ChartLine {
  /** Unique in its chart. */
  readonly name: string;
  /** Id of its task, where a chart compares several. */
  readonly task?: string;
  /** The variant, where a chart compares several tasks. */
  readonly variant?: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

/** One chart: a ClearML metric with its variants, both sorted by name so that nothing moves while points arrive. */
export interface Chart {
  readonly title: string;
  readonly lines: readonly ChartLine[];
}

/** The charts' names and those of their lines, before a point of them is read. */
export interface ChartOutline {
  readonly title: string;
  readonly lines: readonly Pick<ChartLine, "name" | "task" | "variant">[];
}

/** x is an iteration, or milliseconds since the epoch. */
export function toCharts(histogram: ScalarHistogram): Chart[] {
  return Object.entries(histogram)
    .map(([title, variants]) => ({
      title,
      lines: Object.entries(variants)
        .map(([name, line]) => ({ name, x: line.x.map(toNumber), y: line.y }))
        .sort((a, b) => compareNames(a.name, b.name)),
    }))
    .sort((a, b) => compareNames(a.title, b.title));
}

/** The charts of several tasks, a line for each variant and task; `labels` names the tasks by id, in the order shown. */
export function toComparedCharts(histogram: ComparedHistogram, labels: ReadonlyMap<string, string>): Chart[] {
  return Object.entries(histogram)
    .map(([title, variants]) => ({
      title,
      lines: Object.entries(variants)
        .sort(([a], [b]) => compareNames(a, b))
        .flatMap(([variant, tasks]) =>
          [...labels].flatMap(([task, label]) => {
            const line = tasks[task];
            return line === undefined ? [] : [{ name: comparedName(variant, label), task, variant, x: line.x.map(toNumber), y: line.y }];
          }),
        ),
    }))
    .sort((a, b) => compareNames(a.title, b.title));
}

/** What a line is called in a chart of several tasks. */
export function comparedName(variant: string, label: string): string {
  return `${variant} · ${label}`;
}

/** What each task is called where several are shown: its name, with the start of its id where two share one. */
export function taskLabels(tasks: readonly { readonly id: string; readonly name?: string }[]): Map<string, string> {
  const uses = Map.groupBy(tasks, (task) => task.name ?? task.id);
  return new Map(
    tasks.map((task) => {
      const name = task.name ?? task.id;
      return [task.id, (uses.get(name)?.length ?? 0) > 1 ? `${name} (${task.id.slice(0, 6)})` : name];
    }),
  );
}

/**
 * Times of day as times since the start of the line's task; `startOf` gives that, by the task's id, in milliseconds since
 * the epoch. A task that has points from before it, as one that was started anew has, begins at its first point.
 */
export function sinceStart(chart: Chart, startOf: (task: string | undefined) => number | undefined): Chart {
  const first = new Map<string | undefined, number>();
  for (const { task, x } of chart.lines) {
    const begin = x[0];
    if (begin !== undefined) first.set(task, Math.min(begin, first.get(task) ?? startOf(task) ?? begin));
  }
  return { ...chart, lines: chart.lines.map((line) => ({ ...line, x: line.x.map((x) => x - (first.get(line.task) ?? 0)) })) };
}

function toNumber(x: number | string): number {
  return typeof x === "number" ? x : (parseTime(x) ?? Number.NaN);
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

/** How a line is told from the others: number of its colour, and of its dashes where several share one (0: none). */
export interface LineStyle {
  readonly colour: number;
  readonly dash: number;
}

/** In a chart of several tasks the colour is the task's, in every chart the same, and dashes tell its variants apart. */
export function comparedStyles(chart: ChartOutline, tasks: readonly string[]): LineStyle[] {
  const variants = new Map<string, number>();
  return chart.lines.map(({ variant = "", task }) => {
    if (!variants.has(variant)) variants.set(variant, variants.size);
    return { colour: Math.max(0, tasks.indexOf(task ?? "")) % COLOUR_COUNT, dash: variants.get(variant) ?? 0 };
  });
}

/**
 * A colour number for each line, by chart title. A line's name has the same colour in every chart, so that "val" is found
 * by its colour once it has been read once; where two lines of one chart would share a colour, the later takes a free one.
 */
export function assignColours(charts: readonly ChartOutline[]): Map<string, number[]> {
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
