/**
 * One file, from its source to a file of this machine: broken off and gone on with as often as it takes, begun anew when
 * it changed at the source, held against what the source says of it. It never waits for ever without a byte.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat, truncate } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ConnectionError, describeError, DownloadError, TrainerSDKError } from "../../base/errors.js";
import { describeFileError, errnoOf } from "../file-errors.js";
import type { FileState, OpenedFile, SourceFile } from "./file-source.js";
import { waitAfter, type PatienceOptions } from "./patience.js";

/** Times that one file may turn out to be another in the middle, or wrong at its end, before it is given up. */
const MAX_RESTARTS = 3;

/** `retryBudgetMs`: how long it is tried without a byte coming. */
export interface FetchOptions extends PatienceOptions {
  /** Of the content, where the caller knows it; hexadecimal. */
  readonly sha256?: string | undefined;
  /** Bytes that are here now, of this file. */
  readonly onBytes: (receivedBytes: number) => void;
  /** Where a state of the file gathers: one path for each state, so that two never mix. */
  readonly partialOf: (state: FileState) => string;
}

export interface FetchedFile extends FileState {
  readonly sizeBytes: number;
  /** Where it is. */
  readonly path: string;
  /** Bytes that came now; the others were here already. */
  readonly fetchedBytes: number;
}

/** What is asked of a disk and of no network. */
const DISK_CALLS = new Set(["open", "write", "fsync", "ftruncate", "truncate", "close", "unlink", "rm"]);

/** What a try came to, when it is no failure. */
type Turn = { readonly done: FetchedFile } | { readonly restart: string; readonly isChange: boolean };

/**
 * Fetches it whole and verified.
 *
 * @throws DownloadError: gone, refused, damaged, kept changing, or no disk for it; ConnectionError or what the source threw
 * when the budget is over; the signal's reason. What has come stays for the next time, where it can be gone on with.
 */
export async function fetchFile(file: SourceFile, options: FetchOptions): Promise<FetchedFile> {
  const { signal, clock, logger } = options;
  const attempt = new Attempt(file, options);
  let [failures, restarts] = [0, 0];
  let lastByteAtMs = clock.monotonic();
  for (;;) {
    const before = attempt.fetchedBytes;
    try {
      const turn = await attempt.run();
      if ("done" in turn) return turn.done;
      if (++restarts > MAX_RESTARTS) {
        throw new DownloadError(
          `${file.uri} was begun ${String(MAX_RESTARTS + 1)} times, and each time ${turn.restart}. ${turn.isChange ? "Fetch it when nobody writes it" : "What is stored is damaged, or not what was meant"}.`,
          {
            ...(turn.isChange ? { code: "FILE_CHANGED" as const } : {}),
            uri: file.uri,
            retryable: turn.isChange,
          },
        );
      }
      logger.warn(`${file.uri}: ${turn.restart}; it is fetched anew`);
    } catch (error) {
      signal.throwIfAborted();
      if (attempt.fetchedBytes > before) {
        failures = 0;
        lastByteAtMs = clock.monotonic();
      }
      await waitAfter(error, ++failures, lastByteAtMs, file.uri, options);
    }
  }
}

class Attempt {
  fetchedBytes = 0;
  readonly #file: SourceFile;
  readonly #options: FetchOptions;
  /** The state that is being fetched; another than the listed one after a change. */
  #state: FileState;
  /** Nothing of it is here, so whatever it is now will do. */
  #isOpen: boolean;
  /** Of the content that did not fit its ETag. */
  #oddMd5: string | undefined;

  constructor(file: SourceFile, options: FetchOptions) {
    this.#file = file;
    this.#options = options;
    this.#state = file;
    this.#isOpen = false;
  }

  async run(): Promise<Turn> {
    const { signal } = this.#options;
    const here = this.#isOpen || this.#state.version === undefined ? 0 : await sizeOf(this.#options.partialOf(this.#state));
    const whole = this.#state.sizeBytes;
    // The last byte comes again, so that the source is asked whether the rest is still what it has.
    const start = whole !== undefined && here >= whole ? Math.max(0, here > whole ? 0 : whole - 1) : here;
    const opened = await this.#file.open(start, start === 0 ? undefined : this.#state.version, signal);
    if (opened === "gone") {
      const { uri } = this.#file;
      throw new DownloadError(`${uri} is no longer there: it was listed, and has been removed since. Fetch again what is there now.`, {
        uri,
        retryable: false,
      });
    }
    if (opened === "changed") return this.#anew("it changed at its source", true);
    if (opened.start !== 0 && opened.start !== start) {
      opened.body.on("error", () => undefined).destroy();
      return this.#anew("other bytes came than were asked for");
    }
    this.#state = { sizeBytes: opened.sizeBytes, version: opened.version };
    this.#isOpen = opened.version === undefined;
    return this.#receive(opened);
  }

