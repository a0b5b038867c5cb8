/**
 * The port of a place for bytes. Three implementations: S3 (and compatible), ClearML's file server, a folder.
 * What a store has once answered for never changes: keys carry a digest of the content.
 */

import type { JsonValue } from "../base/json.js";

/** A file as it was when it was taken in. */
export interface FileToStore {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly contentType: string;
}

export interface UploadProgress {
  readonly key: string;
  readonly sentBytes: number;
  readonly totalBytes: number;
  /** Of `sentBytes`, those that were found stored already, from an attempt before this one. Absent: none. */
  readonly resumedBytes?: number;
  /** What goes over the wire now, over the last seconds. Absent until it can be told. */
  readonly bytesPerSecond?: number;
}

/**
 * What a store wants to find again after a crash, of one upload, in pages of its own naming. Lives where the file's
 * record lives, so the two are lost together or not at all.
 */
export interface UploadMemory {
  load(page: string): JsonValue | undefined;
  /** Resolves when durable; `null` forgets the page. Never rejects. */
  save(page: string, value: JsonValue): Promise<void>;
}

export interface PutOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: UploadProgress) => void;
  /**
   * Of this key. With it, a `put` that was cut off (by the signal, an outage, the process's end) goes on where the store
   * already has parts, and what was begun stays there until it is completed or discarded. Without it, a `put` that fails
   * leaves nothing. Stores that send files in one piece ignore it.
   */
  readonly memory?: UploadMemory;
}

/** A place for bytes. */
export interface ObjectStore {
  readonly kind: "s3" | "fileserver" | "folder" | "presigned";
  /** For people: endpoint, bucket, prefix; never a secret. */
  describe(): string;
  /** The final address of a key: what is announced. Pure; needs no network. */
  uriOf(key: string): string;
  /**
   * Loads what `put` would load, so that what is missing shows at the start and not with the first checkpoint. Asks
   * nobody: the network is not touched. Absent: there is nothing to load.
   *
   * @throws ConfigError that says which package to install.
   */
  prepare?(): Promise<void>;
  /**
   * Stores the file under the key and resolves when the store has verified it: what it holds is what `sha256` says.
   * Storing the same key again is harmless.
   *
   * @throws UploadError `FILE_CHANGED` when the file is no longer what it was (not retryable); `UPLOAD_FAILED` or
   * `STORAGE_UNAVAILABLE` otherwise, `retryable` telling outage from refusal. ConnectionError when no answer came.
   * ApiError as ClearML's file server answered it. ConfigError when a package is missing. The signal's own reason when it aborts, at once.
   */
  put(key: string, file: FileToStore, options: PutOptions): Promise<void>;
  /**
   * Takes back what cut-off `put`s of the key left in the store, and forgets it; not while one is under way. Resolves
   * false when the store could not be asked: then it is remembered, for another time. Absent: nothing is ever left.
   *
   * @throws the signal's reason when it aborts.
   */
  discard?(key: string, memory: UploadMemory, options: { readonly signal: AbortSignal }): Promise<boolean>;
  close(): Promise<void>;
}
