/** What an outbox can be told, and how its journal comes about from that. */
import { systemClock, type Clock } from "../base/clock.js";
import { describeError, JournalError, ValidationError } from "../base/errors.js";
import type { Random } from "../base/ids.js";
import { silentLogger, type Logger } from "../base/logger.js";
import type { RetryPolicy } from "../base/retry.js";
import type { Disk } from "./disk.js";
import { FileJournal } from "./file-journal.js";
import type { Journal, JournalEvents } from "./journal.js";
import { UPLOAD } from "./ledger.js";
import type { Loss } from "./losses.js";
import { MemoryJournal } from "./memory-journal.js";
import type { Sink, Uploader } from "./sink.js";

/** Default of {@link OutboxOptions.answeredBudgetMs}: a day. */
export const DEFAULT_ANSWERED_BUDGET_MS = 24 * 3_600_000;
/** Default of {@link OutboxOptions.batchAgeMs}. */
export const DEFAULT_BATCH_AGE_MS = 1_000;
/** Default of {@link OutboxOptions.barrierWaitMs}: ten minutes. */
export const DEFAULT_BARRIER_WAIT_MS = 600_000;

export interface OutboxOptions {
  /** The journal's folder; made if need be. Undefined: memory alone, from the start. */
  readonly directory: string | undefined;
  /** The destinations; or how to make them once the run's id is known, which a task's name may need. */
  readonly sinks: readonly Sink[] | ((runId: string) => readonly Sink[]);
  /** Absent: a record with an attachment is given up as `upload-failed`. */
  readonly uploader?: Uploader | undefined;
  /** True: `open` throws when the folder cannot be used. Default false: memory alone, the reason in `stats().journal`. */
  readonly strict?: boolean | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
  /** Back-off of sinks and uploads. Default `DEFAULT_RETRY_POLICY`. */
  readonly retry?: RetryPolicy | undefined;
  /** How long a record may fail with answers before it is a dead letter. Default {@link DEFAULT_ANSWERED_BUDGET_MS}. */
  readonly answeredBudgetMs?: number | undefined;
  /** The age of the oldest waiting record at which a batch goes. Default {@link DEFAULT_BATCH_AGE_MS}. */
  readonly batchAgeMs?: number | undefined;
  /** How long a barrier waits for earlier uploads once all else before it is settled. Default {@link DEFAULT_BARRIER_WAIT_MS}. */
  readonly barrierWaitMs?: number | undefined;
  /** Size of the journal past which console lines, then scalars, are given up. Default 1 GiB. */
  readonly maxJournalBytes?: number | undefined;
  /** Size of the pinned copies past which replaceable ones are given up. Default 50 GiB. */
  readonly maxPinnedBytes?: number | undefined;
  /** Records in memory for want of a disk, past which console lines, then scalars, are given up. Default 64 MiB. */
  readonly maxMemoryBytes?: number | undefined;
  /** Called for every loss, when it is counted. What it throws is logged. */
  readonly onLoss?: ((loss: Loss) => void) | undefined;
  /** @internal For tests that break the disk. */
  readonly disk?: Disk | undefined;
  /** @internal For tests that want files ended and merged often. Default as the journal has it. */
  readonly segmentBytes?: number | undefined;
}

/** The same, with the sinks made. */
export interface OpenedOptions extends OutboxOptions {
  readonly sinks: readonly Sink[];
}

/** Opens the folder; without `strict`, one that cannot be used means memory alone, loudly. */
export async function openJournal(options: OutboxOptions, events: JournalEvents): Promise<Journal> {
  const { directory, clock = systemClock, logger = silentLogger, maxMemoryBytes } = options;
  if (directory === undefined) return new MemoryJournal({ reason: "no journal folder was given", maxMemoryBytes }, events);
  try {
    return await FileJournal.open({ ...options, directory, clock, logger }, events);
  } catch (error) {
    if (options.strict === true || !JournalError.isInstance(error)) throw error;
    const reason = describeError(error);
    logger.warn("There is no journal on the disk: what is not delivered when this process ends is lost.", {
      code: error.code,
      path: error.path,
      reason,
    });
    return new MemoryJournal({ reason, maxMemoryBytes }, events);
  }
}

/** @throws ValidationError when two sinks share a name, or one has the uploader's. */
export function checkSinkNames(sinks: readonly Sink[]): void {
  const names = sinks.map(({ name }) => name);
  const wrong = names.filter((name, index) => name === "" || name === UPLOAD || names.indexOf(name) !== index);
  if (wrong.length === 0) return;
  throw new ValidationError(
    `Each sink needs a name of its own, other than "${UPLOAD}"; these are not: ${wrong.map((name) => JSON.stringify(name)).join(", ")}.`,
    wrong.map((name) => ({ path: "sinks", message: `the name ${JSON.stringify(name)} is taken, reserved or empty` })),
  );
}
