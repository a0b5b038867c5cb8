/**
 * The way to one sink: opens it, hands it batches in order, and tries again when it must. Each lane runs by itself, so
 * one sink's trouble is its own. It keeps no list of records: what it owes is in the ledger, what they say in the journal.
 */
import type { Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import type { Random } from "../base/ids.js";
import type { Logger } from "../base/logger.js";
import { retryDelayMs, type RetryPolicy } from "../base/retry.js";
import { Alarm, nextTurn, whenAborted } from "./alarm.js";
import { BatchGatherer, type Batch } from "./batch-gatherer.js";
import { BatchPlan } from "./batch-plan.js";
import type { SteadyNow } from "./budget.js";
import type { Journal, StoredRecord } from "./journal.js";
import { LaneAccount, type LaneLoss } from "./lane-account.js";
import type { SinkStats } from "./receipts.js";
import type { SequenceSet } from "./sequence-set.js";
import type { Delivery, DeliveryContext, Sink, SinkMemory } from "./sink.js";
import { allFailed, judge, type Failure, type Verdict } from "./verdict.js";

export interface LaneOptions {
  readonly sink: Sink;
  readonly journal: Journal;
  readonly memory: SinkMemory;
  readonly clock: Clock;
  readonly steadyNow: SteadyNow;
  readonly random: Random;
  readonly logger: Logger;
  readonly retry: RetryPolicy;
  readonly answeredBudgetMs: number;
  readonly batchAgeMs: number;
  readonly barrierWaitMs: number;
  readonly onSettled: () => void;
  readonly onLost: (loss: LaneLoss) => void;
}

/** Stands for an answer that is waited for no longer. */
const ABANDONED = Symbol("abandoned");

export class Lane {
  readonly name: string;
  readonly #options: LaneOptions;
  readonly #account: LaneAccount;
  readonly #gatherer: BatchGatherer;
  readonly #alarm: Alarm;
  readonly #plan = new BatchPlan();
  readonly #stopping = new AbortController();
  readonly #abandoning = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #phase: "connecting" | "ready" | "off" = "connecting";
  #failures = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  // When what waits has waited long enough. Infinity: nothing has arrived since the last batch.
  #dueAtMs: number;
  #arrivedBytes = 0;
  #hurryUpTo = 0;
  #cutWait = false;
  #lastError: string | undefined;

  /** Made before the process states anything. */
  readonly #ownFrom: number;

  constructor(options: LaneOptions) {
    const { sink, clock } = options;
    this.name = sink.name;
    this.#ownFrom = options.journal.ledger.nextSequence;
    this.#options = options;
    this.#account = new LaneAccount({ ...options, name: sink.name });
    this.#gatherer = new BatchGatherer({ ...options, account: this.#account });
    this.#alarm = new Alarm(clock);
    // What an earlier process left has waited long enough.
    this.#dueAtMs = this.pending.size > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  /** What this sink is owed. */
  get pending(): SequenceSet {
    return this.#account.pending;
  }

  /** True when nothing more can come of it in this process. */
  get isOff(): boolean {
    return this.#phase === "off";
  }

  get stats(): SinkStats {
    const { delivered, rejected, pending } = this.#account;
    return {
      delivered,
      pending: pending.size,
      rejected,
      state: this.#phase !== "off" && this.#failures > 0 ? "waiting" : this.#phase,
      settledSequence: (pending.first ?? this.#options.journal.ledger.nextSequence) - 1,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Records were kept. */
  arrived(records: readonly StoredRecord[]): void {
    const { clock, sink, batchAgeMs, journal } = this.#options;
    const now = clock.monotonic();
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) this.#dueAtMs = now + batchAgeMs;
    for (const { bytes } of records) this.#arrivedBytes += bytes;
    const waiting = this.pending.size - journal.ledger.uploads.size;
    const isFull = waiting >= sink.limits.maxRecords || this.#arrivedBytes >= sink.limits.maxBytes;
    if (isFull || records.some(({ record }) => record.traits.barrier === true)) this.#dueAtMs = now;
    this.#alarm.ring();
  }

  /** A record may go now: its bytes are stored, or a person put it back in line (`isBack`). */
  released(sequence: number, isBack: boolean): void {
    if (isBack) this.#account.ambiguous.add(sequence);
    this.#dueAtMs = Number.NEGATIVE_INFINITY;
    this.#alarm.ring();
  }

  /** The record is about to be settled at every sink. */
  passBy(sequence: number, isLoss: boolean): void {
    this.#account.passBy(sequence, isLoss);
    this.#alarm.ring();
  }

  /** Everything up to `sequence` is due at once; a wait after a failure ends, this once. */
  hurry(sequence: number): void {
    this.#hurryUpTo = Math.max(this.#hurryUpTo, sequence);
    this.#cutWait = true;
    this.#alarm.ring();
  }

  /** Tells the sink to come to an end, and begins nothing new. Resolves when it has; {@link abandon} cuts that short. */
  stop(reason: Error): Promise<void> {
    this.#stopping.abort(reason);
    this.#alarm.ring();
    return this.#running;
  }

  /** Waits no longer for a delivery that ignores its signal. What it sent stays owed, and is ambiguous to the next process. */
  abandon(): void {
    this.#abandoning.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && this.#phase !== "off") {
      let waitMs: number | undefined = 0;
      try {
        waitMs = this.#phase === "connecting" ? await this.#connect() : await this.#step();
      } catch (error) {
        // The journal could not be read, or a bug of ours: neither may end the lane.
        this.#backOff({ cause: "unreachable", reason: describeError(error), attempted: [] });
      }
      if (waitMs === 0) await nextTurn();
      else await this.#alarm.wait(waitMs);
    }
  }

  /** Opens the sink. Answers how long to wait before the next step. */
  async #connect(): Promise<number> {
    const { sink, logger, onSettled } = this.#options;
    const waitMs = this.#remainingWaitMs();
    if (waitMs > 0) return waitMs;
    const outcome = await this.#open();
    if (outcome.status === "delivered") {
      this.#succeed();
      this.#phase = "ready";
    } else if (outcome.status === "rejected" || (outcome.status === "undecided" && outcome.final)) {
      this.#phase = "off";
      this.#lastError = outcome.reason;
      logger.error(`The sink ${sink.name} is off: it refused to open. Its records stay in the journal.`, {
        sink: sink.name,
        reason: outcome.reason,
      });
      onSettled();
    } else {
      this.#backOff({ cause: "unreachable", attempted: [], ...outcome });
    }
    return 0;
  }

  async #open(): Promise<Delivery> {
    const { sink, journal } = this.#options;
    if (!sink.open) return { status: "delivered" };
    // Whoever has delivered here before, or tried to open, may have made what open makes.
    const ambiguous = this.#failures > 0 || journal.ledger.nextSequence > 1;
    try {
      const answer = await this.#unlessAbandoned(sink.open(this.#context(ambiguous)));
      return answer === ABANDONED ? { status: "retry", cause: "unreachable", reason: "the outbox was closed" } : answer;
    } catch (error) {
      return { status: "retry", cause: "unreachable", reason: describeError(error) };
    }
  }

  /** Delivers what is due. Answers how long to wait before the next step: 0 not at all, undefined until something happens. */
  async #step(): Promise<number | undefined> {
    const waitMs = this.#remainingWaitMs();
    if (waitMs > 0) return waitMs;
    const [head] = this.#account.eligible(1);
    if (head === undefined) return undefined;
    const untilDueMs = this.#dueAtMs - this.#options.clock.monotonic();
    if (head > this.#hurryUpTo && Number.isFinite(untilDueMs) && untilDueMs > 0) return untilDueMs;
    // What arrives from here on has its own age; what this batch leaves behind is due at once.
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#arrivedBytes = 0;
    const batch = await this.#gatherer.next(this.#plan.limit(this.#options.sink.limits.maxRecords));
    if (typeof batch === "number") return batch;
    const lastTaken = batch?.records.at(-1)?.record.sequence ?? head;
    if (this.#account.eligible(1, lastTaken + 1).length > 0) this.#dueAtMs = Number.NEGATIVE_INFINITY;
    if (batch) {
      this.#plan.took(batch.records.length);
      await this.#deliver(batch);
    }
    return 0;
  }

  #remainingWaitMs(): number {
    const isCut = this.#cutWait;
    this.#cutWait = false;
    return isCut ? 0 : Math.max(0, this.#retryAtMs - this.#options.clock.monotonic());
  }

  async #deliver({ records, isBarrier }: Batch): Promise<void> {
    const { sink } = this.#options;
    if (isBarrier && (await this.#unlessAbandoned(this.#account.makeDurable())) === ABANDONED) return;
    const ambiguous = records.some(({ record }) => this.#account.ambiguous.has(record.sequence));
    let verdict: Verdict;
    try {
      const batch = records.map(({ record }) => record);
      const answer = await this.#unlessAbandoned(sink.deliver(batch, this.#context(ambiguous)));
      if (answer === ABANDONED) return;
      verdict = judge(records, answer);
    } catch (error) {
      verdict = allFailed(records, describeError(error));
    }
    try {
      await this.#apply(verdict, isBarrier);
    } catch (error) {
      // They have gone, and nothing says so: they go again.
      for (const { record } of records) this.#account.ambiguous.add(record.sequence);
      throw error;
    }
  }

  async #apply({ delivered, refused, undecided, failure, bug }: Verdict, isBarrier: boolean): Promise<void> {
    const { logger, barrierWaitMs } = this.#options;
    if (bug !== undefined) logger.error(`A bug in the sink ${this.name}: ${bug}.`, { sink: this.name });
    for (const { record } of [...undecided.flat(), ...(failure?.attempted ?? [])]) this.#account.ambiguous.add(record.sequence);
    const letters = refused.map(({ stored, reason }) => this.#account.letter(stored.record, "refused", reason));
    const spent = failure?.cause === "answered" ? this.#account.chargeBudgets(failure.attempted) : [];
    const [alone] = failure?.attempted.length === 1 ? spent : [];
    if (failure && alone) letters.push(this.#account.letter(alone.record, "budget-spent", failure.reason));
    const done = delivered.map(({ record }) => record.sequence);
    if (isBarrier && done[0] !== undefined) {
      letters.push(...(await this.#account.lateFor(done[0], `its upload did not end within ${String(barrierWaitMs)} ms of the job's end`)));
    }
    await this.#account.close(done, letters);
    for (const run of undecided.toReversed()) this.#plan.halve(run.length);
    if (undecided.length > 0) this.#dueAtMs = Number.NEGATIVE_INFINITY;
    const hasProgressed = done.length > 0 || letters.length > 0;
    if (hasProgressed) this.#succeed();
    if (!failure || alone) return;
    // The budget of a batch is spent: it is taken apart, so that only those go that fail by themselves too.
    if (spent.length > 0) this.#plan.halve(failure.attempted.length);
    this.#dueAtMs = Number.NEGATIVE_INFINITY;
    this.#backOff(failure);
  }

  #succeed(): void {
    const { logger } = this.#options;
    if (this.#failures > 0) logger.info(`The sink ${this.name} takes records again.`, { sink: this.name });
    this.#failures = 0;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
  }

  #backOff({ reason, retryAfterMs }: Failure): void {
    const { clock, logger, retry, random } = this.#options;
    // The sink did as it was told.
    if (this.#stopping.signal.aborted) return;
    this.#lastError = reason;
    if (this.#failures === 0)
      logger.warn(`The sink ${this.name} does not take records at present; they wait in the journal.`, { sink: this.name, reason });
    this.#failures++;
    this.#retryAtMs = clock.monotonic() + retryDelayMs(retry, this.#failures, random, retryAfterMs);
  }

  #context(ambiguous: boolean): DeliveryContext {
    return { signal: this.#stopping.signal, memory: this.#options.memory, ambiguous, ownFrom: this.#ownFrom };
  }

  /** The sink's answer, unless it is waited for no longer. */
  async #unlessAbandoned<T>(answer: Promise<T>): Promise<T | typeof ABANDONED> {
    const { aborted, done } = whenAborted(this.#abandoning.signal);
    try {
      return await Promise.race([answer, aborted.then((): typeof ABANDONED => ABANDONED)]);
    } finally {
      done();
    }
  }
}
