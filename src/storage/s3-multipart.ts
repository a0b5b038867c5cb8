/**
 * One file in parts, by S3's own multipart calls: parts read by offset into reused buffers, several on their way at once,
 * each tried again by itself; what S3 has taken is remembered, and after a crash only the rest is sent. Completed only
 * when the whole file was read once more and is what it was. Memory is bounded by part size and parallelism; no read or
 * list right is used.
 */
import { createHash } from "node:crypto";
import type { CompleteMultipartUploadCommandOutput } from "@aws-sdk/client-s3";
import { UploadError } from "../base/errors.js";
import type { FileToStore, PutOptions } from "./object-store.js";
import { planParts, type PartPlan } from "./part-plan.js";
import { PartReader, type FilePart } from "./part-reader.js";
import { PartSlots } from "./part-slots.js";
import { raceWithSignal } from "./race-with-signal.js";
import { signOver } from "./s3-signed-digest.js";
import { S3UploadState, type StoredPart } from "./s3-upload-state.js";
import { isUnknownUpload, takeBack, type UnfinishedUpload } from "./s3-take-back.js";

/** Tries of one part that arrived damaged; other failures are tried again by the client, and then by the outbox. */
const MAX_DAMAGED_TRIES = 3;
/** S3's words for a body that is not what its digest says. */
const DAMAGED = new Set([
  "BadDigest",
  "ContentSHA256Mismatch",
  "InvalidDigest",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
]);

export interface MultipartTarget extends UnfinishedUpload {
  readonly isAws: boolean;
}

/** An upload that is under way, and the work that must be over before its parts are surely gone. */
export interface RunningUpload {
  /** Settles as soon as the outcome is known; by an abort, at once. */
  readonly done: Promise<void>;
  /**
   * Resolves when nothing of it is in flight any more and an unfinished upload was taken back, unless it is to be resumed.
   * Never rejects; bounded.
   */
  readonly cleaned: Promise<void>;
}

/** Begins an upload, or goes on with one. */
export function startMultipart(target: MultipartTarget, file: FileToStore, options: PutOptions): RunningUpload {
  const attempt = new MultipartAttempt(target, file, options);
  const done = raceWithSignal(attempt.run(), options.signal);
  const cleaned = done.then(
    () => undefined,
    () => attempt.cleanUp(),
  );
  return { done, cleaned };
}

class MultipartAttempt {
  readonly #target: MultipartTarget;
  readonly #file: FileToStore;
  readonly #options: PutOptions;
  readonly #plan: PartPlan;
  /** Ends all requests of this upload: by the caller's wish, or because one part has failed for good. */
  readonly #halt = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #state: S3UploadState;
  #running: Promise<void> = Promise.resolve();
  #sentBytes = 0;
  #resumedBytes = 0;

  constructor(target: MultipartTarget, file: FileToStore, options: PutOptions) {
    this.#target = target;
    this.#file = file;
    this.#options = options;
    this.#plan = planParts(file.sizeBytes);
    this.#state = S3UploadState.load(options.memory, file, this.#plan.partBytes);
  }

