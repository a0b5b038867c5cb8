/**
 * Reads a file part by part, in order, each part into a buffer of the caller's, and hashes on the way: every part by
 * itself, and the whole. Hashing goes in slices between two turns of the event loop, so it never holds up the training.
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { FileToStore } from "./object-store.js";
import { changedFile, openStored, unreadableFile } from "./stored-file.js";

/** Long enough to read fast, short enough to hash twice in well under 2 ms. */
const SLICE_BYTES = 512 * 1024;

/** A part, as it lay on the disk when it was read. */
export interface FilePart {
  /** A view of the buffer that was given. */
  readonly bytes: Buffer;
  /** Of these bytes. */
  readonly sha256: Buffer;
}

/** One pass over a file. */
export class PartReader {
  readonly #file: FileToStore;
  readonly #handle: FileHandle;
  readonly #whole = createHash("sha256");
  #readBytes = 0;

  private constructor(file: FileToStore, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  /** @throws UploadError `FILE_CHANGED` when the file is gone; `UPLOAD_FAILED` when it cannot be read. */
  static async open(file: FileToStore): Promise<PartReader> {
    return new PartReader(file, await openStored(file));
  }

  /**
   * The next part: as much as fits the buffer, or what is left of the file.
   *
   * @throws UploadError as `open`; the signal's reason when it aborts.
   */
  async next(buffer: Buffer, signal: AbortSignal): Promise<FilePart> {
    const wantedBytes = Math.min(buffer.length, this.#file.sizeBytes - this.#readBytes);
    const hash = createHash("sha256");
    let filled = 0;
    // The disk reads the next slice on another thread while this one is hashed.
    let reading = this.#read(buffer, 0, wantedBytes);
    while (filled < wantedBytes) {
      const bytes = await reading;
      signal.throwIfAborted();
      if (bytes === 0)
        throw changedFile(this.#file, `${String(this.#readBytes + filled)} of ${String(this.#file.sizeBytes)} bytes are left`);
      const slice = buffer.subarray(filled, filled + bytes);
      filled += bytes;
      reading = this.#read(buffer, filled, wantedBytes);
      // Awaited in the next turn, or never when this one throws.
      reading.catch(() => undefined);
      hash.update(slice);
      this.#whole.update(slice);
    }
    this.#readBytes += filled;
    return { bytes: buffer.subarray(0, filled), sha256: hash.digest() };
  }

  /**
   * After the last part: the file is what it was when it was taken in.
   *
   * @throws UploadError `FILE_CHANGED` when it is another.
   */
  async verify(): Promise<void> {
    const { bytesRead } = await this.#handle.read(Buffer.alloc(1), 0, 1, this.#readBytes);
    if (bytesRead > 0) throw changedFile(this.#file, "it has grown");
    if (this.#whole.digest("hex") !== this.#file.sha256) throw changedFile(this.#file, "its SHA-256 is another");
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #read(buffer: Buffer, from: number, to: number): Promise<number> {
    const length = Math.min(SLICE_BYTES, to - from);
    if (length <= 0) return 0;
    try {
      return (await this.#handle.read(buffer, from, length, this.#readBytes + from)).bytesRead;
    } catch (error) {
      throw unreadableFile(this.#file, error);
    }
  }
}
