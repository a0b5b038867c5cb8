/**
 * Where a metric is drawn in ClearML: chart title (`metric` on the wire) and line (`variant`). One rule, used by the
 * live sinks and by the migrator, so that migrated and live charts line up.
 */

/** Chart and line. */
export interface MetricAddress {
  /** The chart; ClearML's `metric`. */
  readonly title: string;
  /** The line in it; ClearML's `variant`. */
  readonly series: string;
}

/** Words that count as a phase when they stand before the first underscore. */
export const DEFAULT_PHASES: readonly string[] = ["train", "val", "valid", "validation", "test", "eval", "best"];

/** Series of a metric whose name has no phase. */
export const DEFAULT_SERIES = "metrics";

export interface MetricAddressOptions {
  /** Default {@link DEFAULT_PHASES}. */
  readonly phases?: readonly string[];
}

/**
 * Address of a metric by its name.
 *
 * `a/b` is series `a` of chart `b`, and `a/b/c` series `a` of chart `b/c`: the first slash splits. An empty side leaves
 * the name whole. Without a slash the first underscore splits, but only after a known phase: `train_loss` is series
 * `train` of chart `loss`, `learning_rate` is series `metrics` of chart `learning_rate`.
 */
export function metricAddress(name: string, options: MetricAddressOptions = {}): MetricAddress {
  const slash = name.indexOf("/");
  if (slash >= 0) {
    const series = name.slice(0, slash);
    const title = name.slice(slash + 1);
    return series.trim() !== "" && title.trim() !== "" ? { title, series } : { title: name, series: DEFAULT_SERIES };
  }
  const underscore = name.indexOf("_");
  if (underscore > 0 && underscore < name.length - 1) {
    const phase = name.slice(0, underscore);
    if ((options.phases ?? DEFAULT_PHASES).includes(phase)) return { title: name.slice(underscore + 1), series: phase };
  }
  return { title: name, series: DEFAULT_SERIES };
}

/**
 * The server parses a string that is exactly an ISO date, time or date-time into a date and then refuses the batch with
 * 500 (`clearml-protocol`, 4.3). Such a name gets a trailing underscore.
 */
const ISO_LOOKALIKE =
  /^(\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?|\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)$/;

/** True for a text that the server would turn into a date. */
export function isIsoLookalike(text: string): boolean {
  return ISO_LOOKALIKE.test(text);
}

/**
 * Keeps different addresses different at the server. Its event identity joins title and series with a hyphen, so
 * `a-b`/`c` and `a`/`b-c` would overwrite each other; the one that comes second gets a numbered series. The order is
 * part of the state: give `entries` of an earlier process to go on with the same answers.
 */
export class AddressBook {
  readonly #resolved = new Map<string, MetricAddress>();
  readonly #owners = new Map<string, string>();

  constructor(entries: Iterable<readonly [asked: string, resolved: MetricAddress]> = []) {
    for (const [asked, resolved] of entries) {
      this.#resolved.set(asked, resolved);
      this.#owners.set(identity(resolved), asked);
    }
  }

  /** The address to use for the one that was asked for: the same, unless it would be misread or is taken. */
  resolve(address: MetricAddress): MetricAddress {
    const asked = JSON.stringify([address.title, address.series]);
    const known = this.#resolved.get(asked);
    if (known) return known;
    const readable: MetricAddress = { title: guard(address.title), series: guard(address.series) };
    let candidate = readable;
    for (let copy = 2; this.#owners.has(identity(candidate)); copy++)
      candidate = { title: readable.title, series: `${readable.series} (${String(copy)})` };
    this.#resolved.set(asked, candidate);
    this.#owners.set(identity(candidate), asked);
    return candidate;
  }

  /** What to keep for the next process: every address whose answer differs from the question, and every hyphenated one. */
  entries(): [asked: string, resolved: MetricAddress][] {
    return [...this.#resolved].filter(
      ([asked, resolved]) => asked.includes("-") || asked !== JSON.stringify([resolved.title, resolved.series]),
    );
  }
}

function identity(address: MetricAddress): string {
  return `${address.title}-${address.series}`;
}

function guard(text: string): string {
  return isIsoLookalike(text) ? `${text}_` : text;
}
