/** The port of a place that files are fetched from: what there is, and any file of it from any byte on. Keeps nothing. */
import type { Readable } from "node:stream";

/** One state of a file: two states with the same version hold the same bytes. */
export interface FileState {
  /** Undefined: the source does not say. */
  readonly sizeBytes: number | undefined;
  /** ETag, or what the source has of that kind. Undefined: none, so nothing of the file can be gone on with or used again. */
  readonly version: string | undefined;
}

/** A file whose bytes are on their way. */
export interface OpenedFile extends FileState {
  /** Of the first byte. 0 where more was asked for: the source sends the whole only. */
  readonly start: number;
  /** What the source says of the whole content, hexadecimal. */
  readonly sha256?: string | undefined;
  /** As above; of an ETag that has its form, so it may be none. */
  readonly md5?: string | undefined;
  /** To be read to its end or destroyed. */
  readonly body: Readable;
}

/** `changed`: the version that was asked for is no more. `gone`: there is no such file any more. */
export type OpenAnswer = OpenedFile | "changed" | "gone";

/** A file as its source lists it. */
export interface SourceFile extends FileState {
  /** For people and for its identity: no query, so no signature. */
  readonly uri: string;
  /** Its place below the source's address, with slashes; not checked. */
  readonly name: string;
  /**
   * Opens it at a byte, if it still has `version` (undefined: whatever it is now).
   *
   * @throws DownloadError, ConnectionError or ApiError, `retryable` telling outage from refusal; the signal's own reason.
   */
  open(start: number, version: string | undefined, signal: AbortSignal): Promise<OpenAnswer>;
}

export interface FileSource {
  /** What was asked for: for people and for the identity; no secret. */
  readonly uri: string;
  /** Every file, in the order of the names. @throws as {@link SourceFile.open}. */
  list(signal: AbortSignal): Promise<readonly SourceFile[]>;
}
