/** How far everything has come: who is still owed what, and waiting for that to change. */
import type { Journal } from "./journal.js";
import type { Lane } from "./lane.js";
import type { DeliveryReceipt } from "./receipts.js";

export class Progress {
  readonly #journal: Journal;
  readonly #lanes: readonly Lane[];
  readonly #waiters = new Set<() => void>();
  #hasEnded = false;

  constructor(journal: Journal, lanes: readonly Lane[]) {
    this.#journal = journal;
    this.#lanes = lanes;
  }

  /** True when the record is kept, its bytes are stored, and no configured sink is owed it any more. */
  isSettled(sequence: number): boolean {
    const { ledger } = this.#journal;
    return sequence < ledger.nextSequence && !ledger.uploads.has(sequence) && this.#lanes.every(({ pending }) => !pending.has(sequence));
  }

  /** Something was settled. */
  changed(): void {
    for (const check of this.#waiters) check();
  }

  /** Nothing will change any more. */
  end(): void {
    this.#hasEnded = true;
    this.changed();
  }

  /** Waits until everything up to `last` is settled wherever it can be, or it is too late. */
  async untilSettled(last: number, tooLate: Promise<void>): Promise<void> {
    if (this.#isDone(last)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (this.#hasEnded || this.#isDone(last)) resolve();
    };
    this.#waiters.add(check);
    await Promise.race([promise, tooLate]);
    this.#waiters.delete(check);
  }

  /** Of the records up to `last`; the counts of delivered and rejected are the process's. */
  receipt(last: number): DeliveryReceipt {
    const { ledger, path } = this.#journal;
    const notKeptYet = Math.max(0, last - ledger.nextSequence + 1);
    const sinks = Object.fromEntries(
      this.#lanes.map((lane) => {
        const { delivered, rejected } = lane.stats;
        return [lane.name, { delivered, pending: lane.pending.countUpTo(last) + notKeptYet, rejected }];
      }),
    );
    const complete = notKeptYet === 0 && !this.#isUploading(last) && Object.values(sinks).every(({ pending }) => pending === 0);
    return { complete, sinks, journalPath: path };
  }

  /** A sink that is off takes nothing more in this process: waiting for it would be in vain. */
  #isDone(last: number): boolean {
    if (this.#journal.ledger.nextSequence <= last || this.#isUploading(last)) return false;
    return this.#lanes.every((lane) => lane.isOff || (lane.pending.first ?? Number.POSITIVE_INFINITY) > last);
  }

  #isUploading(last: number): boolean {
    for (const sequence of this.#journal.ledger.uploads.keys()) if (sequence <= last) return true;
    return false;
  }
}
