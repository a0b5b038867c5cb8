/**
 * Takes the numbers of a report apart: which can be kept, which cannot and why, which are not finite, which contradict
 * what was said before for the same point. One instance a run; memory grows with the number of names, not of points.
 */
import type { Metrics, MetricValue } from "../records/facts.js";
import { checkObject, wrongType } from "./check.js";
import type { RejectedItem } from "./receipt.js";

/** Metrics of one report; ClearML summarises no more than this many for a task (`clearml-protocol`, 3.9). */
export const MAX_METRICS_PER_REPORT = 2000;
/** Of a metric's name in UTF-8. ClearML's index takes 32,766; a chart's title has no use for more than this. */
export const MAX_METRIC_NAME_BYTES = 1024;
/** Names under which ClearML keeps the machine's own load; they do not move a task's last iteration (4.5). */
const RESERVED_PREFIX = ":monitor:";

export interface MetricReading {
  readonly metrics: Metrics;
  readonly rejectedItems: readonly RejectedItem[];
  /** Set: nothing of the report can be kept. */
  readonly problem?: string;
}

export interface MetricEvents {
  onNonFinite(name: string, value: MetricValue, iteration: number | undefined): void;
  onConflict(name: string, iteration: number, before: MetricValue, now: MetricValue): void;
}

/** A number as it lies in the journal. */
export function metricValue(value: number): MetricValue {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

/** Why a metric's name cannot be kept. */
export function nameProblem(name: string): string | undefined {
  if (name.trim() === "") return "a metric's name must not be empty";
  if (name.includes(RESERVED_PREFIX)) return `names with ${RESERVED_PREFIX} are reserved for ClearML's machine monitor`;
  // A UTF-16 unit is at most three bytes of UTF-8, so most names need no counting.
  if (name.length * 3 > MAX_METRIC_NAME_BYTES && Buffer.byteLength(name) > MAX_METRIC_NAME_BYTES)
    return `a metric's name must not be longer than ${String(MAX_METRIC_NAME_BYTES)} bytes`;
  return undefined;
}

export class MetricValues {
  readonly #events: MetricEvents;
  /** Newest point of each series by scope and name, to notice two values for one point. */
  readonly #latest = new Map<string, Map<string, { iteration: number; value: MetricValue }>>();

  constructor(events: MetricEvents) {
    this.#events = events;
  }

  /**
   * @param scope Keeps series of the same name apart, such as `progress` and `validation`.
   * @throws ValidationError when `input` is no object of numbers.
   */
  read(verb: string, scope: string, input: unknown, iteration: number | undefined): MetricReading {
    checkObject(verb, "metrics", input);
    const values = input as Readonly<Record<string, unknown>>;
    const names = Object.keys(values);
    if (names.length > MAX_METRICS_PER_REPORT) {
      return {
        metrics: {},
        rejectedItems: [],
        problem: `a report takes at most ${String(MAX_METRICS_PER_REPORT)} metrics, not ${String(names.length)}`,
      };
    }
    const metrics: Record<string, MetricValue> = {};
    const rejectedItems: RejectedItem[] = [];
    for (const name of names) {
      const value = values[name];
      if (value === undefined) continue;
      if (typeof value !== "number") wrongType(verb, `metrics[${JSON.stringify(name.slice(0, 80))}]`, "a number", value);
      const problem = nameProblem(name);
      if (problem !== undefined) rejectedItems.push({ item: name.slice(0, 80), reason: problem });
      else {
        const kept = this.note(scope, name, value, iteration);
        // Not an object without a prototype, which would be safe for any name: V8 takes three times as long to write one.
        if (name === "__proto__")
          Object.defineProperty(metrics, name, { value: kept, enumerable: true, writable: true, configurable: true });
        else metrics[name] = kept;
      }
    }
    const nothingLeft = rejectedItems.length > 0 && Object.keys(metrics).length === 0;
    return nothingLeft
      ? { metrics, rejectedItems, problem: rejectedItems[0]?.reason ?? "no metric could be kept" }
      : { metrics, rejectedItems };
  }

  /** One value of one series: noted, and turned into the journal's form. */
  note(scope: string, name: string, value: number, iteration: number | undefined): MetricValue {
    const kept = metricValue(value);
    if (typeof kept !== "number") this.#events.onNonFinite(name, kept, iteration);
    if (iteration !== undefined) {
      let inScope = this.#latest.get(scope);
      if (!inScope) this.#latest.set(scope, (inScope = new Map<string, { iteration: number; value: MetricValue }>()));
      const latest = inScope.get(name);
      if (latest?.iteration === iteration && latest.value !== kept) this.#events.onConflict(name, iteration, latest.value, kept);
      if (latest) {
        latest.iteration = iteration;
        latest.value = kept;
      } else inScope.set(name, { iteration, value: kept });
    }
    return kept;
  }
}
