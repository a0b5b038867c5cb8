/** Opens file journals for tests, each as a process of its own. */
import { silentLogger } from "../../src/base/logger.js";
import { FileJournal, type FileJournalOptions } from "../../src/outbox/file-journal.js";
import type { Kept } from "../../src/outbox/journal.js";
import { recordJson, toRecord } from "../../src/outbox/journal-entry.js";
import type { RecordTraits, TrainerRecord } from "../../src/records/record.js";
import { FakeClock } from "./fake-clock.js";
import { aProcess } from "./process-table.js";
import { aDraft } from "./records.js";

let processes = 0;

export interface OpenedJournal {
  readonly journal: FileJournal;
  readonly clock: FakeClock;
  /** Sequences given up for room, in order. */
  readonly shed: number[];
  /** Sequences that may be delivered, in the order in which that was told. */
  readonly committed: number[];
}

export async function openJournal(directory: string, options: Partial<FileJournalOptions> = {}): Promise<OpenedJournal> {
  const clock = new FakeClock();
  const shed: number[] = [];
  const committed: number[] = [];
  const journal = await FileJournal.open(
    { directory, clock, logger: silentLogger, processTable: aProcess(++processes), ...options },
    {
      onCommitted: (records) => committed.push(...records.map(({ record }) => record.sequence)),
      onShed: (records) => shed.push(...records.map(({ sequence }) => sequence)),
    },
  );
  return { journal, clock, shed, committed };
}

/** Appends one record under the next free number and waits until it is kept. */
export function appendTo(
  journal: FileJournal,
  sequence: number,
  text = `line ${String(sequence)}`,
  traits: RecordTraits = {},
): { readonly record: TrainerRecord; readonly kept: Promise<Kept> } {
  const record = toRecord(journal.runId, sequence, 1, traits, aDraft(text).fact);
  return { record, kept: journal.append(record, recordJson(record)) };
}
