/**
 * What one sink is owed, and how its debts end: delivered, given up with a dead letter, or overtaken. The counts that
 * stats and receipts show are kept here, beside the entries that change them.
 */
import type { Clock } from "../base/clock.js";
import type { TrainerRecord } from "../records/record.js";
import { isSpent, type SteadyNow } from "./budget.js";
import type { Journal, StoredRecord } from "./journal.js";
import type { DeadLetter, LossReason } from "./receipts.js";
import type { SequenceSet } from "./sequence-set.js";
import { rangesOf } from "./sequence-set.js";

/** A record that this sink will not have. */
export interface LaneLoss {
  readonly reason: LossReason;
  readonly detail: string;
  readonly sequence: number;
  /** Absent when it could not be read. */
  readonly record?: TrainerRecord;
}

export interface LaneAccountOptions {
  readonly name: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly steadyNow: SteadyNow;
  readonly answeredBudgetMs: number;
  /** Something was settled here. */
  readonly onSettled: () => void;
  /** Something was given up here. */
  readonly onLost: (loss: LaneLoss) => void;
}

export class LaneAccount {
  /** Records that an attempt without a clear answer, or an earlier process, may have delivered already. */
  readonly ambiguous: SequenceSet;
  readonly #options: LaneAccountOptions;
  #delivered = 0;
  #rejected = 0;

  constructor(options: LaneAccountOptions) {
    this.#options = options;
    this.ambiguous = this.pending.clone();
  }

  get pending(): SequenceSet {
    return this.#options.journal.ledger.pending(this.#options.name);
  }

  /** By this process. */
  get delivered(): number {
    return this.#delivered;
  }

  /** By this process. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Up to `limit` records that may go now: not those whose bytes still wait. */
  eligible(limit: number, from = 1): number[] {
    const { uploads } = this.#options.journal.ledger;
    return this.pending.take(limit, from, uploads.size === 0 ? undefined : (sequence) => uploads.has(sequence));
  }

  /** The sink has them, or has nothing to say about them. */
  settle(sequences: readonly number[]): void {
    this.#delivered += sequences.length;
    this.#write(sequences);
  }

  /**
   * The sink has the `delivered` ones and will never have the others. The letters are written first and the settlement of
   * all of them in one line after: a crash in between leaves a letter too many, never a record too few.
   */
  async close(delivered: readonly number[], letters: readonly DeadLetter[]): Promise<void> {
    const { journal, onLost } = this.#options;
    if (letters.length > 0) await journal.bury(letters);
    const given = letters.filter(({ record }) => this.pending.has(record.sequence));
    this.#delivered += delivered.length;
    this.#rejected += given.length;
    const sequences = [...delivered, ...given.map(({ record }) => record.sequence)].sort((left, right) => left - right);
    this.#write(sequences, () => {
      for (const { record, reason, detail } of given) onLost({ reason, detail, sequence: record.sequence, record });
    });
  }

  /**
   * What was settled here so far is on the disk, or as durable as it gets. Elsewhere a settlement may be lost with the
   * process, and its record is sent again; after a barrier, which nothing may follow, it must not be.
   */
  async makeDurable(): Promise<void> {
    await this.#options.journal.noteDurably({ k: "s", n: this.#options.name, r: [] });
  }

  /** Their lines in the journal cannot be read any more. */
  loseUnreadable(sequences: readonly number[]): void {
    const lost = sequences.filter((sequence) => this.pending.has(sequence));
    this.#rejected += lost.length;
    this.#write(lost, () => {
      for (const sequence of lost)
        this.#options.onLost({ reason: "corrupt", detail: "its line in the journal can no longer be read", sequence });
    });
  }

  /** The record is about to be settled at every sink; given up for this one, unless something better took its place. */
  passBy(sequence: number, isLoss: boolean): void {
    if (isLoss && this.pending.has(sequence)) this.#rejected++;
    this.ambiguous.remove(sequence);
  }

  /** Starts the budgets of records that failed with an answer for the first time; answers those whose budget is spent. */
  chargeBudgets(attempted: readonly StoredRecord[]): StoredRecord[] {
    const { name, journal, steadyNow, answeredBudgetMs } = this.#options;
    const anchorOf = ({ record }: StoredRecord): number | undefined => journal.ledger.anchorOf(name, record.sequence);
    const first = attempted.filter((stored) => anchorOf(stored) === undefined).map(({ record }) => record.sequence);
    if (first.length > 0) journal.note({ k: "a", n: name, r: rangesOf(first), t: steadyNow() });
    return attempted.filter((stored) => isSpent(anchorOf(stored), answeredBudgetMs, steadyNow()));
  }

  /** The letters of everything before a barrier that has now gone. */
  async lateFor(barrier: number, detail: string): Promise<DeadLetter[]> {
    const late = this.pending.take(Number.POSITIVE_INFINITY).filter((sequence) => sequence < barrier);
    const { records, missing } = await this.#options.journal.read(late, Number.POSITIVE_INFINITY);
    this.loseUnreadable(missing);
    return records.map(({ record }) => this.letter(record, "after-final", detail));
  }

  letter(record: TrainerRecord, reason: LossReason, detail: string): DeadLetter {
    return { sink: this.#options.name, reason, detail, atMs: this.#options.clock.now(), record };
  }

  #write(sequences: readonly number[], tell?: () => void): void {
    if (sequences.length === 0) return;
    const { journal, name, onSettled } = this.#options;
    const ranges = rangesOf(sequences);
    for (const [from, to] of ranges) this.ambiguous.remove(from, to);
    journal.note({ k: "s", n: name, r: ranges });
    tell?.();
    onSettled();
  }
}
