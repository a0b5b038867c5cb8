/**
 * What an export has written so far, in its own folder, so that one that was cut off goes on: a line for each run and model, written when
 * it is in its place. One that is another in ClearML by now is none of them. It is a file and no folder: MLflow 2 takes every folder for
 * an experiment, and answers no list of them where one has such a name.
 */
import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../base/errors.js";
import { parseJson } from "../base/json.js";

/** File of the records. */
const RECORDS = ".trainer-sdk-export";
const PART = ".part-";

/** A run or a model that is there, whole. */
export interface ExportedRun {
  /** Which state of it: of a run the SHA-256 of its copy, as ClearML has it; of a model the mark of its migration. */
  readonly copy: string;
  /** Its folder, below the export's. */
  readonly home: string;
  readonly points: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly notFiled: readonly string[];
  readonly linkedFiles: readonly { readonly path: string; readonly uri: string }[];
}

/** Without a record: it was taken out of its place. */
interface Line {
  readonly id: string;
  readonly record?: ExportedRun;
}

/** Records of one folder. */
export class ExportRecords {
  readonly #folder: string;
  readonly #records = new Map<string, ExportedRun>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens a folder that is missing, empty, or an export's, and clears away what was half written. @throws ConfigError for any other. */
  static async open(folder: string): Promise<ExportRecords> {
    await mkdir(folder, { recursive: true });
    const names = await readdir(folder);
    if (names.length > 0 && !names.includes(RECORDS)) {
      const message = "holds something: give a new or an empty folder, or one that an export has begun";
      throw new ConfigError(`The folder ${folder} ${message}.`, [{ path: "folder", message }]);
    }
    for (const name of names) if (name.startsWith(PART)) await rm(join(folder, name), { recursive: true, force: true });
    const records = new ExportRecords(folder);
    await records.#read();
    return records;
  }

  /** Start of the names of folders that are being written. */
  get part(): string {
    return join(this.#folder, PART);
  }

  /** The record of a run or a model; undefined when there is none, or it is not in its place. */
  async find(id: string): Promise<ExportedRun | undefined> {
    const record = this.#records.get(id);
    if (record === undefined) return undefined;
    // Somebody may have taken it away since.
    const isThere = await stat(join(this.#folder, record.home, "meta.yaml")).then(
      () => true,
      () => false,
    );
    return isThere ? record : undefined;
  }

  /** Call it when the run or model is in its place. */
  async write(id: string, record: ExportedRun): Promise<void> {
    this.#records.set(id, record);
    await this.#append({ id, record });
  }

  /** Takes it out of its place: it is to be written anew. */
  async forget(id: string, record: ExportedRun): Promise<void> {
    this.#records.delete(id);
    await this.#append({ id });
    await rm(join(this.#folder, record.home), { recursive: true, force: true });
  }

  get #path(): string {
    return join(this.#folder, RECORDS);
  }

  async #read(): Promise<void> {
    // An earlier release had a folder of them: what it has written is written anew.
    if ((await stat(this.#path).catch(() => undefined))?.isDirectory() === true) await rm(this.#path, { recursive: true });
    const text = await readFile(this.#path, "utf8").catch(() => "");
    for (const line of text.split("\n")) {
      // Undefined for a line that was cut off.
      const known = parseJson(line) as Line | undefined;
      if (known?.record) this.#records.set(known.id, known.record);
      else if (known) this.#records.delete(known.id);
    }
    // Rewritten, so that the next line does not go on where one was cut off.
    await writeFile(this.#path, [...this.#records].map(([id, record]) => `${JSON.stringify({ id, record } satisfies Line)}\n`).join(""));
  }

  #append(line: Line): Promise<void> {
    return appendFile(this.#path, `${JSON.stringify(line)}\n`);
  }
}
