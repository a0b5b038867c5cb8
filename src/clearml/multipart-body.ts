/** One file as a multipart form, streamed: its length is known before and checked while it is read. Nothing is held in memory. */
import { createReadStream } from "node:fs";
import { PassThrough, Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { UploadError } from "../base/errors.js";

/** A file's path; a stream, which can be sent once; or a function that opens a fresh stream for each attempt. */
export type UploadSource = string | Readable | (() => Readable);

/** Read at a time: half as fast again as with the usual 64 KiB, and a few MB in memory. */
const READ_BYTES = 1024 * 1024;

export interface MultipartOptions {
  /** Name of the form's field: ClearML's file server takes it as the path to store under. */
  readonly field: string;
  readonly fileName: string;
  readonly contentType: string;
  /** Bytes that the source must hold, no more and no less. */
  readonly sizeBytes: number;
  /** Called as bytes leave the source. */
  readonly onProgress?: ((sentBytes: number) => void) | undefined;
}

/** A request body with its headers. */
export interface MultipartBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  /** Why the source could not be read as announced, once that has happened: the truth behind a failed request. */
  readonly sourceError: () => unknown;
  /** Closes the source whatever became of the request. */
  readonly dispose: () => void;
}

/** Opens the source and frames it as a form with one file. Loads `form-data` at first use. */
export async function multipartBody(source: UploadSource, options: MultipartOptions): Promise<MultipartBody> {
  const { default: FormData } = await import("form-data");
  let sourceError: unknown;
  const body = new PassThrough();
  const fail = (error: Error): void => {
    sourceError ??= error;
    body.destroy(error);
  };
  // Whoever sends the body hears of its errors; with nobody sending yet, an error must not bring the process down.
  body.on("error", () => undefined);
  const input: Readable =
    typeof source === "string" ? createReadStream(source, { highWaterMark: READ_BYTES }) : typeof source === "function" ? source() : source;
  const counted = sizeCheck(options);
  const read = pipeline(input, counted).catch(fail);
  const form = new FormData();
  form.on("error", fail);
  const part = { filename: options.fileName, contentType: options.contentType };
  if (options.sizeBytes > 0) {
    form.append(options.field, counted, { ...part, knownLength: options.sizeBytes });
  } else {
    // form-data takes a known length of 0 for none. The source is read all the same, to see that it is empty.
    counted.resume();
    await read;
    form.append(options.field, Buffer.alloc(0), part);
  }
  // Asked before anything flows: what has flowed is no longer counted.
  const headers = { ...(form.getHeaders() as Record<string, string>), "content-length": String(form.getLengthSync()) };
  form.pipe(body);
  return {
    headers,
    body,
    sourceError: () => sourceError,
    dispose: () => {
      input.destroy();
      counted.destroy();
      body.destroy();
    },
  };
}

/** Lets exactly `sizeBytes` through: a file that grew or shrank meanwhile is not what was announced. */
function sizeCheck({ sizeBytes, onProgress }: MultipartOptions): Transform {
  let sentBytes = 0;
  const changed = (is: string): UploadError =>
    new UploadError(
      `The file has ${is} bytes where ${String(sizeBytes)} were announced: it changed while it was being sent. Nothing was stored as complete.`,
      {
        code: "FILE_CHANGED",
        retryable: false,
      },
    );
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      sentBytes += chunk.byteLength;
      if (sentBytes > sizeBytes) {
        done(changed(`at least ${String(sentBytes)}`));
        return;
      }
      onProgress?.(sentBytes);
      done(null, chunk);
    },
    flush(done) {
      done(sentBytes === sizeBytes ? null : changed(String(sentBytes)));
    },
  });
}
