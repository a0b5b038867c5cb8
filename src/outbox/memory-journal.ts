/**
 * The journal without a disk: for when no folder can be used. What it keeps lives as long as the process, within a limit;
 * it says so in every promise.
 */
import { newId } from "../base/ids.js";
import type { TrainerRecord } from "../records/record.js";
import { MemoryDeadLetters } from "./dead-letters.js";
import { DEFAULT_MAX_MEMORY_BYTES, HeldRecords, type Held } from "./held-records.js";
import type { Journal, JournalEvents, JournalStatus, Kept, ReadResult, StoredRecord } from "./journal.js";
import { requeueJson, type StateEntry } from "./journal-entry.js";
import { Ledger } from "./ledger.js";
import type { DeadLetter } from "./receipts.js";
import { rangesOf } from "./sequence-set.js";

export interface MemoryJournalOptions {
  /** Why there is no disk; told with every record. */
  readonly reason: string;
  /** Default 64 MiB. */
  readonly maxMemoryBytes?: number | undefined;
}

export class MemoryJournal implements Journal {
  readonly path = undefined;
  readonly runId = newId();
  readonly ledger = new Ledger();
  readonly corruptLines = 0;
  readonly #events: JournalEvents;
  readonly #kept: Kept;
  readonly #reason: string;
  readonly #maxMemoryBytes: number;
  readonly #held = new HeldRecords();
  readonly #letters = new MemoryDeadLetters();
  #arrived: Held[] = [];
  #announcing = false;

  constructor(options: MemoryJournalOptions, events: JournalEvents) {
    this.#events = events;
    this.#reason = options.reason;
    this.#kept = { status: "volatile", reason: options.reason };
    this.#maxMemoryBytes = options.maxMemoryBytes ?? DEFAULT_MAX_MEMORY_BYTES;
  }

  append(record: TrainerRecord, json: string): Promise<Kept> {
    return new Promise((done) => {
      this.#arrived.push(this.#hold(record, json, done));
      if (!this.#announcing) {
        this.#announcing = true;
        // As with a disk: the records of a tick go together, and never within the verb's own call.
        setImmediate(() => this.#announce());
      }
      if (this.#held.bytes > this.#maxMemoryBytes) this.#shed();
    });
  }

  note(entry: StateEntry): void {
    this.ledger.apply(entry);
    const ranges = entry.k === "s" || entry.k === "x" ? entry.r : entry.k === "u" ? [[entry.s, entry.s] as const] : [];
    this.#held.release(ranges, (sequence) => this.ledger.isNeeded(sequence));
  }

  noteDurably(entry: StateEntry): Promise<Kept> {
    this.note(entry);
    return Promise.resolve(this.#kept);
  }

  requeue(record: TrainerRecord, owedTo: readonly string[]): Promise<Kept> {
    this.#hold(record, requeueJson(record, owedTo), () => undefined).committed = true;
    this.ledger.apply({ k: "q", n: owedTo, s: record.sequence, t: record.createdAtMs, a: record.traits });
    return Promise.resolve(this.#kept);
  }

  read(sequences: readonly number[], maxBytes: number): Promise<ReadResult> {
    const records: StoredRecord[] = [];
    const missing: number[] = [];
    let bytes = 0;
    for (const sequence of sequences) {
      if (records.length > 0 && bytes >= maxBytes) break;
      const stored = this.#held.get(sequence)?.stored;
      if (stored) records.push(stored);
      else missing.push(sequence);
      bytes += stored?.bytes ?? 0;
    }
    return Promise.resolve({ records, missing });
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
    return { mode: "volatile", bytes: this.#held.bytes, reason: this.#reason };
  }

  close(): Promise<void> {
    this.#announce();
    return Promise.resolve();
  }

  #hold(record: TrainerRecord, json: string, done: (kept: Kept) => void): Held {
    const held: Held = { stored: { record, bytes: Buffer.byteLength(json) }, json: "", committed: false, done };
    this.#held.add(held);
    return held;
  }

  #announce(): void {
    this.#announcing = false;
    // Those that were given up meanwhile are held no more.
    const records = this.#arrived.filter((held) => this.#held.get(held.stored.record.sequence) === held);
    const lastSequence = this.#arrived.at(-1)?.stored.record.sequence;
    this.#arrived = [];
    for (const held of records) {
      held.committed = true;
      this.ledger.addRecord(held.stored.record.sequence, held.stored.record.traits);
    }
    if (lastSequence === undefined) return;
    this.ledger.reach(lastSequence);
    this.#events.onCommitted(records.map(({ stored }) => stored));
    for (const { done } of records) done(this.#kept);
    // With no sink at all nobody is owed anything.
    for (const { stored } of records)
      this.#held.release([[stored.record.sequence, stored.record.sequence]], (sequence) => this.ledger.isNeeded(sequence));
  }

  #shed(): void {
    const shed = this.#held.shedOver(this.#maxMemoryBytes);
    if (shed.length === 0) return;
    for (const { done } of shed) done({ status: "rejected", reason: "there was no more room in memory" });
    this.#events.onShed(shed.map(({ stored }) => stored.record));
    this.note({ k: "x", r: rangesOf(shed.map(({ stored }) => stored.record.sequence)) });
  }
}
