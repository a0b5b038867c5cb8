/**
 * One file in parts, by `@aws-sdk/lib-storage`, with what that leaves to its user: requests that stop when the caller
 * does, an end at the first failed part instead of the last, nothing left behind, and an answer that is held against
 * what was sent. Memory is bounded by part size and parallelism; no read or list right is used.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { CompleteMultipartUploadCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { UploadError } from "../base/errors.js";
import type { FileToStore, PutOptions } from "./object-store.js";
import type { AwsModules } from "./s3-client.js";
import { verifiedBytes } from "./verified-bytes.js";

const MIB = 1024 * 1024;
/** S3's limit. */
const MAX_PARTS = 10_000;
const DEFAULT_PART_BYTES = 8 * MIB;
const MAX_PARALLEL_PARTS = 4;
/** Parts in flight together; very large files have large parts, so fewer of them. */
const MAX_IN_FLIGHT_BYTES = 64 * MIB;
/** Time for an unfinished upload to be taken back. */
const ABORT_TIMEOUT_MS = 10_000;

/** How a file is cut: parts of at least 8 MiB, at most 10,000 of them, and so many at once that memory stays bounded. */
export function planParts(sizeBytes: number): { readonly partBytes: number; readonly parts: number; readonly parallel: number } {
  const partBytes = Math.max(DEFAULT_PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB);
  const parallel = Math.max(1, Math.min(MAX_PARALLEL_PARTS, Math.floor(MAX_IN_FLIGHT_BYTES / partBytes)));
  return { partBytes, parts: Math.max(1, Math.ceil(sizeBytes / partBytes)), parallel };
}

export interface MultipartTarget {
  readonly aws: AwsModules;
  readonly client: S3Client;
  readonly bucket: string;
  /** With the store's prefix. */
  readonly key: string;
  readonly isAws: boolean;
  /** Told when an unfinished upload could not be taken back: its parts cost money until somebody does. */
  readonly onLeftover: (uploadId: string, error: unknown) => void;
}

/** An upload that is under way, and the work that must be over before its parts are surely gone. */
export interface RunningUpload {
  /** Settles as soon as the outcome is known; by an abort, at once. */
  readonly done: Promise<void>;
  /** Resolves when nothing of it is in flight any more and an unfinished upload was taken back. Never rejects; bounded. */
  readonly cleaned: Promise<void>;
}

/** Begins an upload. */
export function startMultipart(target: MultipartTarget, file: FileToStore, options: PutOptions): RunningUpload {
  const attempt = new MultipartAttempt(target, file, options);
  const done = attempt.run();
  const cleaned = done.then(
    () => undefined,
    () => attempt.cleanUp(),
  );
  return { done, cleaned };
}

type Command = Parameters<S3Client["send"]>[0];

class MultipartAttempt {
  readonly #target: MultipartTarget;
  readonly #file: FileToStore;
  readonly #options: PutOptions;
  /** Ends all requests of this upload: by the caller's wish, or because one part has failed for good. */
  readonly #halt = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #partChecksums = new Map<number, string | undefined>();
  #uploadId: string | undefined;
  #sentBytes = 0;
  #failure: unknown;