  run(): Promise<void> {
    return (this.#running = this.#run());
  }

  async #run(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = (): void => this.#halt.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    try {
      this.#halt.signal.throwIfAborted();
      if (this.#state.uploadId !== undefined && (await this.#resumed())) return;
      await this.#begin();
      await this.#sendAll();
    } catch (error) {
      this.#halt.abort(error);
      signal.throwIfAborted();
      // The first failure is the cause; what ended by it tells of nothing else.
      throw this.#halt.signal.reason;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** False when S3 no longer has the upload, or not all of it: a lifecycle rule ended it, or its completion's answer was lost. */
  async #resumed(): Promise<boolean> {
    try {
      await this.#askForIt();
      await this.#sendAll();
      return true;
    } catch (error) {
      if (!isUseless(error)) throw error;
      await this.#settleInFlight();
      if (!isUnknownUpload(error)) await takeBack(this.#target, this.#state.uploadId ?? "");
      await this.#state.clear();
      return false;
    }
  }

  /**
   * Asks for the upload by an empty part, which the real one of that number will replace: nothing smaller goes with the
   * right to put alone. A store that refuses a part before it has read it closes the connection on the sender, who may
   * then see a reset and never the refusal.
   */
  async #askForIt(): Promise<void> {
    const { uploadId = "", parts } = this.#state;
    let number = this.#plan.parts;
    while (number > 0 && parts.has(number)) number--;
    if (number === 0) return;
    const bytes = Buffer.alloc(0);
    await this.#send(uploadId, number, { bytes, sha256: createHash("sha256").update(bytes).digest() }, this.#halt.signal);
  }

  async cleanUp(): Promise<void> {
    // A part that arrives after the upload was taken back would stay for ever: wait for what is on its way, the answer
    // with the upload's id included.
    await this.#running.catch(() => undefined);
    await this.#settleInFlight();
    const { uploadId } = this.#state;
    if (uploadId === undefined || this.#isResumable()) return;
    if (await takeBack(this.#target, uploadId)) await this.#state.clear();
  }

  /** With a memory, what passes (an outage, the process's end) leaves the parts where they are. */
  #isResumable(): boolean {
    const reason: unknown = this.#halt.signal.reason;
    if (isUseless(reason)) return false;
    return this.#options.memory !== undefined && (this.#options.signal.aborted || !(reason instanceof UploadError && !reason.retryable));
  }

  async #begin(): Promise<void> {
    const { aws, client, bucket, key, isAws } = this.#target;
    const { memory } = this.#options;
    const foreign = memory && S3UploadState.unfinishedId(memory);
    if (memory && foreign !== undefined) {
      await takeBack(this.#target, foreign);
      await S3UploadState.forget(memory);
    }
    // Not cut short by an abort: without the answer's id the upload could never be taken back.
    const answer = await client.send(
      new aws.s3.CreateMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        ContentType: this.#file.contentType,
        Metadata: { sha256: this.#file.sha256 },
        ...(isAws ? { ChecksumAlgorithm: "SHA256" as const } : {}),
      }),
    );
    if (answer.UploadId === undefined || answer.UploadId === "") throw this.#wrong("an upload was begun without an id");
    await this.#state.begin(answer.UploadId, this.#file, this.#plan.partBytes);
    this.#halt.signal.throwIfAborted();
  }

  /** Reads the file once, sends the parts that S3 does not have, and completes. */
  async #sendAll(): Promise<void> {
    const uploadId = this.#state.uploadId ?? "";
    const halt = this.#begunPass();
    const reader = await PartReader.open(this.#file);
    try {
      const slots = new PartSlots(this.#plan.parallel, this.#plan.partBytes);
      for (let number = 1; number <= this.#plan.parts; number++) {
        const buffer = await raceWithSignal(slots.take(), halt.signal);
        const part = await reader.next(buffer, halt.signal);
        if (this.#has(number, part)) {
          this.#resumedBytes += part.bytes.length;
          this.#told(part.bytes.length);
          slots.giveBack(buffer);
        } else {
          this.#track(
            this.#sendPart(uploadId, number, part, halt).then(() => slots.giveBack(buffer)),
            halt,
          );
        }
      }
      await reader.verify();
    } catch (error) {
      halt.abort(error);
      throw halt.signal.reason;
    } finally {
      await reader.close();
    }
    await raceWithSignal(Promise.all(this.#inFlight), halt.signal);
    await this.#complete(uploadId, halt.signal);
  }

  /** A pass over the file has a halt of its own, so that one over an upload that is no more does not end the next. */
  #begunPass(): AbortController {
    this.#sentBytes = 0;
    this.#resumedBytes = 0;
    const halt = new AbortController();
    this.#halt.signal.addEventListener("abort", () => halt.abort(this.#halt.signal.reason), { once: true });
    if (this.#halt.signal.aborted) halt.abort(this.#halt.signal.reason);
    return halt;
  }

  #has(number: number, { sha256 }: FilePart): boolean {
    return this.#state.parts.get(number)?.sha256 === sha256.toString("base64");
  }

  async #sendPart(uploadId: string, number: number, part: FilePart, halt: AbortController): Promise<void> {
    const stored = await this.#send(uploadId, number, part, halt.signal);
    await this.#state.add(number, stored);
    if (!halt.signal.aborted) this.#told(part.bytes.length);
  }

  async #send(uploadId: string, number: number, part: FilePart, signal: AbortSignal): Promise<StoredPart> {
    const { aws, client, bucket, key, isAws } = this.#target;
    const sha256 = part.sha256.toString("base64");
    for (let tries = 1; ; tries++) {
      const command = new aws.s3.UploadPartCommand({
        Bucket: bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: number,
        Body: part.bytes,
        ContentLength: part.bytes.length,
        ...(isAws ? { ChecksumSHA256: sha256 } : {}),
      });
      signOver(command, part.sha256.toString("hex"));
      try {
        const answer = await client.send(command, { abortSignal: signal });
        if (answer.ETag === undefined || answer.ETag === "") throw this.#wrong(`part ${String(number)} was taken without an ETag`);
        if (answer.ChecksumSHA256 !== undefined && answer.ChecksumSHA256 !== sha256)
          throw this.#wrong(`the SHA-256 of part ${String(number)} is another there`);
        return { etag: answer.ETag, sha256 };
      } catch (error) {
        if (tries === MAX_DAMAGED_TRIES || !DAMAGED.has((error as Error).name)) throw error;
      }
    }
  }

  #track(sending: Promise<void>, halt: AbortController): void {
    this.#inFlight.add(sending);
    sending.then(
      () => this.#inFlight.delete(sending),
      (error: unknown) => {
        this.#inFlight.delete(sending);
        halt.abort(error);
      },
    );
  }

