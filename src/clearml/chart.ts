/** What was reported, in the shapes that charts and tables take. Plain data that survive JSON: no class, no server's words. */

/** A line of a chart. Its lists are of one length. */
export interface ChartSeries {
  /** Name of the line: ClearML's variant. */
  readonly name: string;
  /** Task, or model, that it belongs to: several may have a line of one name. */
  readonly id: string;
  /** Name of that task; undefined where only one was asked for. */
  readonly taskName?: string;
  /** Iterations, or milliseconds since the epoch, as {@link Chart.xAxis} says. */
  readonly x: readonly number[];
  /** Null for a point that was stored without a value. */
  readonly y: readonly (number | null)[];
  /** When each point was reported, milliseconds since the epoch. Only with exact values. */
  readonly timestamps?: readonly number[];
}

/** A chart. */
export interface Chart {
  /** Its title: ClearML's metric. */
  readonly title: string;
  readonly xAxis: "iteration" | "time";
  readonly series: readonly ChartSeries[];
}

/** Lines on their way to be charts, in the order in which they come. */
export class ChartBuilder {
  readonly #xAxis: Chart["xAxis"];
  readonly #titles = new Map<string, Map<string, ChartSeries>>();

  constructor(xAxis: Chart["xAxis"]) {
    this.#xAxis = xAxis;
  }

  /** Adds a line; one of the same title, name and owner is replaced. */
  add(title: string, series: ChartSeries): void {
    const lines = this.#titles.get(title) ?? new Map<string, ChartSeries>();
    lines.set(JSON.stringify([series.name, series.id]), series);
    this.#titles.set(title, lines);
  }

  /** How many lines a chart has. */
  count(title: string): number {
    return this.#titles.get(title)?.size ?? 0;
  }

  get titles(): readonly string[] {
    return [...this.#titles.keys()];
  }

  /** By title, then by name, so that two readings of the same data are equal. */
  charts(): Chart[] {
    return [...this.#titles]
      .map(([title, lines]): Chart => ({ title, xAxis: this.#xAxis, series: [...lines.values()].sort(byKey(({ name }) => name)) }))
      .sort(byKey(({ title }) => title));
  }
}

/** Orders by a text's code units: the same everywhere, whatever the machine's language. */
function byKey<T>(keyOf: (value: T) => string): (one: T, other: T) => number {
  return (one, other) => (keyOf(one) < keyOf(other) ? -1 : keyOf(one) > keyOf(other) ? 1 : 0);
}
