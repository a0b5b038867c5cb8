/** All files of a set into one folder of parts, several at a time. What is there from an earlier try is used; order means nothing. */
import { createHash, randomUUID } from "node:crypto";
import { rename, stat } from "node:fs/promises";
import path from "node:path";
import { fetchFile } from "./fetch-file.js";
import type { FileState, SourceFile } from "./file-source.js";
import { checkNames } from "./file-names.js";
import type { PatienceOptions } from "./patience.js";

/** A file that is wanted, under its name in the set. */
export interface WantedFile extends FileState {
  readonly name: string;
  readonly uri: string;
  readonly file: SourceFile;
  /** Known to the caller; hexadecimal. */
  readonly sha256?: string | undefined;
}

/** A file that is here whole. */
export interface PresentFile {
  readonly name: string;
  readonly uri: string;
  readonly sizeBytes: number;
  readonly version: string | undefined;
  readonly path: string;
  /** Of it, what came over the network now. */
  readonly fetchedBytes: number;
}

/** How far a download has come. */
export interface DownloadProgress {
  /** What was asked for, without any signature. */
  readonly uri: string;
  readonly files: number;
  readonly finishedFiles: number;
  /** Bytes that are here, whenever they came. */
  readonly receivedBytes: number;
  /** Undefined while a source does not say how long its files are. */
  readonly totalBytes: number | undefined;
  /** Of now, over the last seconds. Absent until it can be told. */
  readonly bytesPerSecond?: number;
}

export interface FetchSetOptions extends PatienceOptions {
  /** What was asked for: for people. */
  readonly uri: string;
  /** Files at the same time. */
  readonly parallel: number;
  readonly onProgress: (progress: DownloadProgress) => void;
  /** A whole file that was fetched for an earlier set, to be used again; undefined: none. */
  readonly known?: (file: WantedFile) => Promise<string | undefined>;
}

/** At most so often is progress told. */
const PROGRESS_INTERVAL_MS = 200;
const RATE_WINDOW_MS = 5_000;

/**
 * Fetches them. The first failure ends the others, and what has come stays.
 *
 * @throws what {@link fetchFile} throws.
 */
export async function fetchSet(wanted: readonly WantedFile[], folder: string, options: FetchSetOptions): Promise<readonly PresentFile[]> {
  checkNames(wanted, options.uri);
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const meter = new Meter(wanted, options);
  const present = new Array<PresentFile>(wanted.length);
  const queue = wanted.entries();
  const work = async (): Promise<void> => {
    for (const [index, file] of queue) {
      present[index] = await fetchOne(file, folder, { ...options, signal }, (bytes) => {
        meter.received(index, bytes);
      });
      meter.finished(index, present[index].sizeBytes);
    }
  };
  try {
    const workers = Array.from({ length: Math.min(options.parallel, wanted.length) }, () =>
      work().catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
    // Nothing may still write when this has failed: the folder is not ours any more then.
    const outcomes = await Promise.allSettled(workers);
    options.signal.throwIfAborted();
    if (failed.signal.aborted) throw failed.signal.reason;
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  } finally {
    meter.end();
  }
  return present;
}

async function fetchOne(
  wanted: WantedFile,
  folder: string,
  options: FetchSetOptions,
  onBytes: (bytes: number) => void,
): Promise<PresentFile> {
  const { name, uri, file } = wanted;
  const nameOf = (state: FileState): string => path.join(folder, partName(uri, state));
  const earlier = wanted.version === undefined ? undefined : ((await options.known?.(wanted)) ?? (await wholeOf(nameOf(wanted), wanted)));
  if (earlier !== undefined) {
    const { size } = await stat(earlier);
    return { name, uri, sizeBytes: size, version: wanted.version, path: earlier, fetchedBytes: 0 };
  }
  const unversioned = randomUUID();
  const fetched = await fetchFile(file, {
    ...options,
    sha256: wanted.sha256,
    onBytes,
    partialOf: (state) => (state.version === undefined ? path.join(folder, `${unversioned}.part`) : `${nameOf(state)}.part`),
  });
  const whole = fetched.path.slice(0, -".part".length);
  await rename(fetched.path, whole);
  return { name, uri, sizeBytes: fetched.sizeBytes, version: fetched.version, path: whole, fetchedBytes: fetched.fetchedBytes };
}

/** One name for one state of one file. */
function partName(uri: string, { version, sizeBytes }: FileState): string {
  return createHash("sha256")
    .update(JSON.stringify([uri, version, sizeBytes]))
    .digest("hex")
    .slice(0, 40);
}

async function wholeOf(file: string, { sizeBytes }: FileState): Promise<string | undefined> {
  const facts = await stat(file).catch(() => undefined);
  return facts?.isFile() === true && (sizeBytes === undefined || facts.size === sizeBytes) ? file : undefined;
}

/** Adds up, and tells not too often. */
class Meter {
  readonly #options: FetchSetOptions;
  readonly #total: number | undefined;
  readonly #files: number;
  readonly #bytes: number[];
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];
  #sum = 0;
  #finishedFiles = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(wanted: readonly WantedFile[], options: FetchSetOptions) {
    this.#options = options;
    this.#files = wanted.length;
    this.#bytes = new Array<number>(wanted.length).fill(0);
    let total: number | undefined = 0;
    for (const { sizeBytes } of wanted) total = sizeBytes === undefined || total === undefined ? undefined : total + sizeBytes;
    this.#total = total;
  }

  received(index: number, bytes: number): void {
    this.#sum += bytes - (this.#bytes[index] ?? 0);
    this.#bytes[index] = bytes;
    this.#tell(false);
  }

  finished(index: number, bytes: number): void {
    this.#finishedFiles++;
    this.received(index, bytes);
  }

  end(): void {
    this.#tell(true);
  }

  #tell(isLast: boolean): void {
    const { clock, uri, onProgress } = this.#options;
    const now = clock.monotonic();
    if (!isLast && now - this.#toldAtMs < PROGRESS_INTERVAL_MS) return;
    this.#toldAtMs = now;
    this.#samples.push({ atMs: now, bytes: this.#sum });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.atMs ?? now) > RATE_WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    const seconds = first ? (now - first.atMs) / 1000 : 0;
    onProgress({
      uri,
      files: this.#files,
      finishedFiles: this.#finishedFiles,
      receivedBytes: this.#sum,
      totalBytes: this.#total,
      ...(first && seconds > 0 ? { bytesPerSecond: Math.max(0, (this.#sum - first.bytes) / seconds) } : {}),
    });
  }
}
