/**
 * Stores the bytes that records carry, before the records are announced anywhere. A few at a time, oldest first, each with
 * a back-off of its own; a newer checkpoint takes the place of an older one that is not being sent at this moment.
 */
import { describeError } from "../base/errors.js";
import { retryDelayMs } from "../base/retry.js";
import type { Attachment, TrainerRecord } from "../records/record.js";
import { Alarm, whenAborted } from "./alarm.js";
import { isSpent } from "./budget.js";
import { copiesForRoom, pinnedBytesOf, Rivals } from "./give-way.js";
import type { StoredRecord } from "./journal.js";
import { UPLOAD } from "./ledger.js";
import type { LossReason } from "./receipts.js";
import type { Delivery, Uploader } from "./sink.js";
import type { UploadQueueOptions, UploadStats } from "./upload-queue-options.js";
import { UploadTurns, type Attempts } from "./upload-turns.js";

/** Uploads at the same time. */
export const UPLOAD_CONCURRENCY = 2;
/** In the reason for which a record is volatile. */
const DISK_FULL = /\b(ENOSPC|EDQUOT)\b/;
/** Default of `maxPinnedBytes`: 50 GiB. */
export const DEFAULT_MAX_PINNED_BYTES = 50 * 1024 ** 3;

export class UploadQueue {
  readonly #options: UploadQueueOptions;
  readonly #alarm: Alarm;
  readonly #turns: UploadTurns;
  readonly #stopping = new AbortController();
  readonly #abandoning = new AbortController();
  // On their way out of the line: their copies are as good as gone.
  readonly #leaving = new Set<number>();
  readonly #rivals = new Rivals();
  #underWay = 0;
  #running: Promise<void> = Promise.resolve();
  #counts = { delivered: 0, rejected: 0, superseded: 0 };
  #failing = false;

