/**
 * What an export has written so far, in its own folder, so that one that was cut off goes on: a file a run, made when the run is in its
 * place. A run whose copy in ClearML is another by now is none of them.
 */
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../base/errors.js";

/** Folder of the records. MLflow looks into no folder without a `meta.yaml`. */
const RECORDS = ".trainer-sdk-export";
const PART = ".part-";

/** A run that is there, whole. */
export interface ExportedRun {
  /** SHA-256 of its copy, as ClearML has it. */
  readonly copy: string;
  /** Its folder, below the export's. */
  readonly home: string;
  readonly points: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly notFiled: readonly string[];
  readonly linkedFiles: readonly { readonly path: string; readonly uri: string }[];
}

/** Records of one folder. */
export class ExportRecords {
  readonly #folder: string;

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
    await mkdir(join(folder, RECORDS), { recursive: true });
    for (const name of names) if (name.startsWith(PART)) await rm(join(folder, name), { recursive: true, force: true });
    return new ExportRecords(folder);
  }

  /** Start of the names of folders that are being written. */
  get part(): string {
    return join(this.#folder, PART);
  }

  /** The record of a run; undefined when there is none that can be read, or the run is not in its place. */
  async find(runId: string): Promise<ExportedRun | undefined> {
    try {
      const run = JSON.parse(await readFile(this.#path(runId), "utf8")) as ExportedRun;
      // Somebody may have taken it away since.
      await stat(join(this.#folder, run.home, "meta.yaml"));
      return run;
    } catch {
      return undefined;
    }
  }

  /** Call it when the run is in its place. */
  async write(runId: string, run: ExportedRun): Promise<void> {
    await writeFile(this.#path(runId), JSON.stringify(run));
  }

  /** Takes a run out of its place: it is to be written anew. */
  async forget(runId: string, run: ExportedRun): Promise<void> {
    await rm(this.#path(runId), { force: true });
    await rm(join(this.#folder, run.home), { recursive: true, force: true });
  }

  #path(runId: string): string {
    return join(this.#folder, RECORDS, `${encodeURIComponent(runId)}.json`);
  }
}
