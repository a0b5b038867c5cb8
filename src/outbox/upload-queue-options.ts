/** What an upload queue is made of, and what it counts. */
import type { Clock } from "../base/clock.js";
import type { Random } from "../base/ids.js";
import type { Logger } from "../base/logger.js";
import type { RetryPolicy } from "../base/retry.js";
import type { TrainerRecord } from "../records/record.js";
import type { SteadyNow } from "./budget.js";
import type { Journal } from "./journal.js";
import type { PinnedFiles } from "./pinned-files.js";
import type { LossReason } from "./receipts.js";
import type { SinkMemory, Uploader } from "./sink.js";

export interface UploadQueueOptions {
  /** Absent: there is nowhere to store anything. */
  readonly uploader: Uploader | undefined;
  readonly journal: Journal;
  readonly pinned: PinnedFiles;
  readonly memory: SinkMemory;
  readonly clock: Clock;
  readonly steadyNow: SteadyNow;
  readonly random: Random;
  readonly logger: Logger;
  readonly retry: RetryPolicy;
  readonly answeredBudgetMs: number;
  readonly maxPinnedBytes: number;
  /** The bytes are stored: the record may go. */
  readonly onStored: (sequence: number) => void;
  /** The record is to be settled everywhere; `record` is absent when it could not be read. */
  readonly onGivenUp: (sequence: number, reason: LossReason, detail: string, record: TrainerRecord | undefined) => Promise<void>;
}

export interface UploadStats {
  readonly delivered: number;
  readonly pending: number;
  readonly rejected: number;
  readonly superseded: number;
}
