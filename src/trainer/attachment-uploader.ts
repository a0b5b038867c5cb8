/**
 * Stores what hangs on a record before it is announced: the outbox's `Uploader` over an object store. Decides one thing,
 * whether a failure is an outage, a passing answer or a refusal; when to try again is the outbox's.
 */
import { ApiError, ConnectionError, describeError, TrainerSDKError, UploadError } from "../base/errors.js";
import type { Delivery, DeliveryContext, Uploader } from "../outbox/sink.js";
import type { StoredFile } from "../records/facts.js";
import type { ObjectStore, UploadProgress } from "../storage/object-store.js";

/** Keys remembered as stored; content-addressed, so a key that is stored once is stored for good. */
const MAX_KNOWN_KEYS = 1024;

export interface AttachmentUploaderOptions {
  readonly store: ObjectStore;
  readonly onProgress: (progress: UploadProgress) => void;
}

export function attachmentUploader(options: AttachmentUploaderOptions): Uploader {
  const { store, onProgress } = options;
  const stored = new Set<string>();
  const underWay = new Map<string, Promise<void>>();

  const put = async (file: StoredFile, path: string, context: DeliveryContext): Promise<void> => {
    if (stored.has(file.key)) return;
    // A model that was registered from the best checkpoint's bytes has the checkpoint's key: one upload serves both.
    const shared = underWay.get(file.key);
    if (shared) return shared;
    const work = store.put(
      file.key,
      { path, sizeBytes: file.sizeBytes, sha256: file.sha256, contentType: file.contentType },
      { signal: context.signal, onProgress },
    );
    underWay.set(file.key, work);
    try {
      await work;
      stored.add(file.key);
      if (stored.size > MAX_KNOWN_KEYS) for (const oldest of stored) return void stored.delete(oldest);
    } finally {
      underWay.delete(file.key);
    }
  };

  return {
    async upload(record, context) {
      const file = "file" in record.fact ? record.fact.file : undefined;
      const path = record.traits.attachment?.path;
      if (file === undefined || path === undefined) return { status: "rejected", reason: "the record names no file" };
      try {
        await put(file, path, context);
        return { status: "delivered" };
      } catch (error) {
        return uploadFailure(error);
      }
    },
    close: () => store.close(),
  };
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
    const wait = error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs };
    if (error.status === 429 || error.status === 503) return { status: "retry", cause: "unreachable", reason, ...wait };
    // Credentials can be set right while the job runs, so a refusal of them has the budget's time, like any 5xx.
    if (error.retryable || error.status >= 500 || error.status === 401 || error.status === 403)
      return { status: "retry", cause: "answered", reason, ...wait };
    return { status: "rejected", reason };
  }
  if (error instanceof TrainerSDKError && !error.retryable) return { status: "rejected", reason };
  return { status: "retry", cause: "unreachable", reason };
}
