/**
 * Looks into a journal folder without opening it for delivery: takes no lock, changes nothing, and may be used while a
 * trainer writes. What it sees is then a moment's truth.
 */
import type { TrainerRecord } from "../records/record.js";
import { nodeDisk, type Disk } from "./disk.js";
import { parseOutline, parseRecord } from "./journal-entry.js";
import { replayFolder, scanFile } from "./replay.js";

/** A record and where it stands. */
export interface JournaledRecord {
  readonly record: TrainerRecord;
  /** By sink, every one that the journal has met: `settled` is delivered or given up. */
  readonly deliveries: Readonly<Record<string, "pending" | "settled">>;
  /** `stored` also when there was nothing to store. */
  readonly upload: "pending" | "stored";
}

/**
 * The records that are still in the folder, nearly always in their order; each once. Settled ones disappear with time.
 *
 * @throws JournalError `JOURNAL_VERSION`; Node's own error when the folder cannot be read.
 */
export async function* listJournal(directory: string, disk: Disk = nodeDisk): AsyncGenerator<JournaledRecord> {
  const { runId, ledger, segments } = await replayFolder(disk, directory);
  if (runId === undefined) return;
  const { present } = ledger;
  for (const segment of segments) {
    for await (const lines of scanFile(disk, segment.path)) {
      for (const { json } of lines) {
        const entry = json && parseOutline(json);
        if (!json || (entry?.k !== "r" && entry?.k !== "q")) continue;
        // Taken out once told: a record may lie in two files for a while.
        if (present.remove(entry.s) === 0) continue;
        const record = parseRecord(json, runId);
        if (!record) continue;
        const deliveries = Object.fromEntries(
          ledger.sinkNames.map((name) => [name, ledger.pending(name).has(entry.s) ? ("pending" as const) : ("settled" as const)]),
        );
        yield { record, deliveries, upload: ledger.uploads.has(entry.s) ? "pending" : "stored" };
      }
    }
  }
}
