/**
 * ClearML's file server as a place for bytes. It answers neither with a digest nor with an ETag of the content, so what
 * is stored is verified in two halves: the digest of the bytes that were sent, before the last of them goes, and the
 * length of what the server then has.
 */
import type { Readable } from "node:stream";
import { ClosedError, UploadError } from "../base/errors.js";
import type { FileToStore, ObjectStore, PutOptions } from "./object-store.js";
import { raceWithSignal } from "./race-with-signal.js";
import { Sending } from "./sending.js";

/** What this store asks of a client of the file server. */
export interface FileServerPort {
  /** The address under which a path is found; pure. Used as it is, never encoded again. */
  urlOf(path: string): string;
  /**
   * Sends one file, replacing what lies there. May call `open` again to send it once more (a token that had run out).
   *
   * @throws ApiError when the server refuses; ConnectionError when no answer came; what the stream failed with, or a
   * ConnectionError with it as cause; the signal's reason when it aborts.
   */
  upload(
    path: string,
    content: { readonly open: () => Readable; readonly sizeBytes: number; readonly contentType: string },
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
  /** What the server has under the path; undefined for nothing. `sizeBytes` is undefined when the server does not say. Throws as `upload`. */
  head(path: string, options: { readonly signal: AbortSignal }): Promise<{ readonly sizeBytes: number | undefined } | undefined>;
}

export interface FileServerObjectStoreOptions {
  /** Shared; the store does not close it. */
  readonly fileServer: FileServerPort;
}

export class FileServerObjectStore implements ObjectStore {
  readonly kind = "fileserver";
  readonly #fileServer: FileServerPort;
  #isClosed = false;

  constructor(options: FileServerObjectStoreOptions) {
    this.#fileServer = options.fileServer;
  }

  describe(): string {
    return `ClearML file server at ${this.#fileServer.urlOf("").replace(/\/+$/, "")}`;
  }

  uriOf(key: string): string {
    return this.#fileServer.urlOf(key);
  }

  async put(key: string, file: FileToStore, options: PutOptions): Promise<void> {
    const { signal } = options;
    signal.throwIfAborted();
    if (this.#isClosed) throw new ClosedError(`The store is closed; ${key} was not uploaded.`);
    const sending = new Sending(key, file, options);
    try {
      await raceWithSignal(
        this.#fileServer.upload(key, { open: () => sending.open(), sizeBytes: file.sizeBytes, contentType: file.contentType }, { signal }),
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      // A client tells of its socket; why the bytes stopped coming is known here.
      throw sending.failure ?? error;
    } finally {
      sending.end();
    }
    const stored = await raceWithSignal(this.#fileServer.head(key, { signal }), signal);
    if (!stored) throw this.#wrong(key, "it is not there after its upload");
    if (stored.sizeBytes !== undefined && stored.sizeBytes !== file.sizeBytes) {
      throw this.#wrong(key, `it has ${String(stored.sizeBytes)} bytes there, not ${String(file.sizeBytes)}`);
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #wrong(key: string, what: string): UploadError {
    return new UploadError(
      `${key} was not stored as it was sent to the ${this.describe()}: ${what}. Check the server's disk and any proxy's size limit.`,
      { retryable: true },
    );
  }
}