  async #receive(opened: OpenedFile): Promise<Turn> {
    const target = this.#options.partialOf(this.#state);
    const expected = this.#options.sha256 ?? opened.sha256;
    const sha256 = expected === undefined ? undefined : createHash("sha256");
    const md5 = opened.md5 === undefined ? undefined : createHash("md5");
    const hashes = [sha256, md5].filter((hash) => hash !== undefined);
    const { signal, onBytes } = this.#options;
    let receivedBytes = opened.start;
    const count = new Transform({
      transform: (chunk: Uint8Array, _encoding, done) => {
        for (const hash of hashes) hash.update(chunk);
        receivedBytes += chunk.byteLength;
        this.fetchedBytes += chunk.byteLength;
        onBytes(receivedBytes);
        done(null, chunk);
      },
    });
    let broken: unknown;
    opened.body.once("error", (error) => (broken ??= error));
    try {
      if (opened.start > 0) {
        await truncate(target, opened.start);
        await hashPrefix(target, opened.start, hashes, signal);
      }
      await pipeline(
        opened.body,
        count,
        createWriteStream(target, { flags: opened.start > 0 ? "r+" : "w", start: opened.start, flush: true }),
        { signal },
      );
    } catch (error) {
      opened.body.destroy();
      signal.throwIfAborted();
      throw this.#failure(broken ?? error, target);
    }
    if (opened.sizeBytes !== undefined && receivedBytes < opened.sizeBytes) throw this.#short(receivedBytes, opened.sizeBytes);
    const found = { sha256: sha256?.digest("hex"), md5: md5?.digest("hex") };
    if (opened.sizeBytes !== undefined && receivedBytes > opened.sizeBytes) return this.#anew("more bytes came than it has");
    if (expected !== undefined && found.sha256 !== expected.toLowerCase())
      return this.#anew(`its SHA-256 was ${found.sha256 ?? ""} and not ${expected}`);
    if (found.md5 !== undefined && found.md5 !== opened.md5) {
      // Stores are free to have ETags of their own making: what comes twice alike is what is there.
      if (this.#oddMd5 !== found.md5) {
        this.#oddMd5 = found.md5;
        return this.#anew("its MD5 was not that of its ETag");
      }
      this.#options.logger.warn(
        `${this.#file.uri} came twice with the same content, which is not that of its ETag: the store's ETags seem to be no MD5`,
      );
    }
    return { done: { path: target, sizeBytes: receivedBytes, version: opened.version, fetchedBytes: this.fetchedBytes } };
  }

  async #anew(restart: string, isChange = false): Promise<Turn> {
    await rm(this.#options.partialOf(this.#state), { force: true });
    this.#options.onBytes(0);
    this.#isOpen = true;
    return { restart, isChange };
  }

  #short(received: number, expected: number): ConnectionError {
    return new ConnectionError(`${this.#file.uri} ended after ${String(received)} of ${String(expected)} bytes.`, {
      code: "CONNECTION_FAILED",
      ambiguous: false,
    });
  }

  #failure(error: unknown, target: string): unknown {
    if (TrainerSDKError.isInstance(error)) return error;
    const { uri } = this.#file;
    if (errnoOf(error) !== undefined && DISK_CALLS.has((error as NodeJS.ErrnoException).syscall ?? "")) {
      return new DownloadError(`${uri} cannot be written to ${path.dirname(target)}: ${describeFileError(error)}. What has come is kept.`, {
        uri,
        retryable: false,
        cause: error,
      });
    }
    return new ConnectionError(`${uri} broke off: ${describeError(error)}.`, { code: "CONNECTION_FAILED", ambiguous: false, cause: error });
  }
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** What is here already counts for the digests too. */
async function hashPrefix(file: string, length: number, hashes: readonly Hash[], signal: AbortSignal): Promise<void> {
  if (hashes.length === 0) return;
  for await (const chunk of createReadStream(file, { end: length - 1, highWaterMark: 1024 * 1024, signal }))
    for (const hash of hashes) hash.update(chunk as Buffer);
}
