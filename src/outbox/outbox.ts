/**
 * The outbox: keeps every fact once, delivers it to each sink by itself, and says honestly how far it has come. It has
 * never heard of HTTP, ClearML or S3, and it never looks into a fact.
 */
import { join } from "node:path";
import { systemClock, type Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import { silentLogger, type Logger } from "../base/logger.js";
import { DEFAULT_RETRY_POLICY } from "../base/retry.js";
import type { RecordDraft, TrainerRecord } from "../records/record.js";
import { createSteadyNow } from "./budget.js";
import { Deadline, type WaitOptions } from "./deadline.js";
import { nodeDisk } from "./disk.js";
import type { Journal, JournalEvents, Kept, StoredRecord } from "./journal.js";
import { recordJson, toRecord } from "./journal-entry.js";
import { GiveUp } from "./give-up.js";
import { Lane } from "./lane.js";
import { UPLOAD } from "./ledger.js";
import { Losses } from "./losses.js";
import {
  checkSinkNames,
  DEFAULT_ANSWERED_BUDGET_MS,
  DEFAULT_BARRIER_WAIT_MS,
  DEFAULT_BATCH_AGE_MS,
  openJournal,
  type OpenedOptions,
  type OutboxOptions,
} from "./outbox-options.js";
import { Outcomes } from "./outcomes.js";
import { PinnedFiles, PIN_FOLDER } from "./pinned-files.js";
import type { DeadLetter, DeliveryReceipt, Durability, Outcome, OutboxStats } from "./receipts.js";
import { Progress } from "./progress.js";
import { closeDestinations, closeJournal, endDelivery } from "./shutdown.js";
import { createSinkMemory } from "./sink-memory.js";
import type { Sink, SinkMemory } from "./sink.js";
import { DEFAULT_MAX_PINNED_BYTES, UploadQueue } from "./upload-queue.js";

export type { WaitOptions } from "./deadline.js";
export type { OutboxOptions } from "./outbox-options.js";

export class Outbox {
  readonly #options: OpenedOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #journal: Journal;
  readonly #lanes: readonly Lane[];
  readonly #uploads: UploadQueue;
  readonly #pinned: PinnedFiles;
  readonly #losses: Losses;
  readonly #outcomes: Outcomes;
  readonly #refused = new WeakMap<object, string>();
  readonly #progress: Progress;
  readonly #giveUp: GiveUp;
  #next: number;
  #accepted = 0;
  #closing: Promise<DeliveryReceipt> | undefined;

  private constructor(options: OpenedOptions, openJournal: (events: JournalEvents) => Journal) {
    const { clock = systemClock, logger = silentLogger, disk = nodeDisk } = options;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#journal = openJournal({ onCommitted: (records) => this.#arrived(records), onShed: (records) => this.#giveUp.forRoom(records) });
    this.#next = this.#journal.ledger.nextSequence;
    this.#losses = new Losses(clock, logger, options.onLoss);
    this.#outcomes = new Outcomes((sequence) => this.#progress.isSettled(sequence));
    this.#pinned = new PinnedFiles(disk, logger);
    const shared = {
      journal: this.#journal,
      clock,
      steadyNow: createSteadyNow(clock),
      random: options.random ?? Math.random,
      logger,
      retry: options.retry ?? DEFAULT_RETRY_POLICY,
      answeredBudgetMs: options.answeredBudgetMs ?? DEFAULT_ANSWERED_BUDGET_MS,
    };
    for (const { name } of options.sinks) if (!this.#journal.ledger.knows(name)) this.#journal.note({ k: "i", n: name });
    this.#lanes = options.sinks.map(
      (sink) =>
        new Lane({
          ...shared,
          sink,
          memory: this.memory(sink.name),
          batchAgeMs: options.batchAgeMs ?? DEFAULT_BATCH_AGE_MS,
          barrierWaitMs: options.barrierWaitMs ?? DEFAULT_BARRIER_WAIT_MS,
          onSettled: () => this.#settled(),
          onLost: ({ reason, detail, sequence, record }) => {
            this.#losses.add({ reason, detail, sink: sink.name, ...(record && { record }) });
            this.#outcomes.lost(sequence, sink.name, detail);
          },
        }),
    );
    this.#progress = new Progress(this.#journal, this.#lanes);
    this.#giveUp = new GiveUp({ journal: this.#journal, lanes: this.#lanes, losses: this.#losses, outcomes: this.#outcomes, clock });
    this.#uploads = new UploadQueue({
      ...shared,
      uploader: options.uploader,
      pinned: this.#pinned,
      memory: this.memory(UPLOAD),
      maxPinnedBytes: options.maxPinnedBytes ?? DEFAULT_MAX_PINNED_BYTES,
      onStored: (sequence) => {
        for (const lane of this.#lanes) lane.released(sequence, false);
        this.#settled();
      },
      onGivenUp: async (sequence, reason, detail, record) => {
        const written = this.#giveUp.upload(sequence, reason, detail, record);
        await written.finally(() => this.#settled());
      },
    });
  }

  /**
   * Opens the journal and starts the lanes. Touches the disk, never the network.
   *
   * @throws ValidationError when two sinks share a name or one is called `upload`: a bug of the caller.
   * @throws JournalError with `strict`: `JOURNAL_LOCKED`, `JOURNAL_UNWRITABLE`, `JOURNAL_VERSION`.
   */
  static async open(options: OutboxOptions): Promise<Outbox> {
    if (typeof options.sinks !== "function") checkSinkNames(options.sinks);
    // The journal tells its owner of what happens, and the owner needs the journal to be built: events find it later.
    const relay: { to?: JournalEvents } = {};
    const events: JournalEvents = {
      onCommitted: (records) => relay.to?.onCommitted(records),
      onShed: (records) => relay.to?.onShed(records),
    };
    const journal = await openJournal(options, events);
    let sinks: readonly Sink[];
    try {
      sinks = typeof options.sinks === "function" ? options.sinks(journal.runId) : options.sinks;
      checkSinkNames(sinks);
    } catch (error) {
      // The folder's lock must not outlive an outbox that never came about.
      await journal.close(new AbortController().signal);
      throw error;
    }
    const outbox = new Outbox({ ...options, sinks }, (own) => {
      relay.to = own;
      return journal;
    });
    await outbox.#start();
    return outbox;
  }

  /** The journal's own id, 32 hexadecimal characters; kept by an existing folder. */
  get runId(): string {
    return this.#journal.runId;
  }

  /** Of the record that comes next. */
  get nextSequence(): number {
    return this.#next;
  }

  /** Where pinned copies belong: they are on the journal's disk and are swept with it. Undefined in memory-only mode. */
  get pinDirectory(): string | undefined {
    return this.#journal.path === undefined ? undefined : join(this.#journal.path, PIN_FOLDER);
  }

  /**
   * Takes a fact in. Never throws and waits for nothing. `durable` resolves when the record is on the disk, or says why it
   * is not; it never rejects.
   */
  append(draft: RecordDraft): { readonly record: TrainerRecord; readonly durable: Promise<Durability> } {
    const record = toRecord(this.runId, this.#next, this.#clock.now(), draft.traits, draft.fact);
    if (this.#closing) return this.#refuse(record, "closed");
    let json: string;
    try {
      json = recordJson(record);
    } catch (error) {
      return this.#refuse(record, `it has no JSON form: ${describeError(error)}`);
    }
    this.#next++;
    this.#accepted++;
    return { record, durable: this.#journal.append(record, json).then((kept) => durabilityOf(record, kept)) };
  }

  /** Where the record ends, over all sinks and its upload. Never rejects. Keeps nothing in memory for records nobody asks about. */
  outcome(record: Pick<TrainerRecord, "sequence">): Promise<Outcome> {
    const refusal = this.#refused.get(record);
    return refusal === undefined
      ? this.#outcomes.of(record.sequence)
      : Promise.resolve({ status: "rejected", reasons: { journal: refusal } });
  }

  /** True while the record's bytes wait for the store. */
  isUploadPending(sequence: number): boolean {
    return this.#journal.ledger.uploads.has(sequence);
  }

  /** Small durable values under a name: a sink's, or the caller's own. */
  memory(name: string): SinkMemory {
    return createSinkMemory(this.#journal, this.#logger, name);
  }

  /**
   * Makes everything due now and waits until what was appended before is settled at every sink that is not off, or the
   * deadline has passed. The receipt speaks of those records alone. Never rejects.
   */
  async flush(options: WaitOptions = {}): Promise<DeliveryReceipt> {
    const last = this.#next - 1;
    this.#hurry(last);
    const deadline = new Deadline(this.#clock, options);
    await this.#progress.untilSettled(last, deadline.passed);
    deadline.clear();
    return this.#progress.receipt(last);
  }

  /**
   * Takes no more, delivers what it can until the deadline, ends the sinks and lets go of the folder. What is pending then
   * waits in the journal for the next start. Bounded whatever hangs: at most a tenth of a second past the deadline, which
   * the disk may take for the last records. Never rejects; all callers share the first call's promise.
   */
  close(options: WaitOptions = {}): Promise<DeliveryReceipt> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  stats(): OutboxStats {
    const { mode, bytes, reason } = this.#journal.status();
    return {
      journal: {
        mode,
        path: this.#journal.path,
        bytes,
        pinnedBytes: this.#uploads.pinnedBytes,
        ...(reason === undefined ? {} : { reason }),
      },
      accepted: this.#accepted,
      uploads: this.#uploads.stats,
      sinks: Object.fromEntries(this.#lanes.map((lane) => [lane.name, lane.stats])),
      losses: this.#losses.counts,
    };
  }

  /** What was given up and waits for a person. */
  deadLetters(): Promise<readonly DeadLetter[]> {
    return this.#journal.deadLetters();
  }

  /**
   * Puts dead letters back in line for the sink that refused them, with their ids and numbers. Letters of sinks that are
   * not configured stay where they are. Answers how many.
   */
  async replay(filter: (letter: DeadLetter) => boolean = () => true): Promise<number> {
    if (this.#closing) return 0;
    const isPossible = ({ sink }: DeadLetter): boolean =>
      sink === UPLOAD ? this.#options.uploader !== undefined : this.#lanes.some(({ name }) => name === sink);
    const letters = await this.#journal.deadLetters((letter) => isPossible(letter) && filter(letter));
    // The new debt first, the letter's end after it: a crash in between leaves both.
    await Promise.all(letters.map(({ record, sink }) => this.#journal.requeue(record, [sink])));
    await this.#journal.exhume(letters);
    for (const { record, sink } of letters) {
      this.#outcomes.revived(record.sequence);
      if (sink === UPLOAD) this.#uploads.requeued(record.sequence);
      for (const lane of this.#lanes) if (sink === UPLOAD || lane.name === sink) lane.released(record.sequence, true);
    }
    return letters.length;
  }

  async #start(): Promise<void> {
    for (let count = 0; count < this.#journal.corruptLines; count++) {
      this.#losses.add({ reason: "corrupt", detail: "a line of the journal could not be read" });
    }
    try {
      await this.#pinned.adopt(this.#journal);
    } catch (error) {
      // Copies that stay behind cost room and nothing else.
      this.#logger.warn("The pinned copies of earlier processes could not be looked through.", { reason: describeError(error) });
    }
    this.#uploads.start();
    for (const lane of this.#lanes) lane.start();
  }

  #refuse(record: TrainerRecord, reason: string): { readonly record: TrainerRecord; readonly durable: Promise<Durability> } {
    this.#refused.set(record, reason);
    // The copy was made for this record and belongs to nobody else.
    const { attachment } = record.traits;
    if (attachment) void this.#pinned.remove(attachment);
    return { record, durable: Promise.resolve({ status: "rejected", reason }) };
  }

  #arrived(records: readonly StoredRecord[]): void {
    for (const lane of this.#lanes) lane.arrived(records);
    this.#uploads.arrived(records);
    this.#settled();
  }

  #settled(): void {
    this.#outcomes.check();
    this.#progress.changed();
  }

  #hurry(last: number): void {
    this.#uploads.hurry();
    for (const lane of this.#lanes) lane.hurry(last);
  }

  async #close(options: WaitOptions): Promise<DeliveryReceipt> {
    const last = this.#next - 1;
    this.#hurry(last);
    const deadline = new Deadline(this.#clock, options);
    await this.#progress.untilSettled(last, deadline.near);
    await endDelivery([...this.#lanes, this.#uploads], deadline);
    await closeDestinations([...this.#options.sinks, this.#options.uploader], deadline, this.#logger);
    const receipt = this.#progress.receipt(last);
    await closeJournal(this.#journal, this.#clock, deadline);
    deadline.clear();
    this.#outcomes.close();
    this.#progress.end();
    if (!receipt.complete)
      this.#logger.warn("The outbox was closed with records pending.", { sinks: receipt.sinks, journalPath: receipt.journalPath });
    return receipt;
  }
}

function durabilityOf(record: TrainerRecord, kept: Kept): Durability {
  return kept.status === "rejected" ? kept : { ...kept, record };
}
