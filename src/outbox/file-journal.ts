/**
 * The journal on a disk: composes the folder's lock, the files, group commit, compaction, dead letters and the ledger.
 * It knows nothing of sinks beyond their names.
 */
import type { Clock } from "../base/clock.js";
import { describeError, JournalError } from "../base/errors.js";
import { newId } from "../base/ids.js";
import type { Logger } from "../base/logger.js";
import type { TrainerRecord } from "../records/record.js";
import { whenAborted } from "./alarm.js";
import { Compactor } from "./compaction.js";
import { FileDeadLetters } from "./dead-letters.js";
import { nodeDisk, type Disk } from "./disk.js";
import { FolderLock, type ProcessTable } from "../base/folder-lock.js";
import { GroupCommit } from "./group-commit.js";
import { DEFAULT_MAX_MEMORY_BYTES, HeldRecords, type Held } from "./held-records.js";
import type { Journal, JournalEvents, JournalStatus, Kept, ReadResult, StoredRecord } from "./journal.js";
import { requeueJson, type StateEntry } from "./journal-entry.js";
import type { Ledger } from "./ledger.js";
import { RecentRecords } from "./recent-records.js";
import type { DeadLetter } from "./receipts.js";
import { removeLeftovers, replayFolder, type Replayed } from "./replay.js";
import { DEFAULT_SEGMENT_BYTES, SegmentStore, type Line } from "./segment-store.js";
import { rangesOf, type SequenceRange } from "./sequence-set.js";
import { answeringDisk, DISK_TIMEOUT_MS, withinTime } from "./within-time.js";

/** Default of {@link FileJournalOptions.maxJournalBytes}: 1 GiB. */
export const DEFAULT_MAX_JOURNAL_BYTES = 1024 ** 3;
/** Numbers left out after a process that could not write down which ones it gave away. */
export const UNWRITTEN_GAP = 1_000_000;
/** Between two looks for files that can go. */
const COMPACTION_INTERVAL_MS = 1_000;
/** For the lock of a folder that could not be opened. */
const RELEASE_TIMEOUT_MS = 1_000;
/** So many times more than for a disk that fails may wait in memory for one that works. */
const AHEAD_OF_DISK = 4;
/** Part of the journal's limit that dead letters may fill with records of little value. */
const DEAD_LETTER_SHARE = 1 / 4;

export interface FileJournalOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default {@link DEFAULT_MAX_JOURNAL_BYTES}. */
  readonly maxJournalBytes?: number | undefined;
  /** For records that the disk refuses. Default 64 MiB. Four times as much while they are on their way to one that works. */
  readonly maxMemoryBytes?: number | undefined;
  /** Default 16 MiB, or an eighth of the limit when that is less. */
  readonly segmentBytes?: number | undefined;
  readonly disk?: Disk | undefined;
  readonly processTable?: ProcessTable | undefined;
}

export class FileJournal implements Journal {
  readonly path: string;
  readonly runId: string;
  readonly ledger: Ledger;
  readonly corruptLines: number;
  readonly #events: JournalEvents;
  readonly #clock: Clock;
  readonly #maxMemoryBytes: number;
  readonly #lock: FolderLock;
  readonly #store: SegmentStore;
  readonly #commit: GroupCommit;
  readonly #compactor: Compactor;
  readonly #letters: FileDeadLetters;
  readonly #held = new HeldRecords();
  readonly #recent = new RecentRecords();
  #compactedAtMs: number;
  #closed = false;