  constructor(options: UploadQueueOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock);
    this.#turns = new UploadTurns(options.journal.ledger.uploads, options.journal.ledger.nextSequence);
  }

  get #waiting(): ReadonlyMap<number, Attachment> {
    return this.#options.journal.ledger.uploads;
  }

  get stats(): UploadStats {
    return { ...this.#counts, pending: this.#waiting.size };
  }

  /** Of all pinned copies, those included that wait for a person. */
  get pinnedBytes(): number {
    let bytes = this.#options.pinned.keptBytes;
    for (const attachment of this.#waiting.values()) bytes += pinnedBytesOf(attachment);
    return bytes;
  }

  start(): void {
    const waiting = [...this.#waiting];
    for (const [sequence, attachment] of waiting) this.#rivals.add(sequence, attachment);
    for (const [sequence, attachment] of waiting) this.#replaceOlderThan(sequence, attachment);
    this.#tidy();
    this.#running = this.#run();
  }

  /** Records were kept. */
  arrived(records: readonly StoredRecord[]): void {
    for (const { record } of records) {
      if (!record.traits.attachment) continue;
      this.#rivals.add(record.sequence, record.traits.attachment);
      this.#replaceOlderThan(record.sequence, record.traits.attachment);
      this.#makeRoom();
      this.#alarm.ring();
    }
  }

  /** A person has put the record back in line. */
  requeued(sequence: number): void {
    this.#options.pinned.unkeep(sequence);
    this.#turns.forget(sequence);
    this.#turns.of(sequence).ambiguous = true;
    const attachment = this.#waiting.get(sequence);
    if (attachment) this.#rivals.add(sequence, attachment);
    this.#alarm.ring();
  }

  /** Waits after failures end, this once. */
  hurry(): void {
    this.#turns.hurry();
    this.#alarm.ring();
  }

  /** Tells the uploader to come to an end. Resolves when it has; {@link abandon} cuts that short. */
  stop(reason: Error): Promise<void> {
    this.#stopping.abort(reason);
    this.#alarm.ring();
    return this.#running;
  }

  abandon(): void {
    this.#abandoning.abort();
    this.#alarm.ring();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let next = this.#turns.next(clock.monotonic());
      for (; next && next.waitMs <= 0 && this.#underWay < UPLOAD_CONCURRENCY; next = this.#turns.next(clock.monotonic()))
        this.#begin(next.sequence);
      await this.#alarm.wait(this.#underWay < UPLOAD_CONCURRENCY ? next?.waitMs : undefined);
    }
    while (this.#underWay > 0 && !this.#abandoning.signal.aborted) await this.#alarm.wait();
  }

  #begin(sequence: number): void {
    const attempts = this.#turns.of(sequence);
    attempts.isUnderWay = true;
    this.#underWay++;
    void this.#attempt(sequence, attempts)
      .catch((error: unknown) => this.#backOff(attempts, describeError(error)))
      .finally(() => {
        attempts.isUnderWay = false;
        if (!this.#waiting.has(sequence)) this.#turns.forget(sequence);
        this.#underWay--;
        this.#alarm.ring();
      });
  }

  async #attempt(sequence: number, attempts: Attempts): Promise<void> {
    const { journal, uploader } = this.#options;
    const attachment = this.#waiting.get(sequence);
    const [stored] = (await journal.read([sequence], 1)).records;
    if (!attachment) return;
    if (!stored) return await this.#giveUp(sequence, "corrupt", "its line in the journal can no longer be read", undefined);
    if (!uploader) return await this.#giveUp(sequence, "upload-failed", "there is no storage for it (CHECKPOINT_URI)", stored.record);
    const outcome = await this.#upload(uploader, stored.record, attempts.ambiguous);
    if (outcome) await this.#apply(outcome, stored.record, attachment, attempts);
  }

  async #upload(uploader: Uploader, record: TrainerRecord, ambiguous: boolean): Promise<Delivery | undefined> {
    const { aborted, done } = whenAborted(this.#abandoning.signal);
    const { traits } = record;
    const attachment = traits.attachment && this.#options.pinned.whereabouts(traits.attachment);
    try {
      const answer = uploader.upload(attachment ? { ...record, traits: { ...traits, attachment } } : record, {
        signal: this.#stopping.signal,
        memory: this.#options.memory,
        ambiguous,
      });
      return await Promise.race([answer, aborted.then(() => undefined)]);
    } catch (error) {
      return { status: "retry", cause: "unreachable", reason: describeError(error) };
    } finally {
      done();
    }
  }

  async #apply(outcome: Delivery, record: TrainerRecord, attachment: Attachment, attempts: Attempts): Promise<void> {
    const { sequence } = record;
    switch (outcome.status) {
      case "delivered":
        return await this.#store(sequence, attachment);
      case "rejected":
        return await this.#giveUp(sequence, "upload-failed", outcome.reason, record);
      case "undecided":
        if (outcome.final) return await this.#giveUp(sequence, "upload-failed", outcome.reason, record);
        return await this.#failed({ status: "retry", cause: "answered", reason: outcome.reason }, record, attachment, attempts);
      case "retry":
        return await this.#failed(outcome, record, attachment, attempts);
    }
  }

  async #store(sequence: number, attachment: Attachment): Promise<void> {
    const { journal, logger, onStored, pinned } = this.#options;
    const kept = await journal.noteDurably({ k: "u", s: sequence });
    this.#rivals.remove(sequence, attachment);
    this.#turns.forget(sequence);
    this.#counts.delivered++;
    if (this.#failing) logger.info("Uploads get through again.");
    this.#failing = false;
    onStored(sequence);
    // Without the note on the disk the next process would upload again, and needs the bytes for it. But a disk that is full
    // of copies takes no note before one has gone.
    const isFull = kept.status === "volatile" && DISK_FULL.test(kept.reason);
    if (kept.status === "durable" || journal.path === undefined || isFull) await pinned.remove(attachment);
  }

  async #failed(
    outcome: Delivery & { readonly status: "retry" },
    record: TrainerRecord,
    attachment: Attachment,
    attempts: Attempts,
  ): Promise<void> {
    const { journal, steadyNow, answeredBudgetMs } = this.#options;
    const { sequence } = record;
    attempts.ambiguous = true;
    if (outcome.cause === "answered") {
      if (journal.ledger.anchorOf(UPLOAD, sequence) === undefined)
        journal.note({ k: "a", n: UPLOAD, r: [[sequence, sequence]], t: steadyNow() });
      if (isSpent(journal.ledger.anchorOf(UPLOAD, sequence), answeredBudgetMs, steadyNow()))
        return await this.#giveUp(sequence, "upload-failed", outcome.reason, record);
    }
    const newer = this.#rivals.newerThan(sequence, attachment);
    if (newer !== undefined) return await this.#supersede(sequence, newer);
    this.#backOff(attempts, outcome.reason, outcome.retryAfterMs);
  }

  #backOff(attempts: Attempts, reason: string, retryAfterMs?: number): void {
    const { clock, logger, random, retry } = this.#options;
    if (this.#stopping.signal.aborted) return;
    if (!this.#failing) logger.warn("An upload did not get through; it is tried again.", { reason });
    this.#failing = true;
    attempts.failures++;
    attempts.retryAtMs = clock.monotonic() + retryDelayMs(retry, attempts.failures, random, retryAfterMs);
  }

  /** Older records of the same key give way, unless their bytes are on the wire at this moment. */
  #replaceOlderThan(newer: number, attachment: Attachment): void {
    for (const sequence of this.#rivals.olderThan(newer, attachment))
      if (!this.#turns.isUnderWay(sequence)) this.#leave(sequence, () => this.#supersede(sequence, newer));
  }

  #makeRoom(): void {
    const { maxPinnedBytes, logger } = this.#options;
    let excess = this.pinnedBytes - maxPinnedBytes;
    for (const sequence of this.#leaving) excess -= pinnedBytesOf(this.#waiting.get(sequence));
    if (excess <= 0) return;
    const { sequences, excessBytes } = copiesForRoom(this.#waiting, excess, (sequence) => this.#turns.isUnderWay(sequence));
    for (const sequence of sequences)
      this.#leave(sequence, async () =>
        this.#giveUp(sequence, "shed", `the pinned copies exceed ${String(maxPinnedBytes)} bytes`, await this.#recordOf(sequence)),
      );
    if (excessBytes > 0)
      logger.warn("Pinned copies are over their limit, and none of them may be given up.", { bytes: this.pinnedBytes, maxPinnedBytes });
  }

  /** Takes a waiting upload out of the line while its end is written down. */
  #leave(sequence: number, end: () => Promise<void>): void {
    const attempts = this.#turns.of(sequence);
    attempts.isUnderWay = true;
    this.#leaving.add(sequence);
    void end()
      .catch((error: unknown) => {
        attempts.isUnderWay = false;
        this.#backOff(attempts, describeError(error));
      })
      .finally(() => {
        this.#leaving.delete(sequence);
        this.#alarm.ring();
      });
  }

  async #supersede(sequence: number, newer: number): Promise<void> {
    await this.#giveUp(sequence, "superseded", `record ${String(newer)} took its place`, await this.#recordOf(sequence));
  }

  async #recordOf(sequence: number): Promise<TrainerRecord | undefined> {
    return (await this.#options.journal.read([sequence], 1)).records[0]?.record;
  }

  /** Behind everybody's back: what cannot be taken back now is taken back another time. */
  #tidy(): void {
    const { logger, memory, uploader } = this.#options;
    const context = { signal: this.#stopping.signal, memory };
    uploader
      ?.tidy?.((sequence) => this.#waiting.has(sequence), context)
      .catch((error: unknown) => {
        if (!context.signal.aborted)
          logger.warn("What an upload left behind could not be taken back yet.", { reason: describeError(error) });
      });
  }

  async #giveUp(sequence: number, reason: LossReason, detail: string, record: TrainerRecord | undefined): Promise<void> {
    const { pinned, onGivenUp } = this.#options;
    const attachment = this.#waiting.get(sequence);
    await onGivenUp(sequence, reason, detail, record);
    if (attachment) this.#rivals.remove(sequence, attachment);
    this.#turns.forget(sequence);
    if (reason === "superseded") this.#counts.superseded++;
    else this.#counts.rejected++;
    this.#tidy();
    if (!attachment) return;
    // A person may put a failed upload back in line; that needs its bytes, unless a newer one will come anyway.
    if (reason === "upload-failed" && attachment.replaceKey === undefined) pinned.keep(sequence, attachment);
    else await pinned.remove(attachment);
  }
}
