/**
 * Records that were given up, in a file of their own beside the journal, so that neither compaction nor the journal's
 * limit reaches them. A person lists them and puts them back in line. Putting back is noted by a second line; when half
 * the file is such lines it is written anew.
 */
import { join } from "node:path";
import { describeError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Disk } from "./disk.js";
import { encodeLine } from "./line-codec.js";
import { Mutex } from "./mutex.js";
import type { DeadLetter } from "./receipts.js";
import { scanFile } from "./replay.js";

/** In the journal's folder. */
export const DEAD_LETTERS_FILE = "dead-letters.ndjson";
/** Letters that are kept in memory when they cannot be written. */
const MAX_LETTERS_IN_MEMORY = 10_000;

type LetterEntry = ({ readonly k: "d" } & DeadLetter) | { readonly k: "g"; readonly sink: string; readonly s: number };

/** Where dead letters are kept. */
export interface DeadLetterBox {
  /** Never rejects. */
  add(letters: readonly DeadLetter[]): Promise<void>;
  /** Only the wanted are ever in memory together. */
  list(isWanted?: (letter: DeadLetter) => boolean): Promise<readonly DeadLetter[]>;
  /** Never rejects. */
  remove(letters: readonly DeadLetter[]): Promise<void>;
}

/** In memory: as long as the process. The newest of those that may be shed make room for the rest. */
export class MemoryDeadLetters implements DeadLetterBox {
  readonly #letters = new Map<string, DeadLetter>();

  add(letters: readonly DeadLetter[]): Promise<void> {
    for (const letter of letters) {
      if (this.#letters.size >= MAX_LETTERS_IN_MEMORY && letter.record.traits.shed !== undefined) continue;
      this.#letters.set(keyOf(letter), letter);
    }
    return Promise.resolve();
  }

  list(isWanted: (letter: DeadLetter) => boolean = () => true): Promise<readonly DeadLetter[]> {
    return Promise.resolve([...this.#letters.values()].filter(isWanted));
  }

  remove(letters: readonly DeadLetter[]): Promise<void> {
    for (const letter of letters) this.#letters.delete(keyOf(letter));
    return Promise.resolve();
  }
}

export interface FileDeadLettersOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly logger: Logger;
  /** Past it, letters of records that may be shed are counted but not kept. */
  readonly maxBytes: number;
}

/** On the disk. What cannot be written is kept in memory, with a warning. */
export class FileDeadLetters implements DeadLetterBox {
  readonly #options: FileDeadLettersOptions;
  readonly #path: string;
  readonly #unwritten = new MemoryDeadLetters();
  readonly #turn = new Mutex();
  // A torn last line must not swallow the next one; an empty line is skipped by every reader.
  #needsBreak = true;
  #bytes: number | undefined;

  constructor(options: FileDeadLettersOptions) {
    this.#options = options;
    this.#path = join(options.directory, DEAD_LETTERS_FILE);
  }

  async add(letters: readonly DeadLetter[]): Promise<void> {
    await this.#turn.run(async () => {
      const isFull = (await this.#size()) > this.#options.maxBytes;
      const wanted = letters.filter((letter) => !isFull || letter.record.traits.shed === undefined);
      const written = await this.#append(wanted.map((letter) => ({ k: "d", ...letter })));
      if (!written) await this.#unwritten.add(wanted);
    });
  }

  async list(isWanted?: (letter: DeadLetter) => boolean): Promise<readonly DeadLetter[]> {
    return [...(await this.#turn.run(() => this.#read(isWanted))).values(), ...(await this.#unwritten.list(isWanted))];
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    await this.#unwritten.remove(letters);
    await this.#turn.run(async () => {
      const remaining = await this.#read().catch(() => undefined);
      for (const letter of letters) remaining?.delete(keyOf(letter));
      if (remaining && letters.length >= remaining.size && (await this.#rewrite(remaining.values()))) return;
      await this.#append(letters.map((letter) => ({ k: "g", sink: letter.sink, s: letter.record.sequence })));
    });
  }

  async #size(): Promise<number> {
    this.#bytes ??= await this.#options.disk.sizeOf(this.#path).catch(() => 0);
    return this.#bytes;
  }

  async #append(entries: readonly LetterEntry[]): Promise<boolean> {
    if (entries.length === 0) return true;
    const { disk, directory, logger } = this.#options;
    try {
      const isNew = (await this.#size()) === 0;
      const file = await disk.append(this.#path);
      try {
        const lines = entries.map((entry) => encodeLine(JSON.stringify(entry)));
        const bytes = Buffer.concat(this.#needsBreak && !isNew ? [Buffer.from("\n"), ...lines] : lines);
        this.#needsBreak = true;
        await file.write(bytes);
        await file.sync();
        if (isNew) await disk.syncFolder(directory);
        this.#needsBreak = false;
        this.#bytes = (this.#bytes ?? 0) + bytes.length;
      } finally {
        await file.close();
      }
      return true;
    } catch (error) {
      logger.warn("Dead letters could not be written; they are kept in memory.", {
        path: this.#path,
        letters: entries.length,
        reason: describeError(error),
      });
      return false;
    }
  }

  async #rewrite(letters: Iterable<DeadLetter>): Promise<boolean> {
    const { disk, directory } = this.#options;
    const temporary = `${this.#path}.tmp`;
    try {
      await disk.remove(temporary);
      const file = await disk.create(temporary);
      try {
        for (const letter of letters) await file.write(encodeLine(JSON.stringify({ k: "d", ...letter } satisfies LetterEntry)));
        await file.sync();
      } finally {
        await file.close();
      }
      await disk.rename(temporary, this.#path);
      await disk.syncFolder(directory);
      [this.#bytes, this.#needsBreak] = [undefined, false];
      return true;
    } catch {
      // The old file still says everything; the note that follows it says what was taken out.
      return false;
    }
  }

  #read(isWanted?: (letter: DeadLetter) => boolean): Promise<Map<string, DeadLetter>> {
    return readDeadLetters(this.#options.disk, this.#options.directory, isWanted);
  }
}

/** The letters in a folder, by sink and sequence: the latest of each. A damaged line costs itself alone. */
export async function readDeadLetters(
  disk: Disk,
  directory: string,
  isWanted: (letter: DeadLetter) => boolean = () => true,
): Promise<Map<string, DeadLetter>> {
  const letters = new Map<string, DeadLetter>();
  for await (const lines of scanFile(disk, join(directory, DEAD_LETTERS_FILE))) {
    for (const { json } of lines) {
      if (!json) continue;
      const entry = JSON.parse(json.toString("utf8")) as LetterEntry;
      if (entry.k === "g") letters.delete(keyText(entry.sink, entry.s));
      if (entry.k !== "d") continue;
      const { sink, reason, detail, atMs, record } = entry;
      const letter = { sink, reason, detail, atMs, record };
      if (isWanted(letter)) letters.set(keyOf(letter), letter);
    }
  }
  return letters;
}

function keyOf(letter: DeadLetter): string {
  return keyText(letter.sink, letter.record.sequence);
}

function keyText(sink: string, sequence: number): string {
  return `${sink} ${String(sequence)}`;
}
