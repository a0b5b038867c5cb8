/** Puts the next batch of a lane together: in sequence order, within the sink's limits, a barrier always alone. */
import type { Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { TrainerRecord } from "../records/record.js";
import type { Journal, StoredRecord } from "./journal.js";
import type { LaneAccount } from "./lane-account.js";
import type { Sink } from "./sink.js";

/** Records passed over in one go because the sink has nothing to say about them. */
const MAX_PASSED_OVER = 10_000;

/** Records for one `deliver`. */
export interface Batch {
  readonly records: readonly StoredRecord[];
  /** It is the one record that ends everything before it. */
  readonly isBarrier: boolean;
}

export interface BatchGathererOptions {
  readonly sink: Sink;
  readonly account: LaneAccount;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly barrierWaitMs: number;
}

export class BatchGatherer {
  readonly #options: BatchGathererOptions;
  // The barrier that is next, and since when nothing but uploads holds it back.
  #barrier: { readonly sequence: number; readonly sinceMs: number } | undefined;

  constructor(options: BatchGathererOptions) {
    this.#options = options;
  }

  /** The next batch of at most `limit` records; or the milliseconds that a barrier still waits; or nothing that concerns the sink. */
  async next(limit: number): Promise<Batch | number | undefined> {
    const { sink, account, journal } = this.#options;
    const { maxBytes } = sink.limits;
    const records: StoredRecord[] = [];
    const passedOver: number[] = [];
    let [bytes, from, isFull] = [0, 1, false];
    while (!isFull && records.length < limit && passedOver.length < MAX_PASSED_OVER) {
      const sequences = account.eligible(limit - records.length, from);
      if (sequences.length === 0) break;
      const found = await journal.read(sequences, Math.max(1, maxBytes - bytes));
      account.loseUnreadable(found.missing);
      for (const stored of found.records) {
        from = stored.record.sequence + 1;
        if (!this.#accepts(stored.record)) {
          passedOver.push(stored.record.sequence);
          continue;
        }
        isFull = records.length > 0 && (isBarrier(stored) || bytes + stored.bytes > maxBytes);
        if (isFull) break;
        records.push(stored);
        bytes += stored.bytes;
        isFull = isBarrier(stored);
        if (isFull) break;
      }
    }
    account.settle(passedOver);
    const [first] = records;
    if (!first) return undefined;
    if (!isBarrier(first)) return { records, isBarrier: false };
    const waitMs = this.#barrierWaitMs(first.record.sequence);
    return waitMs > 0 ? waitMs : { records, isBarrier: true };
  }

  /** What is before a barrier and not settled waits for its upload: for so long the barrier waits too. */
  #barrierWaitMs(sequence: number): number {
    const { account, clock, barrierWaitMs } = this.#options;
    if (account.pending.countUpTo(sequence - 1) === 0) return 0;
    const now = clock.monotonic();
    if (this.#barrier?.sequence !== sequence) this.#barrier = { sequence, sinceMs: now };
    return this.#barrier.sinceMs + barrierWaitMs - now;
  }

  #accepts(record: TrainerRecord): boolean {
    const { sink, logger } = this.#options;
    try {
      return sink.accepts(record);
    } catch (error) {
      logger.error(`The sink ${sink.name} threw in accepts, which is a bug in it.`, {
        sink: sink.name,
        record: record.id,
        reason: describeError(error),
      });
      return true;
    }
  }
}

function isBarrier({ record }: StoredRecord): boolean {
  return record.traits.barrier === true;
}
