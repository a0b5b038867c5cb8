/**
 * Stored files in MLflow: a tag that says where the file is and what it holds, and its bytes where they are worth being sent
 * twice. They are read back from where they were stored, so nothing is kept on the trainer's disk for MLflow's sake.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { ConfigError, DownloadError, TrainerSDKError, UploadError, ValidationError, describeError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { keyOf, MAX_TAG_LENGTH } from "../../mlflow/mlflow-names.js";
import { SINK_TAG_PREFIX } from "../../mlflow/sink-tags.js";
import type { SinkMemory } from "../../outbox/sink.js";
import type { StoredFile } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import type { MlflowSinkOptions } from "./mlflow-sink-options.js";
import { setTags, type RunCalls } from "./run-calls.js";
import { filesOf } from "./text-delivery.js";

/** With `auto`: a file in a bucket that is larger is not sent a second time. */
const MAX_BUCKET_BYTES = 16 * 1024 * 1024;

export interface FileParts extends Pick<MlflowSinkOptions, "files" | "openFile"> {
  readonly logger: Logger;
  readonly memory: SinkMemory;
}

/** A file, or the address of one that was stored by somebody else. */
export interface NamedFile {
  /** Of its tag, after the prefix: `checkpoint.last`. What was said last stands there. */
  readonly name: string;
  /** Path in the run's files. */
  readonly path: string;
  readonly uri: string;
  readonly file: StoredFile | undefined;
  /** True: all files of the name have one path, where the newest must stay. False: the path is the file's own. */
  readonly sharesPath: boolean;
  /** What else is worth being told. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Puts the bytes and sets the tag. @throws ApiError, ConnectionError; UploadError and others as the file's place answered. */
export async function deliverNamedFile(record: TrainerRecord, named: NamedFile, calls: RunCalls, parts: FileParts): Promise<void> {
  const { memory } = parts;
  const tag = keyOf(`${SINK_TAG_PREFIX}${named.name}`, calls.rules);
  // Two uploads run side by side: an older file whose bytes took longer must not take the newer one's place.
  const slot = `newest:${calls.runId}:${tag}`;
  const newest = memory.get(slot);
  const isNewest = typeof newest !== "number" || newest <= record.sequence;
  if (!isNewest && named.sharesPath) return;
  const { file } = named;
  const sent = file !== undefined && (await sendFile(file, named.path, calls, parts));
  if (!isNewest) return;
  const facts = {
    uri: named.uri,
    ...(sent ? { path: named.path } : {}),
    ...(file === undefined ? {} : { size_bytes: file.sizeBytes, sha256: file.sha256 }),
    ...named.facts,
  };
  await setTags(calls, [{ key: tag, value: factsText(facts) }]);
  await memory.set(slot, record.sequence);
}

/** Puts a file's bytes; there is no tag of it, so without a place for them it is nowhere. Throws as {@link deliverNamedFile}. */
export async function deliverPlainFile(file: StoredFile, path: string, calls: RunCalls, parts: FileParts): Promise<void> {
  filesOf(calls);
  if (!(await sendFile(file, path, calls, { ...parts, files: "upload", isAlone: true })))
    throw new UploadError(`${file.uri} could not be read back for MLflow, and was not put at ${path}.`, { retryable: false });
}

/** False: it was not to be sent, or could not be read; the address has to do. */
async function sendFile(
  file: StoredFile,
  path: string,
  calls: RunCalls,
  parts: FileParts & { readonly isAlone?: boolean },
): Promise<boolean> {
  const { files: place, signal } = calls;
  const { files = "auto", openFile, logger, isAlone = false } = parts;
  if (ConfigError.isInstance(place) || files === "link") return false;
  if (files === "auto" && /^s3:/i.test(file.uri) && file.sizeBytes > MAX_BUCKET_BYTES) return false;
  let body: Readable;
  try {
    body = await openFile(file, signal);
  } catch (error) {
    signal.throwIfAborted();
    // Rights to write a bucket need not be rights to read it, and a place of the caller's own may have no way back.
    if (!isFinal(error)) throw error;
    logger.warn(`MLflow gets the address of ${file.uri} and not its bytes, which cannot be read back: ${describeError(error)}`);
    return false;
  }
  const whole = verified(file, body);
  const stream = Readable.from(whole.bytes, { objectMode: false });
  stream.on("error", () => undefined);
  try {
    await place.put(path, { body: stream, sizeBytes: file.sizeBytes, contentType: file.contentType }, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    // The wire tells of its socket; why the bytes stopped coming is known here.
    const failure = whole.failure() ?? error;
    if (isAlone || !ConfigError.isInstance(failure)) throw failure;
    logger.warn(`MLflow gets the address of ${file.uri} and not its bytes. ${failure.message}`);
    return false;
  } finally {
    stream.destroy();
    body.on("error", () => undefined).destroy();
  }
}

function isFinal(error: unknown): boolean {
  return ValidationError.isInstance(error) || (TrainerSDKError.isInstance(error) && !error.retryable);
}

/** The bytes, the last of them held back until length and digest are right: what is not the file is never whole at the server. */
function verified(file: StoredFile, body: Readable): { readonly bytes: AsyncGenerator<Buffer>; readonly failure: () => unknown } {
  let failure: unknown;
  async function* bytes(): AsyncGenerator<Buffer> {
    try {
      const hash = createHash("sha256");
      let held: Buffer | undefined;
      let sizeBytes = 0;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        if (held) yield held;
        held = chunk;
        if (sizeBytes > file.sizeBytes) break;
      }
      if (sizeBytes !== file.sizeBytes || hash.digest("hex") !== file.sha256)
        throw new DownloadError(`${file.uri} is not what was stored there (SHA-256 ${file.sha256}); it was not put into MLflow.`, {
          uri: file.uri,
          retryable: false,
        });
      if (held) yield held;
    } catch (error) {
      // Whoever read them has stopped, and knows why.
      if ((error as { readonly code?: unknown }).code !== "ABORT_ERR") failure = error;
      throw error;
    }
  }
  return { bytes: bytes(), failure: () => failure };
}

/** JSON that fits a tag: of what is too long the later facts go, never the address. */
function factsText(facts: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(facts);
  for (let count = entries.length; count > 1; count--) {
    const text = JSON.stringify(Object.fromEntries(entries.slice(0, count)));
    if (text.length <= MAX_TAG_LENGTH) return text;
  }
  return JSON.stringify(Object.fromEntries(entries.slice(0, 1))).slice(0, MAX_TAG_LENGTH);
}
