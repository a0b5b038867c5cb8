/**
 * Where the embedded server keeps everything: the port, with a memory and a SQLite implementation that one contract
 * suite holds to the same behaviour. It is synchronous on purpose: between a read and the write that follows, nothing
 * else runs, so no call can lose a race against another. It knows nothing of HTTP or of ClearML's rules.
 */
import type { JsonObject, JsonValue } from "../../base/json.js";
import type { ModelDocument, ProjectDocument, QueueDocument, TaskDocument } from "./documents.js";

/** Documents of one kind, oldest first. */
export interface Collection<D extends { readonly id: string }> {
  get(id: string): D | undefined;
  /** Puts a new document last, or takes the place of the one with its id. */
  put(document: D): void;
  /** @returns false when there was none. */
  delete(id: string): boolean;
  values(): Iterable<D>;
}

/** The index an event lives in. @see clearml-protocol 4.1 */
export type EventType = "training_stats_scalar" | "training_stats_vector" | "training_debug_image" | "plot" | "log";

/** One event. Two events of one type and `id` are the same: the later takes the earlier's place. */
export interface StoredEvent {
  readonly type: EventType;
  readonly id: string;
  /** Id of the task or model. */
  readonly entity: string;
  readonly iteration?: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly metric: string;
  readonly variant: string;
  readonly value?: number;
  /** All other fields, as they came. */
  readonly extra: JsonObject;
}

/** An event as it was read; `sequence` grows with the order of first arrival. */
export interface EventRow extends StoredEvent {
  readonly sequence: number;
}

/** Only these metrics, and of them only these variants. */
export interface MetricFilter {
  readonly metric: string;
  readonly variants?: readonly string[] | undefined;
}

/** What to look at. `metrics` undefined or empty means all. */
export interface EventQuery {
  readonly entity: string;
  readonly types: readonly EventType[];
  readonly metrics?: readonly MetricFilter[] | undefined;
}

/** One metric and variant of one type. */
export interface SeriesSummary {
  readonly type: EventType;
  readonly metric: string;
  readonly variant: string;
}

/** A place in the order by iteration. */
export interface IterationCursor {
  readonly iteration: number;
  readonly sequence: number;
}

export type BucketAxis = "iter" | "timestamp";

/** Points of one line. */
export interface Buckets {
  readonly x: number[];
  readonly y: number[];
}

export interface EventTable {
  put(events: readonly StoredEvent[]): void;
  /**
   * Metrics and variants that have events, ordered by type, metric, variant (code unit order). Costs nothing that grows
   * with the number of events: a page asks for it whenever a point arrives.
   */
  series(query: EventQuery): SeriesSummary[];
  /**
   * The line of one scalar, averaged down: with fewer than `samples` points each is its own bucket, else the buckets
   * are ceil((max - min) / samples) wide, aligned to multiples of that. Single values, events without iteration and
   * without value are left out. `x` is the bucket's start (iterations) or its mean, rounded (time stamps); `y` the mean
   * of the values as 32-bit floats. @see clearml-protocol 4.6
   */
  buckets(entity: string, series: { readonly metric: string; readonly variant: string }, axis: BucketAxis, samples: number): Buckets;
  /** By iteration, then sequence; events without iteration come last either way. At most `limit`, after the cursor when given. */
  byIteration(
    query: EventQuery,
    page: { readonly order: "asc" | "desc"; readonly limit: number; readonly after?: IterationCursor | undefined },
  ): EventRow[];
  /**
   * Console lines by time, then sequence. `earlier` goes backwards from before `from`, else forwards from after it. At
   * least `limit` when there are so many: those that share the last time stamp all come, so that a reader that goes on
   * from there misses none.
   */
  logs(
    query: Omit<EventQuery, "types">,
    page: { readonly earlier: boolean; readonly limit: number; readonly from?: number | undefined },
  ): EventRow[];
  count(query: EventQuery): number;
  /** @returns how many there were. With `before` only those with an older time stamp. */
  delete(query: EventQuery, before?: number): number;
}

/** A call to the callback receiver, as it came. */
export interface ReceivedCallback {
  /** Order of arrival, from 1. */
  readonly sequence: number;
  /** Below the receiver's own address, such as `/progress`. */
  readonly path: string;
  readonly received_at: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly idempotency_key: string | null;
  readonly job_id: string | null;
  readonly body: JsonValue;
}

export interface CallbackTable {
  add(callback: Omit<ReceivedCallback, "sequence">): ReceivedCallback;
  /** In order of arrival. */
  list(filter?: { readonly jobId?: string | undefined }): ReceivedCallback[];
}

export interface Store {
  readonly tasks: Collection<TaskDocument>;
  readonly models: Collection<ModelDocument>;
  readonly projects: Collection<ProjectDocument>;
  readonly queues: Collection<QueueDocument>;
  readonly events: EventTable;
  readonly callbacks: CallbackTable;
  /** Small texts that must survive a restart, such as the key that signs tokens. */
  readonly settings: { get(name: string): string | undefined; set(name: string, value: string): void };
  /** All that `work` writes becomes durable together or, when it throws, not at all (memory: no roll-back). */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** True when the event's metric and variant pass the filter. */
export function passesFilter(metrics: readonly MetricFilter[] | undefined, metric: string, variant: string): boolean {
  if (!metrics || metrics.length === 0) return true;
  return metrics.some(
    (filter) => filter.metric === metric && (!filter.variants || filter.variants.length === 0 || filter.variants.includes(variant)),
  );
}
