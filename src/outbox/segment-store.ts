/**
 * The journal's files: writes lines to the newest, begins the next when it is full, finds a record again, and replaces
 * old files by shorter ones. Which lines, and when they are durable, is its callers' matter. A file is never appended to
 * by two processes in turn: each process begins its own.
 */
import type { RecordTraits, ShedClass } from "../records/record.js";
import { hasCode, type AppendFile, type Disk } from "./disk.js";
import { JOURNAL_VERSION, parseOutline, parseRecord, type HeaderEntry } from "./journal-entry.js";
import type { StoredRecord } from "./journal.js";
import { cutLines, encodeLine, LINE_OVERHEAD_BYTES, writeLine } from "./line-codec.js";
import { Mutex } from "./mutex.js";
import { indexLine, scanFile } from "./replay.js";
import { Segment, type Block } from "./segment.js";

/** A file that has grown to this is followed by the next. */
export const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;
/** Encoded and written at once. */
const CHUNK_BYTES = 512 * 1024;
/** Parsed blocks kept for the next batch of a lane that reads on. */
const CACHED_BLOCKS = 16;

/** A line to write, with what the index needs. */
export interface Line {
  readonly json: string;
  readonly sequence?: number;
  readonly shed?: ShedClass | undefined;
}

export interface SegmentStoreOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly runId: string;
  readonly segments: readonly Segment[];
  readonly nextNumber: number;
  /** Default {@link DEFAULT_SEGMENT_BYTES}. */
  readonly segmentBytes?: number | undefined;
  /** What a new file says after its header: unwritten records first, then the state. */
  readonly head: () => Iterable<Line>;
}

/** Says whether a record's line survives a rewrite. */
export type KeepRecord = (sequence: number, traits: RecordTraits, json: Buffer) => boolean;

export class SegmentStore {
  readonly #options: SegmentStoreOptions;
  readonly #segments: Segment[];
  readonly #cache = new Map<Block, { readonly length: number; readonly records: ReadonlyMap<number, StoredRecord> }>();
  // Reading by the index and replacing what is indexed exclude each other.
  readonly #files = new Mutex();
  // Made at the first write, and anew after a failure: a write that hangs still reads from the old one.
  #chunk: Buffer | undefined;
  #nextNumber: number;
  #active: { readonly segment: Segment; readonly file: AppendFile } | undefined;
  // The last that was begun; it is the active one, unless that has just been ended.
  #newest: Segment | undefined;
  // Rises with every failure: work that was given up for hanging must not take part when it wakes.
  #epoch = 0;

  constructor(options: SegmentStoreOptions) {
    this.#options = options;
    this.#segments = [...options.segments];
    this.#nextNumber = options.nextNumber;
  }

  /** Of all files together. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Files that are written no more, oldest first: those before the newest of this process, whose head holds the whole state. */
  get closedSegments(): Segment[] {
    return this.#newest ? this.#segments.filter((segment) => segment !== this.#newest) : [];
  }

  /** Appends lines. They are durable after the next {@link sync}. Rejects as the disk does; then call {@link abandon}. */
  async write(lines: Iterable<Line>): Promise<void> {
    const limit = this.#options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    const epoch = this.#epoch;
    if (this.#active && this.#active.segment.bytes >= limit) await this.rotate();
    if (epoch !== this.#epoch) throw new Error("given up while the disk hung");
    const { segment, file } = this.#active ?? (await this.#begin());
    await this.#writeTo(segment, file, lines);
  }

  async sync(): Promise<void> {
    await this.#active?.file.sync();
  }

  /** Ends the newest file durably; the next write, if one comes, begins another. */
  async rotate(): Promise<void> {
    const active = this.#active;
    if (!active) return;
    await active.file.sync();
    if (this.#active === active) this.#active = undefined;
    await active.file.close();
  }

  /** Gives up the newest file after a failure: what it holds beyond the last sync is unknown. */
  abandon(): void {
    const active = this.#active;
    this.#active = undefined;
    this.#chunk = undefined;
    this.#epoch++;
    void active?.file.close().catch(() => undefined);
  }

  /** Finds a record; undefined when it is not there, or no longer readable. */
  read(sequence: number): Promise<StoredRecord | undefined> {
    return this.#files.run(async () => {
      for (let index = this.#segments.length - 1; index >= 0; index--) {
        const segment = this.#segments[index];
        for (const block of segment?.blocksOf(sequence) ?? []) {
          const found = (await this.#load(segment as Segment, block)).get(sequence);
          if (found) return found;
        }
      }
      return undefined;
    });
  }

  /** Deletes a closed file. */
  async remove(segment: Segment): Promise<void> {
    await this.#files.run(async () => {
      this.#segments.splice(this.#segments.indexOf(segment), 1);
      await this.#options.disk.remove(segment.path);
    });
  }

