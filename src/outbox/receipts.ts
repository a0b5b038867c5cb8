/** What the outbox answers: how far a record has come, and how things stand. Values, never exceptions. */
import type { TrainerRecord } from "../records/record.js";

/** Why something was given up. Every loss is counted under one of these. */
export type LossReason =
  /** Refused by the destination. */
  | "refused"
  /** Answered with failures until its budget in time was spent. */
  | "budget-spent"
  /** A newer checkpoint of the same type took its place before the upload began. */
  | "superseded"
  /** Given up for room on the disk: a limit was reached. */
  | "shed"
  /** Its bytes could not be stored. */
  | "upload-failed"
  /** The job's end had already been announced when it became deliverable. */
  | "after-final"
  /** The journal's line was unreadable. */
  | "corrupt";

/** How a record was kept, when its promise resolves. */
export type Durability =
  /** On disk and fsynced. */
  | { readonly status: "durable"; readonly record: TrainerRecord }
  /** In memory alone: there is no usable journal folder (or no more disk). Delivered while this process lives. */
  | { readonly status: "volatile"; readonly record: TrainerRecord; readonly reason: string }
  /** Not kept. */
  | { readonly status: "rejected"; readonly reason: string };

/** Where a record ended, over all sinks. */
export type Outcome =
  | { readonly status: "delivered" }
  | { readonly status: "superseded" }
  /** At least one sink will never have it, or its upload failed; `reasons` by sink (`upload` for the bytes). */
  | { readonly status: "rejected"; readonly reasons: Readonly<Record<string, string>> }
  /** The outbox was closed first; the record waits in the journal. */
  | { readonly status: "pending" };

/** A destination's tally. */
export interface SinkStats {
  readonly delivered: number;
  readonly pending: number;
  readonly rejected: number;
  /** `waiting` for the next try after a failure; `off` after a refusal to open. */
  readonly state: "connecting" | "ready" | "waiting" | "off";
  readonly lastError?: string;
  /** Sequence of the newest record up to which everything is settled. */
  readonly settledSequence: number;
}

/** How things stand. */
export interface OutboxStats {
  readonly journal: {
    readonly mode: "durable" | "volatile";
    readonly path: string | undefined;
    readonly bytes: number;
    readonly pinnedBytes: number;
    readonly reason?: string;
  };
  /** Records appended by this process. */
  readonly accepted: number;
  readonly uploads: { readonly delivered: number; readonly pending: number; readonly rejected: number; readonly superseded: number };
  readonly sinks: Readonly<Record<string, SinkStats>>;
  /** Everything that was given up, by reason. */
  readonly losses: Readonly<Record<LossReason, number>>;
}

/** What `flush` and `close` answer. */
export interface DeliveryReceipt {
  /** True when nothing is pending at any sink. */
  readonly complete: boolean;
  readonly sinks: Readonly<Record<string, { readonly delivered: number; readonly pending: number; readonly rejected: number }>>;
  /** Where pending records wait, for the next start or `trainer-sdk sync`. */
  readonly journalPath: string | undefined;
}

/** A record that was given up, kept for a person. */
export interface DeadLetter {
  /** Sink name, or `upload`. */
  readonly sink: string;
  readonly reason: LossReason;
  readonly detail: string;
  readonly atMs: number;
  readonly record: TrainerRecord;
}
