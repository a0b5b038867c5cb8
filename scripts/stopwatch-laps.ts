/** Times from one start, and how they are told. Pure but for the clock that it is given. */

/** A point that was reached. */
export interface Lap {
  readonly name: string;
  /** From the start. */
  readonly atMs: number;
  /** Since the point before. */
  readonly tookMs: number;
}

export class Laps {
  readonly #now: () => number;
  readonly #startedAtMs: number;
  readonly #laps: Lap[] = [];

  /** @param now Milliseconds of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedAtMs = now();
  }

  /** Notes that a point is reached. */
  reach(name: string): Lap {
    const atMs = this.#now() - this.#startedAtMs;
    const lap = { name, atMs, tookMs: atMs - (this.#laps.at(-1)?.atMs ?? 0) };
    this.#laps.push(lap);
    return lap;
  }

  get all(): readonly Lap[] {
    return [...this.#laps];
  }
}

/** A table for people; times in minutes and seconds. */
export function lapTable(laps: readonly Lap[]): string {
  const width = Math.max(0, ...laps.map(({ name }) => name.length));
  const line = (name: string, took: string, at: string): string => `${name.padEnd(width)}  ${took.padStart(8)}  ${at.padStart(8)}`;
  return (
    [line("", "took", "reached"), ...laps.map(({ name, tookMs, atMs }) => line(name, minutes(tookMs), minutes(atMs)))].join("\n") + "\n"
  );
}

/** `1:02.5`: a minute, two seconds and a half. */
export function minutes(ms: number): string {
  const tenths = Math.round(ms / 100);
  return `${String(Math.floor(tenths / 600))}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}
