/**
 * Takes a file in: its bytes are copied into the journal's folder (or, for files that will not change, hashed where they
 * are) and described once and for all. A file that is written to meanwhile is noticed and taken again, never half and
 * half. What a computation can get wrong (no file, an empty one, a folder, a full disk) is a value, not an exception.
 */
import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import type { Clock } from "../base/clock.js";
import { UploadError } from "../base/errors.js";
import { describeFileError, errnoOf } from "./file-errors.js";
import { isSameVersion, settledStats } from "./file-version.js";
import { hashFile, keepCopy } from "./private-copy.js";

/** How often a file that changes under the reader is taken before giving up. */
const MAX_ATTEMPTS = 3;
/** Wait before the next attempt, times the attempts made: a writer in full swing needs a moment to finish. */
const ATTEMPT_PAUSE_MS = 200;

export interface PinFileOptions {
  /** Relative paths count from the working directory. */
  readonly source: string;
  /** Where copies go; created when missing. Unused with `none`. */
  readonly directory: string;
  /** `copy`: a private copy, sharing blocks where the file system can. `none`: the caller promises not to write to the file again. */
  readonly pin: "copy" | "none";
  /** Take an empty file too. Default false: weights of no bytes are a mistake. */
  readonly mayBeEmpty?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
}

/** A file that was taken in. */
export interface PinnedFile {
  /** Absolute: the copy, or the source itself. */
  readonly path: string;
  /** True when `path` is a copy of ours. */
  readonly pinned: boolean;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A file that was not taken in, and why, in words for a person. */
export interface PinRejection {
  readonly rejected: string;
}

/**
 * Takes a file in. Resolves when the copy is on disk (file and folder fsynced) and no write to the source was seen from
 * the first look to the last: then the copy is what the source held at that moment. Leaves nothing behind otherwise.
 *
 * @throws UploadError `FILE_CHANGED` when the file kept changing through three attempts; the signal's reason when it aborts.
 */
export async function pinFile(options: PinFileOptions): Promise<PinnedFile | PinRejection> {
  const { clock, mayBeEmpty = false } = options;
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  const directory = resolve(options.directory);
  const source = resolve(options.source);
  for (let attempt = 1; ; attempt++) {
    const result = await takeOnce(source, { directory, pin: options.pin, mayBeEmpty, signal, clock });
    if (result !== "changed") return result;
    if (attempt === MAX_ATTEMPTS) {
      throw new UploadError(
        `${source} was written to while it was being read, ${String(MAX_ATTEMPTS)} times in a row. Hand a checkpoint over once its writer has closed it.`,
        {
          code: "FILE_CHANGED",
          retryable: false,
        },
      );
    }
    await clock.sleep(ATTEMPT_PAUSE_MS * attempt, { signal, keepAlive: true });
  }
}

type Taking = Required<Pick<PinFileOptions, "directory" | "pin" | "mayBeEmpty" | "clock">> & { readonly signal: AbortSignal };

async function takeOnce(source: string, options: Taking): Promise<PinnedFile | PinRejection | "changed"> {
  let before: BigIntStats;
  try {
    before = await settledStats(source, options.clock, options.signal);
  } catch (error) {
    return rejection(source, error);
  }
  const unfit = unfitness(source, before, options.mayBeEmpty);
  if (unfit) return { rejected: unfit };
  try {
    return options.pin === "copy" ? await takeCopy(source, before, options) : await takeInPlace(source, before, options.signal);
  } catch (error) {
    return rejection(source, error);
  }
}

function unfitness(source: string, stats: BigIntStats, mayBeEmpty: boolean): string | undefined {
  if (stats.isDirectory()) return `${source} is a folder; hand over one file, such as an archive of it.`;
  if (!stats.isFile()) return `${source} is not a regular file.`;
  if (stats.size === 0n && !mayBeEmpty) return `${source} is empty.`;
  return undefined;
}

/** A file system's refusal becomes a value; anything else (an abort, a bug) goes on its way. */
function rejection(source: string, error: unknown): PinRejection {
  if (errnoOf(error) === undefined) throw error;
  const place = (error as NodeJS.ErrnoException).path;
  return {
    rejected: `${source} cannot be taken in: ${describeFileError(error)}${place === undefined || place === source ? "" : ` at ${place}`}.`,
  };
}

async function takeInPlace(source: string, before: BigIntStats, signal: AbortSignal): Promise<PinnedFile | "changed"> {
  const read = await hashFile(source, signal);
  if (BigInt(read.sizeBytes) !== before.size || !isSameVersion(before, await stat(source, { bigint: true }))) return "changed";
  return { path: source, pinned: false, ...read };
}

async function takeCopy(source: string, before: BigIntStats, options: Taking): Promise<PinnedFile | "changed"> {
  const copy = await keepCopy(source, options.directory, extname(source), options.signal, async (read) => {
    return BigInt(read.sizeBytes) === before.size && isSameVersion(before, await stat(source, { bigint: true }));
  });
  return copy ? { ...copy, pinned: true } : "changed";
}
