/**
 * The port of a destination, owned by the outbox that calls it. The outbox keeps what must be delivered, in which
 * order, and when to try again; a sink turns records into requests and says how it went.
 */
import type { JsonValue } from "../base/json.js";
import type { TrainerRecord } from "../records/record.js";

/** How one record fared at one sink. Expected outcomes are values; a sink that throws is treated as `retry`/`unreachable`. */
export type Delivery =
  /** The destination has it. */
  | { readonly status: "delivered" }
  /**
   * Not now. `unreachable`: no answer, 429, 503, an outage of whatever kind: waits for ever. `answered`: the
   * destination answered with a failure that may pass (500): its budget in time runs from the first such attempt, over
   * restarts; then the record is a dead letter.
   */
  | { readonly status: "retry"; readonly cause: "unreachable" | "answered"; readonly reason: string; readonly retryAfterMs?: number }
  /** Never: the destination refuses this very record. It becomes a dead letter; its neighbours go on. */
  | { readonly status: "rejected"; readonly reason: string }
  /**
   * The batch was refused and nobody can tell whose fault it was. The outbox halves the batch and tries again, down to
   * one record, which is then `rejected` when `final`, or `retry`/`answered` otherwise.
   */
  | { readonly status: "undecided"; readonly reason: string; readonly final: boolean };

/** Small durable facts of a sink's own: a task id it created, names it resolved. Written to the journal, kept by compaction. */
export interface SinkMemory {
  get(key: string): JsonValue | undefined;
  /** Resolves when durable. Never rejects: with a broken disk the value lives in memory alone. `null` forgets the key. */
  set(key: string, value: JsonValue): Promise<void>;
}

export interface DeliveryContext {
  /** Aborts when the outbox is closing and its deadline has passed. */
  readonly signal: AbortSignal;
  readonly memory: SinkMemory;
  /**
   * True when records of this batch may already be at the destination: this process's earlier attempt ended without a
   * clear answer, or an earlier process died before it could note the outcome. A sink whose destination does not
   * overwrite by identity (console lines, creations) looks before it sends again.
   */
  readonly ambiguous: boolean;
  /** Records from this sequence on are of this process; those before it are what earlier ones left. */
  readonly ownFrom?: number;
}

/** Bounds of one `deliver` call. */
export interface BatchLimits {
  readonly maxRecords: number;
  /** Of the records' JSON. */
  readonly maxBytes: number;
}

/** A destination. */
export interface Sink {
  /** Stable: it names the delivery state in the journal. */
  readonly name: string;
  readonly limits: BatchLimits;
  /** False: the sink has nothing to say about this record; it counts as delivered at once. Pure. */
  accepts(record: TrainerRecord): boolean;
  /**
   * Made ready before the first delivery, and even when nothing is to be delivered (ClearML: find or create the task).
   * `retry` comes back later under the same rules as records, without a budget; `rejected` turns the sink off: its
   * records stay in the journal.
   */
  open?(context: DeliveryContext): Promise<Delivery>;
  /**
   * Sends a batch in order. Answers with one outcome for each record, in the same order, or with a single one that holds
   * for the whole batch. After the first `retry` in a list nothing later was sent.
   */
  deliver(batch: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[] | Delivery>;
  /** Ends timers and connections. Called once, after the last `deliver` has settled or was given up. */
  close?(): Promise<void>;
}

/**
 * What stores a record's attachment before the record is announced: the outbox knows "after", not "S3".
 * `delivered` means stored and verified. Results it wants to find again after a crash (an upload id, finished parts) go
 * to `memory`.
 */
export interface Uploader {
  upload(record: TrainerRecord, context: DeliveryContext): Promise<Delivery>;
  /**
   * Takes back what was begun for records that do not wait for their upload any more: given up, replaced by a newer one,
   * or left by a process that died. Called at the start and whenever a record is given up; asked again another time for
   * what it could not do.
   */
  tidy?(isWaiting: (sequence: number) => boolean, context: Pick<DeliveryContext, "signal" | "memory">): Promise<void>;
  close?(): Promise<void>;
}
