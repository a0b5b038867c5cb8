/**
 * What became what, for other programs: a file of JSON lines, appended to and flushed line by line. A migration does not
 * need it to resume, for ClearML itself knows what is done; losing it loses nothing.
 */
import { open, readFile, type FileHandle } from "node:fs/promises";

/** A line: an experiment and its project, a run and its task, or a model of either side. */
export type LedgerLine =
  | {
      readonly kind: "experiment";
      readonly experimentId: string;
      readonly projectId: string;
      readonly experimentName: string;
      readonly project: string;
    }
  /** `model` is `logged:<id>` or `version:<name, percent-encoded>:<version>`. */
  | { readonly kind: "model"; readonly model: string; readonly modelId: string }
  | { readonly kind: "run"; readonly runId: string; readonly taskId: string; readonly experimentId: string };

/** The file, open for more lines. */
export class Ledger implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #known: Set<string>;
  #queue: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, known: Set<string>) {
    this.#file = file;
    this.#known = known;
  }

  /** Opens or makes the file. What it holds is kept; a line that was torn by a crash is ended, not repaired. */
  static async open(path: string): Promise<Ledger> {
    const file = await open(path, "a+");
    const text = await readFile(path, "utf8");
    if (text !== "" && !text.endsWith("\n")) await file.appendFile("\n");
    return new Ledger(file, new Set(text.split("\n")));
  }

  /** Resolves when the line is on the disk. One that is there already is not written again. */
  add(line: LedgerLine): Promise<void> {
    const text = JSON.stringify(line);
    if (this.#known.has(text)) return Promise.resolve();
    this.#known.add(text);
    const written = this.#queue.then(async () => {
      await this.#file.appendFile(`${text}\n`);
      await this.#file.datasync();
    });
    this.#queue = written.catch(() => undefined);
    return written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    await this.#file.close();
  }
}
