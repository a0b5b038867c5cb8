/** What a verb answers. Always a value: a promise of a verb never rejects, so nobody has to await it. */
import type { Durability, Outcome } from "../outbox/receipts.js";

/** Part of a call that was not kept, and why; the rest of the call was. */
export interface RejectedItem {
  /** What it was: a metric's name. */
  readonly item: string;
  readonly reason: string;
}

/** How far a call's facts have come when its promise resolves. */
export type Receipt =
  /** On disk and fsynced: it will be delivered, by this process or a later one. */
  | { readonly status: "durable"; readonly id: string; readonly sequence: number; readonly rejectedItems: readonly RejectedItem[] }
  /** In memory alone, because the journal cannot be written: delivered while this process lives. */
  | {
      readonly status: "volatile";
      readonly id: string;
      readonly sequence: number;
      readonly reason: string;
      readonly rejectedItems: readonly RejectedItem[];
    }
  /** Not kept: the value cannot be, or the SDK is closed. Counted in `stats().rejected`. */
  | { readonly status: "rejected"; readonly reason: string; readonly rejectedItems: readonly RejectedItem[] }
  /** This process does not speak: a rank other than 0. */
  | { readonly status: "ignored"; readonly reason: string; readonly rejectedItems: readonly RejectedItem[] };

/** Bytes that were taken in: what they are and where they will be found. */
export interface FileReceipt {
  /** Final address; the bytes are there once `delivered` says so. */
  readonly uri: string;
  readonly key: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Answer of a verb that takes a file. `file` is there unless the call was rejected or ignored (or named an existing URI). */
export type UploadReceipt = Receipt & {
  readonly file?: FileReceipt;
  readonly uri?: string;
  /** Resolves when every sink has the announcement, or never will; `pending` when the SDK was closed first. */
  readonly delivered: Promise<Outcome>;
};

export function rejectedReceipt(reason: string, rejectedItems: readonly RejectedItem[] = []): Receipt {
  return { status: "rejected", reason, rejectedItems };
}

export function receiptOf(durability: Durability, rejectedItems: readonly RejectedItem[]): Receipt {
  switch (durability.status) {
    case "durable":
      return { status: "durable", id: durability.record.id, sequence: durability.record.sequence, rejectedItems };
    case "volatile":
      return {
        status: "volatile",
        id: durability.record.id,
        sequence: durability.record.sequence,
        reason: durability.reason,
        rejectedItems,
      };
    case "rejected":
      return { status: "rejected", reason: durability.reason, rejectedItems };
  }
}
