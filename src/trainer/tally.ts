/** Counts of everything that did not go as said, so that nothing is silent. Warnings come once a kind, the counts always. */
import type { Logger } from "../base/logger.js";

/** What the verbs counted, for `stats()`. */
export interface TallyStats {
  /** Calls that were not kept, and parts of calls. */
  readonly rejected: number;
  /** NaN and infinities by metric, and by `<title>/<series>` of a plot. */
  readonly nonFinite: Readonly<Record<string, number>>;
  /** Points that were given two different values in this process. */
  readonly conflicts: number;
}

/** Names kept in `nonFinite`; more are counted under `(others)`. */
const MAX_NAMES = 1000;

export class Tally {
  readonly #logger: Logger;
  readonly #warned = new Set<string>();
  readonly #nonFinite = new Map<string, number>();
  #rejected = 0;
  #conflicts = 0;
  #losses = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  reject(verb: string, reason: string): void {
    this.#rejected++;
    this.#warnOnce(
      `${verb}\n${reason.replace(/[-\d.]+/g, "#")}`,
      `${verb}: not kept: ${reason} (further ones of this kind are only counted)`,
    );
  }

  /** True the first time for this metric or plot: the caller then writes its one line. */
  nonFinite(name: string, values = 1): boolean {
    const key = this.#nonFinite.has(name) || this.#nonFinite.size < MAX_NAMES ? name : "(others)";
    const before = this.#nonFinite.get(key) ?? 0;
    this.#nonFinite.set(key, before + values);
    return before === 0;
  }

  conflict(message: string): void {
    this.#conflicts++;
    this.#warnOnce("conflict", message);
  }

  loss(): void {
    this.#losses++;
  }

  /** Grows with everything that was given up; compared to see whether there is news. */
  get troubles(): number {
    return this.#rejected + this.#conflicts + this.#losses;
  }

  stats(): TallyStats {
    return { rejected: this.#rejected, nonFinite: Object.fromEntries(this.#nonFinite), conflicts: this.#conflicts };
  }

  #warnOnce(kind: string, message: string): void {
    if (this.#warned.has(kind) || this.#warned.size >= MAX_NAMES) return;
    this.#warned.add(kind);
    this.#logger.warn(message);
  }
}
