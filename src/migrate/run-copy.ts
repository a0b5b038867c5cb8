/**
 * The lossless copy of a run: JSON lines, gzipped, one artifact a run, `mlflow-run`. It keeps what has no home in ClearML,
 * and all the rest once more, so that the run can be rebuilt from ClearML alone. Written and read line by line: its size
 * does not matter to memory.
 *
 * First line: `{"kind":"run","version":1,"source":{...},"experiment":{...},"run":{...}}`. Then, in the order of reading,
 * `{"kind":"points","key":"loss","points":[[timestamp,step,value],...]}`, behind the value the name and the digest of the data set where the
 * point was measured on one, and `{"kind":"file","path":"a/b","sizeBytes":1,
 * "sha256":"..."}`, of a file that was linked `"uri"` in place of the digest. Last line: `{"kind":"end","points":n,"files":n}`; a copy without it is torn. Integers beyond 2^53 stand as
 * `{"int64":"..."}`, numbers that JSON has no word for as `{"double":"NaN"}`.
 */
import { createReadStream, createWriteStream, type WriteStream } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream";
import { finished } from "node:stream/promises";
import { createGunzip, createGzip, type Gzip } from "node:zlib";
import { DownloadError } from "../base/errors.js";
import { lossless } from "../mlflow/mlflow-json.js";
import type { MlflowExperiment, MlflowPoint, MlflowRun } from "../mlflow/mlflow-documents.js";

/** Version of the form; a reader refuses a newer one. */
export const RUN_COPY_VERSION = 1;
/** Name of the artifact. */
export const RUN_COPY_ARTIFACT = "mlflow-run";
/** Name of its file. */
export const RUN_COPY_FILE = "mlflow-run.jsonl.gz";

/** Where a run comes from. */
export interface RunCopySource {
  readonly sourceId: string;
  readonly trackingUri: string;
  readonly version: string;
}

/** A line of a copy, as it is read back; values are as they were written. */
export type RunCopyLine =
  | { readonly kind: "run"; readonly version: number; readonly source: RunCopySource; readonly experiment: unknown; readonly run: unknown }
  | { readonly kind: "points"; readonly key: string; readonly points: readonly (readonly unknown[])[] }
  | { readonly kind: "file"; readonly path: string; readonly sizeBytes: number; readonly sha256?: string; readonly uri?: string }
  | { readonly kind: "end"; readonly points: number; readonly files: number };

/** Writes a copy. */
export class RunCopyWriter {
  readonly #gzip: Gzip = createGzip();
  readonly #file: WriteStream;
  readonly #written: Promise<void>;
  #points = 0;
  #files = 0;

  constructor(path: string) {
    this.#file = createWriteStream(path);
    this.#written = finished(this.#gzip.pipe(this.#file));
    // Told by `end`; until then nobody listens.
    this.#written.catch(() => undefined);
  }

  start(source: RunCopySource, experiment: MlflowExperiment, run: MlflowRun): Promise<void> {
    return this.#line({ kind: "run", version: RUN_COPY_VERSION, source, experiment, run });
  }

  points(key: string, points: readonly MlflowPoint[]): Promise<void> {
    this.#points += points.length;
    const line = { kind: "points", key, points: points.map(copiedPoint) };
    return this.#line(line, points.every(isPlain));
  }

  /** A file, by the digest of its bytes, or, where it was left in its place, by its address. */
  file(path: string, sizeBytes: number, where: { readonly sha256: string } | { readonly uri: string }): Promise<void> {
    this.#files++;
    return this.#line({ kind: "file", path, sizeBytes, ...where });
  }

  /** Resolves when the file is whole. It is for the next step of this process; after a crash it is made again. */
  async end(): Promise<void> {
    await this.#line({ kind: "end", points: this.#points, files: this.#files });
    this.#gzip.end();
    await this.#written;
  }

  /** Gives the file up. Resolves when it is closed. */
  async destroy(): Promise<void> {
    this.#gzip.destroy();
    this.#file.destroy();
    await this.#written.catch(() => undefined);
  }

  async #line(line: object, isPlainJson = false): Promise<void> {
    const text = isPlainJson ? JSON.stringify(line) : JSON.stringify(line, lossless);
    if (!this.#gzip.write(`${text}\n`)) await Promise.race([once(this.#gzip, "drain"), this.#written]);
  }
}

/** True for a point that JSON holds as it is: most do, and asking for each number takes twice as long. */
function isPlain({ timestamp, step, value }: MlflowPoint): boolean {
  return Number.isFinite(value) && !Object.is(value, -0) && typeof timestamp === "number" && typeof step === "number";
}

function copiedPoint({ timestamp, step, value, dataset_name, dataset_digest }: MlflowPoint): readonly unknown[] {
  const point = [timestamp, step, value];
  return typeof dataset_name === "string" && typeof dataset_digest === "string" ? [...point, dataset_name, dataset_digest] : point;
}

/** The lines of a copy. @throws DownloadError when it is torn, no copy, or of a newer version. */
export async function* readRunCopy(path: string): AsyncGenerator<RunCopyLine, void, undefined> {
  const unfit = (what: string, cause?: unknown): DownloadError =>
    new DownloadError(`The copy of a run at ${path} ${what}.`, { uri: path, retryable: false, cause });
  let last: RunCopyLine | undefined;
  const file = createReadStream(path);
  // Whichever of the two fails or is given up, the other is told.
  const input = pipeline(file, createGunzip(), () => undefined);
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const line = JSON.parse(text) as RunCopyLine;
      if (line.kind === "run" && line.version > RUN_COPY_VERSION)
        throw unfit(`is of version ${String(line.version)}: use a newer trainer-sdk`);
      last = line;
      yield line;
    }
  } catch (error) {
    throw DownloadError.isInstance(error) ? error : unfit("cannot be read", error);
  } finally {
    input.destroy();
    await finished(file).catch(() => undefined);
  }
  if (last?.kind !== "end") throw unfit("has no end");
}
