/**
 * What a suite has shown, in figures: each test adds what it called and compared, `scripts/test-interop.ts` adds it all
 * up and prints the closing table. A difference is noted and fails its test; it is never only counted.
 */
import { appendFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

/** Where the lines go; set by the script. Without it, as when a single file runs, they go nowhere. */
const FILE_VARIABLE = "INTEROP_TALLY";

/** One line of the file. */
export interface TallyLine {
  /** Folder below `test/interop`. */
  readonly suite: string;
  /** What the closing table calls this line, such as `Python 2.1.12 reads ours`. */
  readonly part: string;
  /** Requests that a peer made and the server answered, or calls of a peer's functions: what crossed the border. */
  readonly calls: number;
  /** Values, files, events, ... that were laid side by side. */
  readonly compared: number;
  /** In words, one for each. */
  readonly differences: readonly string[];
}

/** Counts for one part of a suite. Lines of the same part add up. */
export class Tally {
  readonly #suite: string;
  readonly #part: string;
  #calls = 0;
  #compared = 0;
  #differences: string[] = [];

  constructor(suite: string, part: string) {
    this.#suite = suite;
    this.#part = part;
  }

  /** So many calls have crossed the border. */
  called(count: number): void {
    this.#calls += count;
  }

  /** Lays what was read beside what was written; equal means deeply and strictly so. */
  compare(what: string, read: unknown, written: unknown): void {
    this.#compared += 1;
    if (!isDeepStrictEqual(read, written)) this.differ(`${what}: wrote ${inWords(written)}, read ${inWords(read)}`);
  }

  /** Compares each field of `written` with the one of the same name in `read`. */
  compareFields(what: string, read: Readonly<Record<string, unknown>> | undefined, written: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(written)) this.compare(`${what}.${name}`, read?.[name], value);
  }

  /** A difference that is no inequality: a request nobody answered, an error that a peer logged. */
  differ(difference: string): void {
    this.#differences.push(difference);
  }

  /** Hands the figures in and starts anew. @throws Error when there were differences. */
  end(): void {
    const line: TallyLine = {
      suite: this.#suite,
      part: this.#part,
      calls: this.#calls,
      compared: this.#compared,
      differences: this.#differences,
    };
    const file = process.env[FILE_VARIABLE];
    if (file) appendFileSync(file, `${JSON.stringify(line)}\n`);
    this.#calls = 0;
    this.#compared = 0;
    this.#differences = [];
    if (line.differences.length > 0) throw new Error(`${String(line.differences.length)} differences:\n- ${line.differences.join("\n- ")}`);
  }
}

const MAX_WORDS = 400;

function inWords(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS)}... (${String(text.length)} characters)` : text;
}
