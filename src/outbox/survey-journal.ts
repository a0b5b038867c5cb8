/**
 * What a journal folder holds, seen from outside: no lock, nothing changed, a moment's truth while a trainer writes. For
 * people who look, and for whoever carries the folder elsewhere.
 */
import { basename, join } from "node:path";
import type { JsonValue } from "../base/json.js";
import type { Attachment } from "../records/record.js";
import { DEAD_LETTERS_FILE, readDeadLetters } from "./dead-letters.js";
import { hasCode, nodeDisk, type Disk } from "./disk.js";
import { UPLOAD } from "./ledger.js";
import { PIN_FOLDER } from "./pinned-files.js";
import { replayFolder } from "./replay.js";

/** One file of a journal. */
export interface JournalFile {
  readonly name: string;
  readonly bytes: number;
}

/** A journal folder's contents, counted. */
export interface JournalSurvey {
  /** Undefined: there is no journal in it. */
  readonly runId: string | undefined;
  /** Records that are still there, settled or not. */
  readonly records: number;
  /** Of the next record. */
  readonly nextSequence: number;
  /** By sink that the journal has met. */
  readonly pending: Readonly<Record<string, number>>;
  /** Bytes that still wait for the store, with those of given-up uploads that a person may put back in line. Where they are now. */
  readonly attachments: readonly Attachment[];
  readonly pendingUploads: number;
  readonly deadLetters: number;
  readonly corruptLines: number;
  /** Oldest first; the file of dead letters last, where there is one. */
  readonly files: readonly JournalFile[];
  /** Of the folder of pinned copies. */
  readonly pinnedBytes: number;
  /** True while the record's bytes wait for the store. */
  readonly isUploadPending: (sequence: number) => boolean;
  /** A small value that was remembered under an owner's name. */
  readonly recall: (owner: string, key: string) => JsonValue | undefined;
}

/** @throws JournalError `JOURNAL_VERSION`; Node's own error when the folder cannot be read. */
export async function surveyJournal(directory: string, disk: Disk = nodeDisk): Promise<JournalSurvey> {
  const { runId, ledger, segments, corruptLines } = await replayFolder(disk, directory);
  const letters = [...(await readDeadLetters(disk, directory)).values()];
  const attachments = new Map<number, Attachment>(ledger.uploads);
  for (const { sink, record } of letters)
    if (sink === UPLOAD && record.traits.attachment) attachments.set(record.sequence, record.traits.attachment);
  const files: JournalFile[] = [];
  for (const name of [...segments.map(({ path }) => basename(path)), DEAD_LETTERS_FILE]) {
    const bytes = await sizeOf(disk, join(directory, name));
    if (bytes !== undefined) files.push({ name, bytes });
  }
  const pins = join(directory, PIN_FOLDER);
  const pinned = await disk.list(pins).catch(() => []);
  let pinnedBytes = 0;
  for (const name of pinned) pinnedBytes += (await sizeOf(disk, join(pins, name))) ?? 0;
  return {
    runId,
    records: ledger.present.size,
    nextSequence: ledger.nextSequence,
    pending: Object.fromEntries(ledger.sinkNames.map((name) => [name, ledger.pending(name).size])),
    attachments: [...attachments.values()].map((attachment) =>
      attachment.pinned ? { ...attachment, path: join(pins, basename(attachment.path)) } : attachment,
    ),
    pendingUploads: ledger.uploads.size,
    deadLetters: letters.length,
    corruptLines,
    files,
    pinnedBytes,
    isUploadPending: (sequence) => ledger.uploads.has(sequence),
    recall: (owner, key) => ledger.recall(owner, key),
  };
}

async function sizeOf(disk: Disk, path: string): Promise<number | undefined> {
  try {
    return await disk.sizeOf(path);
  } catch (error) {
    // Compaction takes files away while we look.
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
