/** The end of records that no sink will have: said to lanes, counts and whoever asked, and written down. */
import type { Clock } from "../base/clock.js";
import type { TrainerRecord } from "../records/record.js";
import type { Journal } from "./journal.js";
import type { Lane } from "./lane.js";
import { UPLOAD } from "./ledger.js";
import type { Losses } from "./losses.js";
import type { Outcomes } from "./outcomes.js";
import type { LossReason } from "./receipts.js";

export interface GiveUpParts {
  readonly journal: Journal;
  readonly lanes: readonly Lane[];
  readonly losses: Losses;
  readonly outcomes: Outcomes;
  readonly clock: Clock;
}

export class GiveUp {
  readonly #parts: GiveUpParts;

  constructor(parts: GiveUpParts) {
    this.#parts = parts;
  }

  /** The journal is about to drop them for want of room; it writes that down itself. */
  forRoom(records: readonly TrainerRecord[]): void {
    const { lanes, losses, outcomes } = this.#parts;
    const detail = "there was no more room for it";
    for (const record of records) {
      for (const lane of lanes) lane.passBy(record.sequence, true);
      losses.add({ reason: "shed", record, detail });
      outcomes.ended(record.sequence, { status: "rejected", reasons: { journal: detail } });
    }
  }

  /** Its bytes will not be stored: a newer one took its place, or they cannot be, or there is no room. Resolves when that is durable. */
  async upload(sequence: number, reason: LossReason, detail: string, record: TrainerRecord | undefined): Promise<void> {
    const { journal, lanes, losses, outcomes, clock } = this.#parts;
    if (reason === "upload-failed" && record) await journal.bury([{ sink: UPLOAD, reason, detail, atMs: clock.now(), record }]);
    const isLoss = reason !== "superseded";
    for (const lane of lanes) lane.passBy(sequence, isLoss);
    outcomes.ended(sequence, isLoss ? { status: "rejected", reasons: { [UPLOAD]: detail } } : { status: "superseded" });
    losses.add({ reason, detail, ...(isLoss ? { sink: UPLOAD } : {}), ...(record && { record }) });
    await journal.noteDurably({ k: "x", r: [[sequence, sequence]] });
  }
}
