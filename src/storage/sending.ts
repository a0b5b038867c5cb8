/** The bytes of one upload in one piece, which may be opened anew for a second try. */
import { Readable } from "node:stream";
import type { FileToStore, PutOptions } from "./object-store.js";
import { verifiedBytes } from "./verified-bytes.js";

export class Sending {
  readonly #key: string;
  readonly #file: FileToStore;
  readonly #options: PutOptions;
  #stream: Readable | undefined;
  /** What reading ended with, if it failed. */
  failure: unknown;

  constructor(key: string, file: FileToStore, options: PutOptions) {
    this.#key = key;
    this.#file = file;
    this.#options = options;
  }

  open(): Readable {
    this.end();
    this.failure = undefined;
    this.#stream = Readable.from(this.#bytes(), { objectMode: false });
    // Whoever reads it hears of a failure; when nobody does any more, it must not become an uncaught one.
    this.#stream.on("error", () => undefined);
    return this.#stream;
  }

  /** Closes the file, however far it was read. */
  end(): void {
    this.#stream?.destroy();
  }

  async *#bytes(): AsyncGenerator<Buffer, void, undefined> {
    const { signal, onProgress } = this.#options;
    let sentBytes = 0;
    try {
      for await (const slice of verifiedBytes(this.#file, { signal })) {
        yield slice;
        sentBytes += slice.length;
        onProgress?.({ key: this.#key, sentBytes, totalBytes: this.#file.sizeBytes });
      }
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
