/** The other direction of an object store: finds what lies under an address, and brings it here. */

/** An object that is there. */
export interface FoundObject {
  /** Relative to the address that was opened. */
  readonly key: string;
  readonly sizeBytes: number;
}

/** A place to read from. Rights needed on S3: `s3:ListBucket` and `s3:GetObject`. */
export interface ObjectReader {
  /** Everything below the address, in the order of the keys. @throws UploadError when the place cannot be read. */
  list(signal: AbortSignal): Promise<readonly FoundObject[]>;
  /** Writes the object to a new file. @throws UploadError when it cannot be read; the signal's own reason. */
  download(key: string, target: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
