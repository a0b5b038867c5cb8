/**
 * What became what, for other programs: a file of JSON lines, appended to and flushed line by line. A migration does not
 * need it to resume, for ClearML itself knows what is done; losing it loses nothing.
 */
import { createReadStream } from "node:fs";
import { open, readFile, type FileHandle } from "node:fs/promises";
import { createInterface } from "node:readline";

/** Its file where nobody names another, in the working directory. */
export const DEFAULT_LEDGER = "mlflow-ledger.jsonl";

/** A line: an experiment and its project, a run and its task, or a model of either side. */
export type LedgerLine =
  | {
      readonly kind: "experiment";
      readonly experimentId: string;
      readonly projectId: string;
      readonly experimentName: string;
      readonly project: string;
    }
  /** `model` is `logged:<id>`, `version:<name, percent-encoded>:<version>`, or `registered:<name, percent-encoded>` of one without a version. */
  | { readonly kind: "model"; readonly model: string; readonly modelId: string }
  | {
      readonly kind: "run";
      readonly runId: string;
      readonly taskId: string;
      readonly experimentId: string;
      /** Missing in ledgers of earlier versions. */
      readonly runName?: string;
      /** Milliseconds since 1970, as MLflow says; missing where it says nothing. */
      readonly startMs?: number;
    };

/** Lines of a ledger, in their order; what a crash has torn is none. @throws what keeps the file from being read. */
export async function* readLedger(path: string): AsyncGenerator<LedgerLine, void, undefined> {
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = parsed(text);
    if (line) yield line;
  }
}

function parsed(text: string): LedgerLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<LedgerLine> | null;
    return line !== null && ["experiment", "model", "run"].includes(line.kind ?? "") ? (line as LedgerLine) : undefined;
  } catch {
    return undefined;
  }
}

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