  constructor(target: MultipartTarget, file: FileToStore, options: PutOptions) {
    this.#target = target;
    this.#file = file;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { aws, bucket, key, isAws } = this.#target;
    const { signal, onProgress } = this.#options;
    signal.throwIfAborted();
    const plan = planParts(this.#file.sizeBytes);
    const body = Readable.from(verifiedBytes(this.#file, { signal: this.#halt.signal }), { objectMode: true, highWaterMark: 1 });
    const upload = new aws.storage.Upload({
      client: this.#haltingClient(),
      params: {
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentLength: this.#file.sizeBytes,
        ContentType: this.#file.contentType,
        Metadata: { sha256: this.#file.sha256 },
        ...(isAws ? { ChecksumAlgorithm: "SHA256" as const } : {}),
      },
      partSize: plan.partBytes,
      queueSize: plan.parallel,
      // It would take parts back before the last of them has arrived, which S3 then keeps; cleanUp waits for them.
      leavePartsOnError: true,
      abortController: this.#halt,
    });
    if (onProgress)
      upload.on("httpUploadProgress", ({ loaded }) => onProgress({ key, sentBytes: loaded ?? 0, totalBytes: this.#file.sizeBytes }));
    const onAbort = (): void => this.#halt.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const answer: CompleteMultipartUploadCommandOutput = await upload.done();
      this.#verify(answer, plan.parts);
    } catch (error) {
      this.#halt.abort(error);
      signal.throwIfAborted();
      throw this.#failure ?? error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      body.destroy();
    }
  }

  async cleanUp(): Promise<void> {
    // A part that arrives after the upload was taken back would stay for ever: wait for those on their way.
    await Promise.allSettled(this.#inFlight);
    if (this.#uploadId === undefined) return;
    const { aws, client, bucket, key, onLeftover } = this.#target;
    try {
      await client.send(new aws.s3.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: this.#uploadId }), {
        abortSignal: AbortSignal.timeout(ABORT_TIMEOUT_MS),
      });
    } catch (error) {
      if ((error as Error).name !== "NoSuchUpload") onLeftover(this.#uploadId, error);
    }
  }

  /** The client as the uploader sees it: every request ends with the upload, and every answer is looked at. */
  #haltingClient(): S3Client {
    const send = (command: Command): Promise<unknown> => {
      const sending = this.#send(command);
      this.#inFlight.add(sending);
      const over = (): boolean => this.#inFlight.delete(sending);
      sending.then(over, over);
      return sending;
    };
    return Object.create(this.#target.client, { send: { value: send } }) as S3Client;
  }

  async #send(command: Command): Promise<unknown> {
    const { aws, client } = this.#target;
    const abortSignal = this.#halt.signal;
    abortSignal.throwIfAborted();
    try {
      if (command instanceof aws.s3.CreateMultipartUploadCommand) {
        // Not cut short by an abort: without the answer's id the upload could never be taken back.
        const answer = await client.send(command);
        if (answer.UploadId === undefined || answer.UploadId === "") throw this.#wrong("an upload was begun without an id");
        this.#uploadId = answer.UploadId;
        return answer;
      }
      if (command instanceof aws.s3.UploadPartCommand) {
        const answer = await client.send(command, { abortSignal });
        this.#sentBytes += (command.input.Body as Uint8Array).byteLength;
        this.#partChecksums.set(command.input.PartNumber ?? 0, answer.ChecksumSHA256);
        return answer;
      }
      return await client.send(command, { abortSignal });
    } catch (error) {
      // The uploader would go on to the end of the file before it tells.
      this.#failure ??= error;
      this.#halt.abort(error);
      throw error;
    }
  }

  /** Whole means: every byte sent, the digest right (verifiedBytes), and the store's own words agree. */
  #verify(answer: CompleteMultipartUploadCommandOutput, parts: number): void {
    if (this.#sentBytes !== this.#file.sizeBytes)
      throw this.#wrong(`${String(this.#sentBytes)} of ${String(this.#file.sizeBytes)} bytes were sent`);
    if (answer.ETag === undefined) throw this.#wrong("the completion has no ETag");
    const stored = /-(\d+)"?$/.exec(answer.ETag)?.[1];
    if (stored !== undefined && Number(stored) !== parts) throw this.#wrong(`${stored} parts were joined, not ${String(parts)}`);
    const composite = compositeOf(this.#partChecksums);
    if (answer.ChecksumSHA256 !== undefined && composite !== undefined && answer.ChecksumSHA256 !== composite)
      throw this.#wrong("the completion's SHA-256 is not that of the parts");
    this.#uploadId = undefined;
  }

  #wrong(what: string): UploadError {
    return new UploadError(`${this.#target.bucket}/${this.#target.key} was not stored as it was sent: ${what}.`, { retryable: true });
  }
}

/** S3's composite: the SHA-256 of the parts' digests, with their number. Undefined unless every part has one. */
function compositeOf(checksums: ReadonlyMap<number, string | undefined>): string | undefined {
  const hash = createHash("sha256");
  for (const number of [...checksums.keys()].sort((one, other) => one - other)) {
    const checksum = checksums.get(number);
    if (checksum === undefined) return undefined;
    hash.update(Buffer.from(checksum, "base64"));
  }
  return `${hash.digest("base64")}-${String(checksums.size)}`;
}
