/** Takes bytes in that lie in memory: written beside the pinned files, fsynced, described once and for all. */
import { extname, resolve } from "node:path";
import { describeFileError, errnoOf } from "./file-errors.js";
import type { PinnedFile, PinRejection } from "./pin-file.js";
import { keepContent } from "./private-copy.js";

export interface PinBytesOptions {
  /** Copied at the call: what the caller does with its buffer afterwards changes nothing. May be empty. */
  readonly content: Uint8Array;
  /** Names the bytes in messages; its ending is kept. */
  readonly fileName: string;
  /** Where the file goes; created when missing. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves when the bytes are on disk, file and folder. A file system that refuses is a value, as in `pinFile`.
 *
 * @throws the signal's reason when it aborts.
 */
export async function pinBytes(options: PinBytesOptions): Promise<PinnedFile | PinRejection> {
  const { fileName, signal = new AbortController().signal } = options;
  signal.throwIfAborted();
  const content = Buffer.from(options.content);
  try {
    return { ...(await keepContent(content, resolve(options.directory), extname(fileName), signal)), pinned: true };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { rejected: `${fileName} cannot be kept: ${describeFileError(error)}.` };
  }
}
