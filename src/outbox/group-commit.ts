/**
 * Many callers, one write, one fsync. Lines that arrive while the disk is busy share the next turn. A disk that fails or
 * hangs never rejects anyone: what could not be written is handed on from memory, the disk is tried again until it works,
 * and what it missed goes first.
 */
import type { Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { HeldRecords } from "./held-records.js";
import { type Held } from "./held-records.js";
import type { Kept } from "./journal.js";
import type { Line, SegmentStore } from "./segment-store.js";
import { DISK_TIMEOUT_MS, withinTime } from "./within-time.js";

/** After a failure the disk is left alone for so long. */
export const DISK_PAUSE_MS = 1_000;
/** And while a write that was given up has not come back, for so long. */
export const HANG_PAUSE_MS = 600_000;
/** Writes that may hang together. Each holds one of the few threads that all files and names of the process go through. */
const MAX_HANGING = 2;

/** Committed with one fsync at most: nobody waits for more than that to be written. */
const BATCH_BYTES = 1024 * 1024;

/** Reason of an abort that nobody sees; making an error for each commit would cost more than the commit's own work. */
const DONE = "done";

/** A line, and who waits for it. */
export interface Pending {
  readonly line: Line;
  /** Set for a record. */
  readonly held?: Held;
  /** True: wait for the fsync; false: with the next one is soon enough. */
  readonly durable: boolean;
  /** May be called more than once; the first call counts. */
  readonly done?: (kept: Kept) => void;
}

export interface GroupCommitOptions {
  readonly store: SegmentStore;
  readonly held: HeldRecords;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly path: string;
  /**
   * The records are durable, or `failure` says why not; called before anyone who waits is told. All records up to
   * `lastSequence` have then been kept or given up.
   */
  readonly onCommitted: (records: readonly Held[], lastSequence: number, failure: string | undefined) => void;
  /** The disk began to fail (a reason), or works again (undefined). */
  readonly onDisk: (failure: string | undefined) => void;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: Pending[] = [];
  #writing: readonly Pending[] = [];
  #running: Promise<void> | undefined;
  #failure: { readonly reason: string; readonly retryAtMs: number } | undefined;
  readonly #hanging = new Set<Promise<void>>();
  #hungAtMs = Number.NEGATIVE_INFINITY;
  // True: a commit is due although nothing is in line.
  #again = false;
  readonly #ending = new AbortController();
  #closing = false;
  #abandoned: string | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Why nothing can be written at present. */
  get failure(): string | undefined {
    return this.#failure?.reason;
  }

  add(pending: Pending): void {
    if (this.#abandoned !== undefined) {
      pending.done?.({ status: "volatile", reason: this.#abandoned });
      return;
    }
    this.#queue.push(pending);
    this.#running ??= this.#run();
  }

  /** Writes what is left and what the disk had refused, pause or no pause, and waits for it. */
  async drain(): Promise<void> {
    this.#closing = true;
    this.#ending.abort(DONE);
    if (this.#failure) this.#commitAgain();
    while (this.#running) await this.#running;
  }

  /** Never touches the disk again; what comes is kept in memory. */
  giveUpDisk(reason: string): void {
    this.#failure = { reason, retryAtMs: Number.POSITIVE_INFINITY };
    this.#options.store.abandon();
  }

  /** Tells everyone who still waits that it was in vain. */
  abandon(reason: string): void {
    this.#abandoned = reason;
    for (const pending of [...this.#writing, ...this.#queue]) pending.done?.({ status: "volatile", reason });
    this.#queue = [];
  }

  async #run(): Promise<void> {
    // The rest of this tick still belongs to the caller; all its lines go together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0 || this.#again) {
      this.#again = false;
      const batch = this.#takeBatch();
      this.#writing = batch;
      const failure = await this.#commit(batch);
      this.#writing = [];
      if (this.#abandoned === undefined) this.#finish(batch, failure);
    }
    this.#running = undefined;
  }

  async #commit(batch: readonly Pending[]): Promise<string | undefined> {
    const { clock, store } = this.#options;
    if (this.#failure && this.#isLeftAlone(this.#failure.retryAtMs)) return this.#failure.reason;
    const work = this.#write(batch);
    try {
      await withinTime(clock, DISK_TIMEOUT_MS, work);
      this.#recover();
      return undefined;
    } catch (error) {
      store.abandon();
      this.#hungAtMs = clock.monotonic();
      this.#hanging.add(work);
      const isBack = (): boolean => this.#hanging.delete(work);
      work.then(isBack, isBack);
      return this.#fail(describeError(error));
    }
  }

  #isLeftAlone(retryAtMs: number): boolean {
    const now = this.#options.clock.monotonic();
    if (retryAtMs === Number.POSITIVE_INFINITY || this.#hanging.size >= MAX_HANGING) return true;
    return (this.#hanging.size > 0 && now < this.#hungAtMs + HANG_PAUSE_MS) || (now < retryAtMs && !this.#closing);
  }

  #commitAgain(): void {
    this.#again = true;
    this.#running ??= this.#run();
  }

  /** Until the disk works: nothing new may come for long, and what it refused would be lost with the process. */
  async #keepTrying(): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      await clock.sleep(DISK_PAUSE_MS, { signal: this.#ending.signal }).catch(() => undefined);
      if (!this.#failure || this.#closing || this.#failure.retryAtMs === Number.POSITIVE_INFINITY) return;
      if (this.#isLeftAlone(this.#failure.retryAtMs)) continue;
      this.#commitAgain();
      await this.#running;
    }
  }

  /** A bounded part of the queue, so that telling all its callers does not hold up the process. */
  #takeBatch(): Pending[] {
    let [count, bytes] = [0, 0];
    while (count < this.#queue.length && bytes < BATCH_BYTES) bytes += this.#queue[count++]?.line.json.length ?? 0;
    return this.#queue.splice(0, count);
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const { store } = this.#options;
    await store.write(batch.flatMap(({ line, held }) => (held && !this.#isHeld(held) ? [] : [line])));
    if (batch.some((pending) => pending.durable)) await store.sync();
  }

  #finish(batch: readonly Pending[], failure: string | undefined): void {
    const records = batch.flatMap(({ held }) => (held && this.#isHeld(held) ? [held] : []));
    for (const record of records) record.committed = true;
    const lastSequence = batch.reduce((last, { line }) => Math.max(last, line.sequence ?? 0), 0);
    this.#options.onCommitted(records, lastSequence, failure);
    const kept: Kept = failure === undefined ? { status: "durable" } : { status: "volatile", reason: failure };
    for (const pending of batch) pending.done?.(kept);
  }

  /** False: it was given up for room before it was written, or while. */
  #isHeld(held: Held): boolean {
    return this.#options.held.get(held.stored.record.sequence) === held;
  }

  #fail(reason: string): string {
    const { clock, logger, path, onDisk } = this.#options;
    const first = this.#failure === undefined;
    if (this.#failure && !Number.isFinite(this.#failure.retryAtMs)) return this.#failure.reason;
    this.#failure = { reason, retryAtMs: clock.monotonic() + DISK_PAUSE_MS };
    if (first) {
      logger.warn(
        "The journal cannot be written; records are kept in memory and would be lost with the process. Free the disk or mount another.",
        { path, reason },
      );
      onDisk(reason);
      void this.#keepTrying();
    }
    return reason;
  }

  #recover(): void {
    const { held, logger, path, onDisk } = this.#options;
    if (!this.#failure || !Number.isFinite(this.#failure.retryAtMs)) return;
    this.#failure = undefined;
    // A new file was begun, and its head holds everything that had been refused.
    for (const record of [...held.values()]) if (record.committed) held.delete(record.stored.record.sequence);
    logger.info("The journal is written again.", { path });
    onDisk(undefined);
  }
}