  async #settleInFlight(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
  }

  async #complete(uploadId: string, signal: AbortSignal): Promise<void> {
    const { aws, client, bucket, key, isAws } = this.#target;
    const parts = [...this.#state.parts].sort(([one], [other]) => one - other);
    if (this.#sentBytes !== this.#file.sizeBytes || parts.length !== this.#plan.parts)
      throw this.#wrong(`${String(this.#sentBytes)} of ${String(this.#file.sizeBytes)} bytes were sent`);
    const answer = await client.send(
      new aws.s3.CompleteMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        UploadId: uploadId,
        MultipartUpload: {
          Parts: parts.map(([number, { etag, sha256 }]) => ({
            PartNumber: number,
            ETag: etag,
            ...(isAws ? { ChecksumSHA256: sha256 } : {}),
          })),
        },
      }),
      { abortSignal: signal },
    );
    this.#verify(
      answer,
      parts.map(([, part]) => part),
    );
    await this.#state.clear();
  }

  /** Whole means: every byte sent, the digests right, and the store's own words agree. */
  #verify(answer: CompleteMultipartUploadCommandOutput, parts: readonly StoredPart[]): void {
    if (answer.ETag === undefined) throw this.#wrong("the completion has no ETag");
    const joined = /-(\d+)"?$/.exec(answer.ETag)?.[1];
    if (joined !== undefined && Number(joined) !== parts.length)
      throw this.#wrong(`${joined} parts were joined, not ${String(parts.length)}`);
    if (answer.ChecksumSHA256 !== undefined && answer.ChecksumSHA256 !== compositeOf(parts))
      throw this.#wrong("the completion's SHA-256 is not that of the parts");
  }

  #told(bytes: number): void {
    this.#sentBytes += bytes;
    const resumed = this.#resumedBytes === 0 ? {} : { resumedBytes: this.#resumedBytes };
    this.#options.onProgress?.({ key: this.#target.key, sentBytes: this.#sentBytes, totalBytes: this.#file.sizeBytes, ...resumed });
  }

  #wrong(what: string): UploadError {
    return new UploadError(`${this.#target.bucket}/${this.#target.key} was not stored as it was sent: ${what}.`, { retryable: true });
  }
}

/** True when nothing can come of the upload any more: S3 does not know it, or has lost parts that it had taken. */
function isUseless(error: unknown): boolean {
  return isUnknownUpload(error) || (error instanceof Error && error.name === "InvalidPart");
}

/** S3's composite: the SHA-256 of the parts' digests, with their number. */
function compositeOf(parts: readonly StoredPart[]): string {
  const hash = createHash("sha256");
  for (const { sha256 } of parts) hash.update(Buffer.from(sha256, "base64"));
  return `${hash.digest("base64")}-${String(parts.length)}`;
}
