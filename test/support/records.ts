/** Drafts and records for tests; each call makes a fresh one. */
import type { RecordDraft, RecordTraits, TrainerRecord } from "../../src/records/record.js";

/** A draft whose message tells it from others. */
export function aDraft(message = "a line", traits: RecordTraits = {}): RecordDraft {
  return { fact: { kind: "log", level: "info", message }, traits };
}

const RUN_ID = "0123456789abcdef0123456789abcdef";

/** A numbered record of no particular run. */
export function aRecord(sequence: number, draft: RecordDraft = aDraft(`line ${String(sequence)}`)): TrainerRecord {
  return { ...draft, id: `${RUN_ID}-${String(sequence)}`, runId: RUN_ID, sequence, createdAtMs: Date.UTC(2026, 0, 1) + sequence };
}
