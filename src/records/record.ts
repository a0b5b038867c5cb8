/**
 * A fact with what the outbox must know of it. The outbox decides by `traits` alone and never looks into `fact`; the
 * sinks read `fact` and never `traits`.
 */
import type { Fact } from "./facts.js";

/** What may be given up when the disk's limit is reached, least dear first. Absent: never. */
export type ShedClass = "console" | "scalar";

/** Bytes that must be stored before the record is announced anywhere. */
export interface Attachment {
  /** Absolute path of the bytes: a pinned copy in the journal's folder, or the caller's own file. */
  readonly path: string;
  /** True: the file belongs to the outbox, which removes it once nobody needs it. */
  readonly pinned: boolean;
  readonly sizeBytes: number;
  /**
   * Records of one key replace each other while they wait: a newer one makes an older one whose upload has not begun
   * `superseded`. Absent: never replaced (best and registered checkpoints).
   */
  readonly replaceKey?: string;
}

export interface RecordTraits {
  /** Delivered after everything before it and before everything after it. */
  readonly barrier?: boolean;
  readonly shed?: ShedClass;
  readonly attachment?: Attachment;
}

/** What a verb hands to the outbox. */
export interface RecordDraft {
  readonly fact: Fact;
  readonly traits: RecordTraits;
}

/** One immutable fact, numbered. */
export interface TrainerRecord extends RecordDraft {
  /** `<runId>-<sequence>`: the same for ever, so it serves as idempotency key at every destination. */
  readonly id: string;
  /** The journal's own id, 32 hexadecimal characters; a restart on the same folder keeps it. */
  readonly runId: string;
  /** 1, 2, 3, ... in the order in which verbs were called; never reused for another durable record of the run. */
  readonly sequence: number;
  /** Wall clock at the verb's call, milliseconds since the epoch. */
  readonly createdAtMs: number;
}
