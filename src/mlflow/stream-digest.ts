/** A stream that lets bytes through and knows afterwards how many they were and what their digest is. */
import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { DownloadError } from "../base/errors.js";
import type { MlflowDownload } from "./mlflow-source.js";

export class StreamDigest extends Transform {
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  override _transform(chunk: Uint8Array, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#sizeBytes += chunk.byteLength;
    this.#hash.update(chunk);
    done(null, chunk);
  }

  /** @throws DownloadError when so many bytes did not come. */
  expect(sizeBytes: number | undefined, file: { readonly path: string; readonly of: string; readonly uri: string }): void {
    if (sizeBytes === undefined || sizeBytes === this.#sizeBytes) return;
    const { path, of, uri } = file;
    throw new DownloadError(`The file ${path} of MLflow ${of} has ${String(this.#sizeBytes)} bytes, not ${String(sizeBytes)} as listed.`, {
      uri,
      retryable: true,
    });
  }

  /** What went through. Once only, at the end. */
  result(): MlflowDownload {
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest("hex") };
  }
}
