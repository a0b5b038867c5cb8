/**
 * The port between what is kept and what is done with it. Two implementations: {@link FileJournal} on a disk and
 * {@link MemoryJournal} for when there is no usable folder; both pass one contract suite.
 */
import type { TrainerRecord } from "../records/record.js";
import type { StateEntry } from "./journal-entry.js";
import type { Ledger } from "./ledger.js";
import type { DeadLetter } from "./receipts.js";

/** A record and its weight. */
export interface StoredRecord {
  readonly record: TrainerRecord;
  /** Of its JSON. */
  readonly bytes: number;
}

/** How something was kept. */
export type Kept =
  /** On disk and fsynced. */
  | { readonly status: "durable" }
  /** In memory alone. */
  | { readonly status: "volatile"; readonly reason: string }
  /** Not at all: there was no room. */
  | { readonly status: "rejected"; readonly reason: string };

/** What a read found. */
export interface ReadResult {
  /** In the order asked for; ends early once the bytes asked for are reached, but never without one. */
  readonly records: readonly StoredRecord[];
  /** Those that were passed on the way and are no longer readable. */
  readonly missing: readonly number[];
}

/** What a journal tells its owner. */
export interface JournalEvents {
  /** Records are kept and may be delivered; in sequence order. They are in the ledger. Empty when all were given up first. */
  readonly onCommitted: (records: readonly StoredRecord[]) => void;
  /** Records are about to be given up for room. They are still in the ledger. */
  readonly onShed: (records: readonly TrainerRecord[]) => void;
}

export interface JournalStatus {
  readonly mode: "durable" | "volatile";
  /** On disk; of the records' JSON when volatile. */
  readonly bytes: number;
  /** Why it is volatile. */
  readonly reason?: string;
}

export interface Journal {
  readonly path: string | undefined;
  /** 32 hexadecimal characters. */
  readonly runId: string;
  /** The delivery state. Read by all, changed only through the methods here. */
  readonly ledger: Ledger;
  /** Lines that could not be read when the journal was opened. */
  readonly corruptLines: number;
  /** Keeps a record, given with its JSON line. Synchronous up to the promise, which never rejects. */
  append(record: TrainerRecord, json: string): Promise<Kept>;
  /** Changes the delivery state at once and writes it down with the next commit. */
  note(entry: StateEntry): void;
  /** The same; resolves when it is durable. Never rejects. */
  noteDurably(entry: StateEntry): Promise<Kept>;
  /** Puts records that were given up back in line, for the sinks named (or `upload`). Never rejects. */
  requeue(record: TrainerRecord, owedTo: readonly string[]): Promise<Kept>;
  /** Finds records by their sequences, sorted. Up to `maxBytes` of JSON. */
  read(sequences: readonly number[], maxBytes: number): Promise<ReadResult>;
  /** Keeps records that were given up, for a person. Resolves when they are as durable as they get; never rejects. */
  bury(letters: readonly DeadLetter[]): Promise<void>;
  /** What was buried and not exhumed, of that the wanted. Rejects as the disk does. */
  deadLetters(isWanted?: (letter: DeadLetter) => boolean): Promise<readonly DeadLetter[]>;
  /** Forgets letters whose records were put back in line. Never rejects. */
  exhume(letters: readonly DeadLetter[]): Promise<void>;
  status(): JournalStatus;
  /** Writes what is left and lets go of the folder. The signal ends the waiting, not the honesty. Never rejects. */
  close(signal: AbortSignal): Promise<void>;
}
