/**
 * A stored file's bytes, read once and held against the digest it was taken in with. The last slice is held back until
 * the digest is right, so a receiver that waits for the end can never take a changed file for a whole one.
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { FileToStore } from "./object-store.js";
import { changedFile, openStored, unreadableFile } from "./stored-file.js";

/** Long enough to read fast, short enough to hash between two turns of the event loop (well under 1 ms). */
export const DEFAULT_SLICE_BYTES = 512 * 1024;

export interface VerifiedBytesOptions {
  readonly signal: AbortSignal;
  /** Default {@link DEFAULT_SLICE_BYTES}. */
  readonly sliceBytes?: number;
}

/**
 * The file's bytes in order, each slice a buffer of its own. Ends normally only when length and SHA-256 are those of
 * `file`. Memory: two slices. The file is closed however the iteration ends.
 *
 * @throws UploadError `FILE_CHANGED` when the content is another or the file is gone; `UPLOAD_FAILED` when it cannot be
 * read; the signal's reason when it aborts.
 */
export async function* verifiedBytes(file: FileToStore, options: VerifiedBytesOptions): AsyncGenerator<Buffer, void, undefined> {
  const { signal } = options;
  signal.throwIfAborted();
  const sliceBytes = options.sliceBytes ?? DEFAULT_SLICE_BYTES;
  const hash = createHash("sha256");
  const handle = await openStored(file);
  try {
    let held: Buffer | undefined;
    let readBytes = 0;
    for (;;) {
      const slice = await readSlice(handle, Math.min(sliceBytes, file.sizeBytes - readBytes + 1), file);
      signal.throwIfAborted();
      if (slice.length === 0) break;
      readBytes += slice.length;
      if (readBytes > file.sizeBytes) throw changedFile(file, "it has grown");
      hash.update(slice);
      if (held) yield held;
      held = slice;
    }
    if (readBytes !== file.sizeBytes) throw changedFile(file, `${String(readBytes)} of ${String(file.sizeBytes)} bytes are left`);
    if (hash.digest("hex") !== file.sha256) throw changedFile(file, "its SHA-256 is another");
    if (held) yield held;
  } finally {
    await handle.close();
  }
}

async function readSlice(handle: FileHandle, wantedBytes: number, file: FileToStore): Promise<Buffer> {
  // Not from the shared pool, and never reused: the receiver may keep a slice for as long as its request lasts.
  const buffer = Buffer.allocUnsafeSlow(wantedBytes);
  let length = 0;
  try {
    while (length < wantedBytes) {
      const { bytesRead } = await handle.read(buffer, length, wantedBytes - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
  } catch (error) {
    throw unreadableFile(file, error);
  }
  return length === wantedBytes ? buffer : buffer.subarray(0, length);
}
