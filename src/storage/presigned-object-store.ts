/**
 * A place for bytes without credentials: for each file somebody who has them is asked for an address to put it to, which
 * holds for a while. One request a file, so 5 GiB is the most; the store checks the bytes against their MD5.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.js";
import { ClosedError, UploadError } from "../base/errors.js";
import { publicUrl, type HttpResponse, type HttpTransport } from "../base/http.js";
import { isOutageStatus } from "../base/retry.js";
import type { FileToStore, ObjectStore, PutOptions } from "./object-store.js";
import { raceWithSignal } from "./race-with-signal.js";
import { Sending } from "./sending.js";
import { verifiedBytes } from "./verified-bytes.js";

/** Where one file may be put. */
export interface UploadTicket {
  /** Signed; a secret until it expires. */
  readonly url: string;
  /** The object's key in the bucket. */
  readonly objectKey: string;
  readonly expiresInMs: number;
}

/** Whoever signs. */
export interface UploadTicketPort {
  /** For people; never a secret. */
  describe(): string;
  /** The address at which a file of this name will be found; pure. */
  uriOf(fileName: string): string;
  /** The key that a file of this name is expected under; pure. */
  objectKeyOf(fileName: string): string;
  /** @throws UploadError, its code and `retryable` telling an outage from a refusal; the signal's reason. */
  ask(file: { readonly fileName: string; readonly contentType: string }, options: { readonly signal: AbortSignal }): Promise<UploadTicket>;
}

export interface PresignedObjectStoreOptions {
  readonly tickets: UploadTicketPort;
  /** Shared; the store does not close it. */
  readonly transport: HttpTransport;
  readonly clock: Clock;
}

/** S3's limit of an object in one request. */
const MAX_FILE_BYTES = 5 * 1024 ** 3;
/** Addresses for one try: one that expires on the way is replaced; a store whose clock is wrong would expire them all. */
const MAX_TICKETS = 3;
/** Time for a file of its size: at least this, and no less than a megabyte a second. */
const MIN_TIMEOUT_MS = 120_000;
const SLOWEST_BYTES_PER_MS = 1_000;

type Answer = "stored" | "expired";

export class PresignedObjectStore implements ObjectStore {
  readonly kind = "presigned";
  readonly #options: PresignedObjectStoreOptions;
  #isClosed = false;

  constructor(options: PresignedObjectStoreOptions) {
    this.#options = options;
  }

  describe(): string {
    return this.#options.tickets.describe();
  }

  uriOf(key: string): string {
    return this.#options.tickets.uriOf(nameOf(key));
  }

  async put(key: string, file: FileToStore, options: PutOptions): Promise<void> {
    const { signal } = options;
    signal.throwIfAborted();
    if (this.#isClosed) throw new ClosedError(`The store is closed; ${key} was not uploaded.`);
    if (file.sizeBytes > MAX_FILE_BYTES) {
      throw new UploadError(
        `${file.path} has ${String(file.sizeBytes)} bytes, and a presigned address takes at most 5 GiB. Give the trainer credentials of the storage (INTERNAL_STORAGE_ACCESS_KEY, INTERNAL_STORAGE_SECRET_KEY).`,
        { retryable: false },
      );
    }
    const md5 = await md5Of(file, signal);
    for (let tickets = 1; ; tickets++) {
      const answer = await this.#putOnce(key, file, md5, options);
      if (answer === "stored") return;
      if (tickets === MAX_TICKETS) {
        throw new UploadError(
          `${key} could not be uploaded: the address that the ${this.describe()} gave had expired ${String(tickets)} times before the file was through. Check the clocks of backend and storage.`,
          { retryable: true },
        );
      }
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  async #putOnce(key: string, file: FileToStore, md5: Buffer, options: PutOptions): Promise<Answer> {
    const { tickets, transport, clock } = this.#options;
    const { signal } = options;
    const { sizeBytes, contentType } = file;
    const askedAtMs = clock.monotonic();
    const ticket = await raceWithSignal(tickets.ask({ fileName: nameOf(key), contentType }, { signal }), signal);
    if (ticket.objectKey !== tickets.objectKeyOf(nameOf(key))) {
      throw new UploadError(
        `The ${this.describe()} would store ${key} as ${ticket.objectKey}, but it is announced as ${tickets.uriOf(nameOf(key))}. Nothing was uploaded; give the trainer credentials of the storage.`,
        { retryable: false },
      );
    }
    const sending = new Sending(key, file, options);
    try {
      const request = transport.send({
        method: "PUT",
        url: ticket.url,
        // The type is part of what was signed; the digest makes the store refuse what was damaged on the way.
        headers: { "content-type": contentType, "content-length": String(sizeBytes), "content-md5": md5.toString("base64") },
        body: sizeBytes === 0 ? new Uint8Array() : sending.open(),
        timeoutMs: Math.max(MIN_TIMEOUT_MS, Math.ceil(sizeBytes / SLOWEST_BYTES_PER_MS)),
        signal,
      });
      return judge(await raceWithSignal(request, signal), key, publicUrl(ticket.url), md5);
    } catch (error) {
      signal.throwIfAborted();
      if (sending.failure !== undefined) throw sending.failure;
      // A store may hang up instead of answering when an address expires under a file that is still coming.
      if (!UploadError.isInstance(error) && clock.monotonic() - askedAtMs >= ticket.expiresInMs) return "expired";
      throw error;
    } finally {
      sending.end();
    }
  }
}

/** @throws UploadError for an answer that is neither. */
function judge(response: HttpResponse, key: string, target: string, md5: Buffer): Answer {
  const { status, headers } = response;
  const code = /<Code>([A-Za-z0-9]{1,64})<\/Code>/.exec(response.text())?.[1];
  const said = `PUT ${target} answered ${String(status)}${code === undefined ? "" : ` (${code})`}`;
  if (status >= 200 && status < 300) {
    const etag = (headers["etag"] ?? "").replaceAll('"', "");
    // Only of a plain object is the tag its MD5; under a key of its own it is something else of that length.
    const isPlain = /^[0-9a-f]{32}$/.test(etag) && (headers["x-amz-server-side-encryption"] ?? "AES256") === "AES256";
    if (!isPlain || etag === md5.toString("hex")) return "stored";
    throw new UploadError(`${key} was not stored as it was sent: ${said} with the tag ${etag}.`, { retryable: true });
  }
  const isSignature = code === "SignatureDoesNotMatch" || code === "InvalidAccessKeyId";
  if ((status === 403 || status === 401 || (status === 400 && /expired/i.test(response.text()))) && !isSignature) return "expired";
  if (isOutageStatus(status))
    throw new UploadError(`${key} could not be uploaded: ${said}.`, { code: "STORAGE_UNAVAILABLE", retryable: true });
  const passes = status < 400 || status >= 500 || isSignature || code === "BadDigest" || code === "RequestTimeout";
  throw new UploadError(`${key} could not be uploaded: ${said}.`, { retryable: passes });
}

/** The last part of a key: it carries the digest, so it is a name of its own. */
function nameOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

/** @throws UploadError `FILE_CHANGED` when the file is no longer what it was. */
async function md5Of(file: FileToStore, signal: AbortSignal): Promise<Buffer> {
  const hash = createHash("md5");
  for await (const slice of verifiedBytes(file, { signal })) hash.update(slice);
  return hash.digest();
}