  /**
   * Replaces neighbouring closed files by one that holds only the records `keep` wants. The new file takes the place of
   * the first by a rename, and only then do the others go: a crash in between leaves doubles, never a hole.
   */
  async rewrite(group: readonly Segment[], keep: KeepRecord): Promise<Segment> {
    const [first] = group;
    if (!first) throw new RangeError("nothing to rewrite");
    const { disk, directory, runId } = this.#options;
    const temporary = `${first.path}.tmp`;
    const replacement = new Segment(directory, first.number);
    await disk.remove(temporary);
    const file = await disk.create(temporary);
    try {
      const header = encodeLine(headerJson(runId));
      await file.write(header);
      replacement.addLine(header.length);
      for (const segment of group) await this.#copy(segment, replacement, file, keep);
      await file.sync();
    } catch (error) {
      await file.close().catch(() => undefined);
      await disk.remove(temporary).catch(() => undefined);
      throw error;
    }
    await file.close();
    await this.#files.run(async () => {
      await disk.rename(temporary, first.path);
      await disk.syncFolder(directory);
      this.#segments.splice(this.#segments.indexOf(first), group.length, replacement);
    });
    for (const other of group.slice(1)) await disk.remove(other.path);
    return replacement;
  }

  async #begin(): Promise<{ readonly segment: Segment; readonly file: AppendFile }> {
    const { disk, directory, runId, head } = this.#options;
    const epoch = this.#epoch;
    const { segment, file } = await this.#createNext();
    try {
      // Not even one byte: the buffer belongs to whoever writes now.
      if (epoch !== this.#epoch) throw new Error("given up while the disk hung");
      await this.#writeTo(segment, file, [{ json: headerJson(runId) }, ...head()]);
      await file.sync();
      await disk.syncFolder(directory);
      if (epoch !== this.#epoch) throw new Error("given up while the disk hung");
    } catch (error) {
      // Half a head is no foundation: records must not follow it.
      void file.close().catch(() => undefined);
      await disk.remove(segment.path).catch(() => undefined);
      throw error;
    }
    this.#segments.push(segment);
    this.#newest = segment;
    this.#active = { segment, file };
    return this.#active;
  }

  async #createNext(): Promise<{ readonly segment: Segment; readonly file: AppendFile }> {
    for (;;) {
      const segment = new Segment(this.#options.directory, this.#nextNumber++);
      try {
        return { segment, file: await this.#options.disk.create(segment.path) };
      } catch (error) {
        // Someone who took us for dead writes here too: never into the same file.
        if (!hasCode(error, "EEXIST")) throw error;
      }
    }
  }

  /** The index learns of a line only after its bytes were taken. */
  async #writeTo(segment: Segment, file: AppendFile, lines: Iterable<Line>): Promise<void> {
    const chunk = (this.#chunk ??= Buffer.allocUnsafe(CHUNK_BYTES));
    let filled = 0;
    let written: { readonly line: Line; readonly length: number }[] = [];
    const flush = async (): Promise<void> => {
      if (filled > 0) await file.write(chunk.subarray(0, filled));
      for (const { line, length } of written) segment.addLine(length, line.sequence, line.shed);
      [filled, written] = [0, []];
    };
    for (const line of lines) {
      const room = line.json.length * 3 + LINE_OVERHEAD_BYTES;
      if (filled + room > chunk.length) await flush();
      if (room > chunk.length) {
        const bytes = encodeLine(line.json);
        await file.write(bytes);
        segment.addLine(bytes.length, line.sequence, line.shed);
        continue;
      }
      const end = writeLine(chunk, filled, line.json);
      written.push({ line, length: end - filled });
      filled = end;
    }
    await flush();
  }

  async #copy(from: Segment, to: Segment, file: AppendFile, keep: KeepRecord): Promise<void> {
    for await (const lines of scanFile(this.#options.disk, from.path)) {
      const kept = lines.flatMap(({ bytes, json }) => {
        const entry = json && parseOutline(json);
        if (entry?.k !== "r" && entry?.k !== "q") return [];
        return !to.sequences.has(entry.s) && keep(entry.s, entry.a, json as Buffer) ? [{ bytes, entry }] : [];
      });
      if (kept.length > 0) await file.write(Buffer.concat(kept.map(({ bytes }) => bytes)));
      for (const { bytes, entry } of kept) indexLine(to, bytes.length, entry);
    }
  }

  async #load(segment: Segment, block: Block): Promise<ReadonlyMap<number, StoredRecord>> {
    const cached = this.#cache.get(block);
    this.#cache.delete(block);
    // The newest block of the newest file still grows.
    if (cached && cached.length === block.length) {
      this.#cache.set(block, cached);
      return cached.records;
    }
    const length = block.length;
    const bytes = await this.#options.disk.read(segment.path, block.offset, length).catch((error: unknown) => {
      // Taken away by somebody: its records are lost, and must not keep back all that follow.
      if (hasCode(error, "ENOENT")) return Buffer.alloc(0);
      throw error;
    });
    const records = new Map<number, StoredRecord>();
    for (const line of cutLines(bytes).lines) {
      const record = line.json && parseRecord(line.json, this.#options.runId);
      if (record) records.set(record.sequence, { record, bytes: line.bytes.length - LINE_OVERHEAD_BYTES });
    }
    this.#cache.set(block, { length, records });
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= CACHED_BLOCKS) break;
      this.#cache.delete(oldest);
    }
    return records;
  }
}

function headerJson(runId: string): string {
  const header: HeaderEntry = { k: "h", v: JOURNAL_VERSION, run: runId };
  return JSON.stringify(header);
}
