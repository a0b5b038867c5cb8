/**
 * How bytes come in: pinned, so that what is announced is what the file held when the call's promise resolved; named by
 * their content; and put in the journal as one record with its announcement, or not at all.
 */
import path from "node:path";
import { keptUp } from "../base/background.js";
import { describeError } from "../base/errors.js";
import type { Outcome } from "../outbox/receipts.js";
import type { Fact, StoredFile } from "../records/facts.js";
import { pinBytes } from "../storage/pin-bytes.js";
import { pinFile, type PinnedFile } from "../storage/pin-file.js";
import type { Receipt, UploadReceipt } from "./receipt.js";
import type { Run } from "./run.js";

export interface TakeFileRequest {
  readonly verb: string;
  /** The caller's file, or the bytes themselves, or who makes them. */
  readonly source: { readonly path: string } | { readonly content: Uint8Array | (() => Promise<Uint8Array>); readonly fileName: string };
  /** `none` for a file that will not change until it is delivered. */
  readonly pin: "copy" | "none";
  readonly contentType: string;
  /** The object's key, given the content's digest. */
  readonly keyOf: (file: { readonly fileName: string; readonly sha256: string }) => string;
  /** True: stored under this very key, also when the same bytes are stored under another already. Default false. */
  readonly ownKey?: boolean;
  /** A second key, under which only the newest is found. */
  readonly aliasKeyOf?: ((file: { readonly fileName: string; readonly sha256: string }) => string) | undefined;
  readonly factOf: (file: StoredFile) => Fact;
  /** Records of one key replace each other while they wait. */
  readonly replaceKey: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Never rejects, but for an abort by the caller's own signal. */
export function takeFile(run: Run, request: TakeFileRequest): Promise<UploadReceipt> {
  const refusal = run.refusal(request.verb);
  if (refusal) return Promise.resolve(withoutFile(refusal));
  const { store, noStoreReason } = run.parts;
  if (store === undefined) return Promise.resolve(withoutFile(run.reject(request.verb, noStoreReason)));
  return run.track(take(run, request), "file");
}

async function take(run: Run, request: TakeFileRequest): Promise<UploadReceipt> {
  const { parts } = run;
  const { verb, source, signal } = request;
  try {
    const fileName = "path" in source ? path.basename(source.path) : source.fileName;
    const directory = parts.pinDirectory;
    const pinned =
      "path" in source
        ? await pinFile({
            source: source.path,
            directory,
            pin: request.pin,
            signal: signal ?? new AbortController().signal,
            clock: parts.clock,
          })
        : await pinBytes({ content: typeof source.content === "function" ? await source.content() : source.content, fileName, directory });
    if ("rejected" in pinned) return withoutFile(run.reject(verb, pinned.rejected));
    return await announce(run, request, fileName, pinned);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    return withoutFile(run.reject(verb, describeError(error)));
  }
}

async function announce(run: Run, request: TakeFileRequest, fileName: string, pinned: PinnedFile): Promise<UploadReceipt> {
  const { outbox, store } = run.parts;
  if (outbox === undefined || store === undefined) return withoutFile(run.reject(request.verb, run.parts.noStoreReason));
  const known = request.ownKey === true ? undefined : run.storedKey(pinned.sha256);
  const key = known ?? request.keyOf({ fileName, sha256: pinned.sha256 });
  const file: StoredFile = {
    uri: store.uriOf(key),
    key,
    fileName,
    sizeBytes: pinned.sizeBytes,
    sha256: pinned.sha256,
    contentType: request.contentType,
    ...(request.aliasKeyOf ? { aliasKey: request.aliasKeyOf({ fileName, sha256: pinned.sha256 }) } : {}),
  };
  const fact = request.factOf(file);
  const { record, durable } = outbox.append({
    fact,
    traits: {
      attachment: {
        path: pinned.path,
        pinned: pinned.pinned,
        sizeBytes: pinned.sizeBytes,
        ...(request.replaceKey === undefined ? {} : { replaceKey: request.replaceKey }),
      },
    },
  });
  if (request.ownKey !== true) run.noteStoredKey(pinned.sha256, key);
  const delivered = outbox.outcome(record);
  const receipt = await durable;
  if (receipt.status === "rejected") return withoutFile(run.reject(request.verb, receipt.reason));
  // Waited for: a program that is killed once this call has answered goes on from this checkpoint, not from the one before.
  if (fact.kind === "checkpoint") await run.parts.resume?.noteCheckpoint(record.sequence, fact, delivered);
  const common = {
    id: record.id,
    sequence: record.sequence,
    rejectedItems: [],
    file: { uri: file.uri, key, sizeBytes: file.sizeBytes, sha256: file.sha256 },
    uri: file.uri,
    // Looked at means waited for: from then on it keeps the process up.
    get delivered() {
      return keptUp(delivered);
    },
  };
  return Object.defineProperties(
    receipt.status === "durable" ? { status: "durable" as const } : { status: "volatile" as const, reason: receipt.reason },
    Object.getOwnPropertyDescriptors(common),
  ) as UploadReceipt;
}

/** The receipt of a call that took nothing in. */
export function withoutFile(receipt: Receipt): UploadReceipt {
  const reason = "reason" in receipt ? receipt.reason : receipt.status;
  return { ...receipt, delivered: Promise.resolve<Outcome>({ status: "rejected", reasons: { call: reason } }) };
}
