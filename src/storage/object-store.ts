/**
 * The port of a place for bytes. Three implementations: S3 (and compatible), ClearML's file server, a folder.
 * What a store has once answered for never changes: keys carry a digest of the content.
 */

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
}

export interface PutOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: UploadProgress) => void;
}

/** A place for bytes. */
export interface ObjectStore {
  readonly kind: "s3" | "fileserver" | "folder";
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
  close(): Promise<void>;
}