  private constructor(options: FileJournalOptions, events: JournalEvents, lock: FolderLock, replayed: Replayed) {
    const { directory, clock, logger, disk = nodeDisk } = options;
    const maxJournalBytes = options.maxJournalBytes ?? DEFAULT_MAX_JOURNAL_BYTES;
    const segmentBytes = options.segmentBytes ?? Math.min(DEFAULT_SEGMENT_BYTES, Math.max(1, Math.floor(maxJournalBytes / 8)));
    this.path = directory;
    this.runId = replayed.runId ?? newId();
    this.ledger = replayed.ledger;
    this.corruptLines = replayed.corruptLines;
    this.#events = events;
    this.#clock = clock;
    this.#maxMemoryBytes = options.maxMemoryBytes ?? DEFAULT_MAX_MEMORY_BYTES;
    this.#lock = lock;
    if (lock.previous?.unwritten === true) this.ledger.nextSequence += UNWRITTEN_GAP;
    this.#store = new SegmentStore({
      disk,
      directory,
      runId: this.runId,
      segments: replayed.segments,
      nextNumber: replayed.nextSegmentNumber,
      segmentBytes,
      head: () => this.#head(),
    });
    this.#commit = new GroupCommit({
      store: this.#store,
      held: this.#held,
      clock,
      logger,
      path: directory,
      onCommitted: (records, lastSequence, failure) => this.#committed(records, lastSequence, failure),
      onDisk: (failure) => void lock.markUnwritten(failure !== undefined),
    });
    this.#compactor = new Compactor({
      disk,
      store: this.#store,
      ledger: this.ledger,
      runId: this.runId,
      logger,
      segmentBytes,
      maxJournalBytes,
      giveUp: (records) => this.#giveUp(records),
    });
    this.#letters = new FileDeadLetters({ disk, directory, logger, maxBytes: maxJournalBytes * DEAD_LETTER_SHARE });
    this.#compactedAtMs = clock.monotonic();
  }

  /**
   * Opens the folder, making it if need be, and reads what it holds.
   *
   * @throws JournalError `JOURNAL_LOCKED`, `JOURNAL_VERSION` or `JOURNAL_UNWRITABLE`.
   */
  static async open(options: FileJournalOptions, events: JournalEvents): Promise<FileJournal> {
    const { directory, clock } = options;
    const disk = answeringDisk(options.disk ?? nodeDisk, clock);
    let acquiring: Promise<FolderLock> | undefined;
    try {
      await disk.makeFolder(directory);
      // Declared first: the lock may be lost before the journal is there.
      const lost = { by: (): void => undefined };
      acquiring = FolderLock.acquire(directory, clock, () => lost.by(), options.processTable);
      const lock = await withinTime(clock, DISK_TIMEOUT_MS, acquiring);
      await removeLeftovers(disk, directory);
      const journal = new FileJournal(options, events, lock, await replayFolder(disk, directory));
      lost.by = () => journal.#lose(options.logger);
      // The first line proves that the folder can be written, before anyone relies on it.
      await journal.#begin();
      return journal;
    } catch (error) {
      // A lock that comes late is let go too. A disk that hangs is not waited for again.
      const released = acquiring?.then(
        (lock) => lock.release(),
        () => undefined,
      );
      await withinTime(clock, RELEASE_TIMEOUT_MS, released ?? Promise.resolve()).catch(() => undefined);
      if (error instanceof JournalError) throw error;
      throw new JournalError(
        `The journal folder ${directory} cannot be used: ${describeError(error)}. Make it writable, or name another (TRAINER_JOURNAL_DIR).`,
        {
          code: "JOURNAL_UNWRITABLE",
          path: directory,
          cause: error,
        },
      );
    }
  }

  append(record: TrainerRecord, json: string): Promise<Kept> {
    return this.#hold(record, json);
  }

  note(entry: StateEntry): void {
    this.ledger.apply(entry);
    this.#commit.add({ line: { json: JSON.stringify(entry) }, durable: false });
    this.#release(entry);
    this.#maybeCompact();
  }

  noteDurably(entry: StateEntry): Promise<Kept> {
    this.ledger.apply(entry);
    this.#release(entry);
    return new Promise((done) => this.#commit.add({ line: { json: JSON.stringify(entry) }, durable: true, done }));
  }

  requeue(record: TrainerRecord, owedTo: readonly string[]): Promise<Kept> {
    const kept = this.#hold(record, requeueJson(record, owedTo));
    // At once, unlike a new record: a file that begins before the line is written must know of the debt.
    this.ledger.apply({ k: "q", n: owedTo, s: record.sequence, t: record.createdAtMs, a: record.traits });
    return kept;
  }

  async read(sequences: readonly number[], maxBytes: number): Promise<ReadResult> {
    const records: StoredRecord[] = [];
    const missing: number[] = [];
    let bytes = 0;
    for (const sequence of sequences) {
      if (records.length > 0 && bytes >= maxBytes) break;
      const stored = this.#held.get(sequence)?.stored ?? this.#recent.get(sequence) ?? (await this.#store.read(sequence));
      if (!stored) {
        missing.push(sequence);
        continue;
      }
      records.push(stored);
      bytes += stored.bytes;
    }
    return { records, missing };
  }

  bury(letters: readonly DeadLetter[]): Promise<void> {
    return this.#letters.add(letters);
  }

  deadLetters(isWanted?: (letter: DeadLetter) => boolean): Promise<readonly DeadLetter[]> {
    return this.#letters.list(isWanted);
  }

  exhume(letters: readonly DeadLetter[]): Promise<void> {
    return this.#letters.remove(letters);
  }

  status(): JournalStatus {
    const reason = this.#commit.failure;
    return { mode: reason === undefined ? "durable" : "volatile", bytes: this.#store.bytes, ...(reason === undefined ? {} : { reason }) };
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closed = true;
    const ended = this.#end();
    const { aborted, done } = whenAborted(signal);
    await Promise.race([ended, aborted]);
    done();
    this.#commit.abandon("the journal was closed before the disk answered");
  }

  async #begin(): Promise<void> {
    try {
      await withinTime(this.#clock, DISK_TIMEOUT_MS, this.#store.write([]));
    } catch (error) {
      // What hangs must not begin a file when it wakes.
      this.#store.abandon();
      throw error;
    }
  }

  /** The folder is let go only after our last write has come back, even when nobody waits for it any more: no two ever write. */
  async #end(): Promise<void> {
    await this.#commit.drain();
    await this.#compactor.stop();
    await this.#store.rotate().catch(() => undefined);
    await this.#lock.release();
  }

  #hold(record: TrainerRecord, json: string): Promise<Kept> {
    return new Promise((done) => {
      const held: Held = { stored: { record, bytes: Buffer.byteLength(json) }, json, committed: false, done };
      this.#held.add(held);
      this.#commit.add({ line: lineOf(held), held, durable: true, done });
      this.#shedMemory();
    });
  }

  #shedMemory(): void {
    // A disk that works will take them: a loop that reports without a pause may run ahead of it further.
    const ahead = this.#commit.failure === undefined ? AHEAD_OF_DISK : 1;
    const shed = this.#held.shedOver(this.#maxMemoryBytes * ahead);
    if (shed.length === 0) return;
    for (const { done } of shed) done({ status: "rejected", reason: "there was no more room in memory, and the disk did not take it" });
    this.#giveUp(shed.map(({ stored }) => stored.record));
  }

  #giveUp(records: readonly TrainerRecord[]): void {
    this.#events.onShed(records);
    this.note({ k: "x", r: rangesOf(records.map(({ sequence }) => sequence)) });
  }

  #committed(records: readonly Held[], lastSequence: number, failure: string | undefined): void {
    for (const { stored } of records) {
      const { sequence, traits } = stored.record;
      this.ledger.addRecord(sequence, traits);
      if (failure !== undefined) continue;
      this.#held.delete(sequence);
      this.#recent.add(stored);
    }
    // With no sink at all nobody is owed what the disk refused.
    if (failure !== undefined)
      this.#held.release(rangesOf(records.map(({ stored }) => stored.record.sequence)), (sequence) => this.ledger.isNeeded(sequence));
    this.ledger.reach(lastSequence);
    if (lastSequence > 0) this.#events.onCommitted(records.map(({ stored }) => stored));
    if (failure !== undefined) this.#shedMemory();
    this.#maybeCompact();
  }

  /** What a new file begins with: first the records that the disk had refused, then the state, which knows how they fared. */
  *#head(): Generator<Line> {
    for (const held of this.#held.values()) if (held.committed) yield lineOf(held);
    yield { json: JSON.stringify(this.ledger.snapshot(this.runId)) };
  }

  #release(entry: StateEntry): void {
    const ranges: readonly SequenceRange[] = entry.k === "s" || entry.k === "x" ? entry.r : entry.k === "u" ? [[entry.s, entry.s]] : [];
    this.#held.release(ranges, (sequence) => this.ledger.isNeeded(sequence));
  }

  #maybeCompact(): void {
    const now = this.#clock.monotonic();
    if (this.#closed || (now - this.#compactedAtMs < COMPACTION_INTERVAL_MS && !this.#compactor.isPressed)) return;
    this.#compactedAtMs = now;
    void this.#compactor.run();
  }

  /** Another process took this one for dead and owns the folder now. */
  #lose(logger: Logger): void {
    logger.error("The journal folder was taken over by another process; this one keeps its records in memory from here on.", {
      path: this.path,
    });
    this.#closed = true;
    this.#commit.giveUpDisk("the journal folder was taken over by another process");
    void this.#compactor.stop();
  }
}

function lineOf({ json, stored }: Held): Line {
  return { json, sequence: stored.record.sequence, shed: stored.record.traits.shed };
}
