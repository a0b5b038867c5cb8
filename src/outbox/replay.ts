/**
 * Reads a journal folder from its first line to its last and adds up what it says. It changes nothing on the disk, so it
 * serves a writer that opens the folder and a reader that merely looks. It goes chunk by chunk, so that a long journal
 * does not hold up whatever else the process does.
 */
import { join } from "node:path";
import { JournalError } from "../base/errors.js";
import { hasCode, type Disk } from "./disk.js";
import { JOURNAL_VERSION, parseOutline, type EntryOutline } from "./journal-entry.js";
import { Ledger } from "./ledger.js";
import { cutLines, type FoundLine } from "./line-codec.js";
import { Segment, segmentNumber } from "./segment.js";

/** Read at once: a few milliseconds of work. */
const CHUNK_BYTES = 256 * 1024;

/** What a folder holds. */
export interface Replayed {
  /** Undefined: there is no run in it yet. */
  readonly runId: string | undefined;
  readonly ledger: Ledger;
  /** Oldest first. */
  readonly segments: readonly Segment[];
  /** Lines that were damaged or said nothing known. A torn tail is none. */
  readonly corruptLines: number;
  /** Above every segment's in the folder. */
  readonly nextSegmentNumber: number;
}

/**
 * @throws JournalError `JOURNAL_VERSION` when a newer version of this package wrote the folder; Node's own error when it
 * cannot be read.
 */
export async function replayFolder(disk: Pick<Disk, "list" | "read">, directory: string): Promise<Replayed> {
  const numbers = (await disk.list(directory)).flatMap((name) => segmentNumber(name) ?? []).sort((left, right) => left - right);
  const ledger = new Ledger();
  const segments: Segment[] = [];
  let runId: string | undefined;
  let corruptLines = 0;
  for (const number of numbers) {
    const segment = new Segment(directory, number);
    // A segment of another run was copied here by someone; it is left alone.
    let foreign = false;
    for await (const lines of scanFile(disk, segment.path)) {
      for (const { bytes, json } of lines) {
        const entry = json && parseOutline(json);
        if (entry?.k === "h" && entry.v > JOURNAL_VERSION) throw newerVersion(segment.path, entry.v);
        if (entry?.k === "h" || entry?.k === "z") foreign = (runId ??= entry.run) !== entry.run;
        if (entry && !foreign) {
          indexLine(segment, bytes.length, entry);
          ledger.apply(entry);
        } else {
          segment.addLine(bytes.length);
          corruptLines++;
        }
      }
    }
    if (!foreign) segments.push(segment);
  }
  return { runId, ledger, segments, corruptLines, nextSegmentNumber: (numbers.at(-1) ?? 0) + 1 };
}

/** Notes a line in its segment's index. */
export function indexLine(segment: Segment, length: number, entry: EntryOutline): void {
  if (entry.k === "r" || entry.k === "q") segment.addLine(length, entry.s, entry.a.shed);
  else segment.addLine(length);
}

/** The whole lines of a file, a chunk at a time. Nothing when the file is gone (a writer's compaction removed it). */
export async function* scanFile(disk: Pick<Disk, "read">, path: string): AsyncGenerator<readonly FoundLine[]> {
  for (let [offset, length] = [0, CHUNK_BYTES]; ;) {
    const chunk = await disk.read(path, offset, length).catch((error: unknown) => {
      if (hasCode(error, "ENOENT")) return Buffer.alloc(0);
      throw error;
    });
    const { lines, rest } = cutLines(chunk);
    if (lines.length > 0) yield lines;
    else if (chunk.length < length) return;
    offset += chunk.length - rest;
    // A line longer than the chunk: read more of it, until it ends or the file does.
    length = lines.length > 0 ? CHUNK_BYTES : length * 2;
  }
}

function newerVersion(path: string, version: number): JournalError {
  return new JournalError(
    `${path} was written by a newer version of trainer-sdk (journal format ${String(version)}; this one reads up to ${String(JOURNAL_VERSION)}). ` +
      "Update trainer-sdk, or name another folder (TRAINER_JOURNAL_DIR).",
    { code: "JOURNAL_VERSION", path },
  );
}

/** Removes what an interrupted rewrite left behind. Only the folder's owner may. */
export async function removeLeftovers(disk: Pick<Disk, "list" | "remove">, directory: string): Promise<void> {
  for (const name of await disk.list(directory))
    if (name.startsWith("journal-") && name.endsWith(".tmp")) await disk.remove(join(directory, name));
}
