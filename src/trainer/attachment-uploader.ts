/**
 * Stores what hangs on a record before it is announced: the outbox's `Uploader` over an object store. Decides one thing,
 * whether a failure is an outage, a passing answer or a refusal; when to try again is the outbox's.
 */
import { systemClock, type Clock } from "../base/clock.js";
import { silentLogger, type Logger } from "../base/logger.js";
import { ApiError, ConnectionError, describeError, TrainerSDKError, UploadError } from "../base/errors.js";
import { isRetryableStatus } from "../clearml/answers.js";
import type { Delivery, DeliveryContext, SinkMemory, Uploader } from "../outbox/sink.js";
import type { StoredFile } from "../records/facts.js";
import type { TrainerRecord } from "../records/record.js";
import type { ObjectStore, UploadProgress } from "../storage/object-store.js";
import { BegunUploads } from "./begun-uploads.js";
import { withRate } from "./upload-rate.js";

/** Keys remembered as stored; content-addressed, so a key that is stored once is stored for good. */
const MAX_KNOWN_KEYS = 1024;
/** What the existing platform's SDK called such files. */
const TORCH_CONTENT_TYPE = "application/x-pytorch";

export interface AttachmentUploaderOptions {
  readonly store: ObjectStore;
  /** Default: silent. */
  readonly logger?: Logger;
  readonly onProgress: (progress: UploadProgress) => void;
  /** For rates. Default: the machine's. */
  readonly clock?: Clock;
}

export function attachmentUploader(options: AttachmentUploaderOptions): Uploader {
  return new AttachmentUploader(options);
}

class AttachmentUploader implements Uploader {
  readonly #options: AttachmentUploaderOptions;
  readonly #stored = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #leaving = new Map<string, Promise<void>>();
  #begun: BegunUploads | undefined;
  #aliases: Promise<void> = Promise.resolve();

  constructor(options: AttachmentUploaderOptions) {
    this.#options = options;
  }

  async upload(record: TrainerRecord, context: DeliveryContext): Promise<Delivery> {
    const file = "file" in record.fact ? record.fact.file : undefined;
    const path = record.traits.attachment?.path;
    if (file === undefined || path === undefined) return { status: "rejected", reason: "the record names no file" };
    try {
      await this.#put(file, path, record.sequence, context);
      if (file.aliasKey !== undefined) await this.#putAlias(file, file.aliasKey, path, record.sequence, context);
      return { status: "delivered" };
    } catch (error) {
      return uploadFailure(error);
    }
  }

  async tidy(isWaiting: (sequence: number) => boolean, { memory, signal }: Pick<DeliveryContext, "memory" | "signal">): Promise<void> {
    const abandoned = this.#begunIn(memory).abandoned(isWaiting);
    await Promise.all(abandoned.filter((key) => !this.#underWay.has(key)).map((key) => this.#discard(key, memory, signal)));
  }

  close(): Promise<void> {
    return this.#options.store.close();
  }

  async #put(file: StoredFile, path: string, sequence: number, context: DeliveryContext): Promise<void> {
    // A model that was registered from the best checkpoint's bytes has the checkpoint's key: one upload serves both, unless
    // it fails by what is the other record's own, such as a file that is gone.
    for (let shared = this.#underWay.get(file.key); shared; shared = this.#underWay.get(file.key)) await shared.catch(() => undefined);
    if (this.#stored.has(file.key)) return;
    const work = this.#send(file, path, sequence, context);
    this.#underWay.set(file.key, work);
    try {
      await work;
      this.#stored.add(file.key);
      if (this.#stored.size > MAX_KNOWN_KEYS) for (const oldest of this.#stored) return void this.#stored.delete(oldest);
    } finally {
      this.#underWay.delete(file.key);
    }
  }

  async #send(
    { key, sizeBytes, sha256, contentType }: StoredFile,
    path: string,
    sequence: number,
    context: DeliveryContext,
  ): Promise<void> {
    const { clock = systemClock, onProgress, store } = this.#options;
    const begun = this.#begunIn(context.memory);
    await this.#leaving.get(key)?.catch(() => undefined);
    await store.put(
      key,
      { path, sizeBytes, sha256, contentType },
      { signal: context.signal, onProgress: withRate(clock, onProgress), memory: begun.of(key, sequence) },
    );
    await begun.end(key);
  }

  /**
   * Writes the newest file of its kind over the one before, one at a time, and never an older one over a newer. Nobody was
   * promised an alias, so a refusal costs a warning, and the file is announced all the same.
   */
  #putAlias(file: StoredFile, aliasKey: string, path: string, sequence: number, context: DeliveryContext): Promise<void> {
    const { store, logger = silentLogger } = this.#options;
    const page = `alias ${aliasKey}`;
    const work = this.#aliases.then(async () => {
      const newest = context.memory.get(page);
      if (typeof newest === "number" && newest >= sequence) return;
      try {
        const contentType = /\.pth?$/i.test(file.fileName) ? TORCH_CONTENT_TYPE : file.contentType;
        // Without a memory: what was begun of one file must not be gone on with by the next of the same name.
        await store.put(aliasKey, { ...file, path, contentType }, { signal: context.signal });
        await context.memory.set(page, sequence);
      } catch (error) {
        if (context.signal.aborted || uploadFailure(error).status === "retry") throw error;
        logger.warn(`${aliasKey}, the second name of ${file.key}, could not be written: ${describeError(error)}`);
      }
    });
    this.#aliases = work.catch(() => undefined);
    return work;
  }

  #discard(key: string, memory: SinkMemory, signal: AbortSignal): Promise<void> {
    const known = this.#leaving.get(key);
    if (known) return known;
    const begun = this.#begunIn(memory);
    const work = (async () => {
      const isGone = (await this.#options.store.discard?.(key, begun.of(key, undefined), { signal })) ?? true;
      if (isGone) await begun.end(key);
    })().finally(() => this.#leaving.delete(key));
    this.#leaving.set(key, work);
    return work;
  }

  #begunIn(memory: SinkMemory): BegunUploads {
    return (this.#begun ??= new BegunUploads(memory));
  }
}

/** What a failed upload means for the record. Pure. */
export function uploadFailure(error: unknown): Delivery {
  const reason = describeError(error);
  if (error instanceof ConnectionError) return { status: "retry", cause: "unreachable", reason };
  if (error instanceof UploadError) {
    if (!error.retryable) return { status: "rejected", reason };
    return { status: "retry", cause: error.code === "STORAGE_UNAVAILABLE" ? "unreachable" : "answered", reason };
  }
  if (error instanceof ApiError) {
    const { status, service, retryAfterMs } = error;
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    if (isRetryableStatus(status)) return { status: "retry", cause: "unreachable", reason, ...wait };
    // Credentials, a proxy's page and a wrong address are a person's to mend while the job runs; and what the API says
    // to the login says nothing of the file.
    const isPassing = status < 400 || status >= 500 || status === 401 || status === 403 || status === 404 || service === "clearml";
    return isPassing ? { status: "retry", cause: "answered", reason, ...wait } : { status: "rejected", reason };
  }
  if (error instanceof TrainerSDKError && !error.retryable) return { status: "rejected", reason };
  return { status: "retry", cause: "unreachable", reason };
}
