/**
 * A bucket as a place for bytes: AWS, or anything that speaks S3. Rights used: `s3:PutObject` and
 * `s3:AbortMultipartUpload`, no more. What was stored is verified by what the store says of it while it takes it, and by
 * the digest of the bytes that were read; nothing is read back. When to try again is the caller's business.
 */
import type { S3Client } from "@aws-sdk/client-s3";
import { ClosedError, describeError, UploadError } from "../base/errors.js";
import { publicUrl } from "../base/http.js";
import type { Logger } from "../base/logger.js";
import { raceWithSignal } from "./race-with-signal.js";
import type { FileToStore, ObjectStore, PutOptions, UploadMemory } from "./object-store.js";
import { planParts } from "./part-plan.js";
import { PartReader } from "./part-reader.js";
import { createS3Client, importAws, loadAws, type AwsLoader, type AwsModules, type S3Timeouts } from "./s3-client.js";
import { s3Failure, type S3Target } from "./s3-errors.js";
import { startMultipart } from "./s3-multipart.js";
import type { S3Settings } from "./s3-settings.js";
import { signOver } from "./s3-signed-digest.js";
import { takeBack, type UnfinishedUpload } from "./s3-take-back.js";
import { S3UploadState } from "./s3-upload-state.js";
import { warmUp } from "./s3-warm-up.js";

/** How long `close` waits for unfinished uploads to be taken back. */
const CLOSE_WAIT_MS = 2_000;

export interface S3ObjectStoreOptions extends S3Timeouts {
  readonly settings: S3Settings;
  readonly logger: Logger;
  /** Default: the installed packages. */
  readonly loadAws?: AwsLoader | undefined;
}

interface Opened {
  readonly aws: AwsModules;
  readonly client: S3Client;
}

export class S3ObjectStore implements ObjectStore {
  readonly kind = "s3";
  readonly #options: S3ObjectStoreOptions;
  readonly #cleanups = new Set<Promise<void>>();
  #opening: Promise<Opened> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: S3ObjectStoreOptions) {
    this.#options = options;
  }

  describe(): string {
    const { bucket, prefix } = this.#options.settings;
    return `S3 bucket ${bucket} at ${this.#endpoint()}${prefix === "" ? "" : `, prefix ${prefix}`}`;
  }

  uriOf(key: string): string {
    return `${this.#options.settings.uriBase}/${this.#keyOf(key)}`;
  }

  async prepare(): Promise<void> {
    const { aws } = await this.#open();
    await warmUp(aws, this.#options.settings);
  }

  async put(key: string, file: FileToStore, options: PutOptions): Promise<void> {
    options.signal.throwIfAborted();
    if (this.#closed) throw new ClosedError(`The store is closed; ${key} was not uploaded.`);
    const { signal } = options;
    try {
      // The packages, the credentials, a socket: none of them may keep an abort waiting.
      const opened = await raceWithSignal(this.#open(), signal);
      if (planParts(file.sizeBytes).parts === 1) await raceWithSignal(this.#putWhole(opened, key, file, options), signal);
      else await this.#putParts(opened, key, file, options);
    } catch (error) {
      signal.throwIfAborted();
      throw s3Failure(error, this.#target(key));
    }
  }

  async discard(key: string, memory: UploadMemory, { signal }: { readonly signal: AbortSignal }): Promise<boolean> {
    signal.throwIfAborted();
    const uploadId = S3UploadState.unfinishedId(memory);
    if (uploadId === undefined) return true;
    if (this.#closed) return false;
    const opened = await raceWithSignal(this.#open(), signal);
    if (!(await raceWithSignal(takeBack(this.#unfinished(opened, key), uploadId, signal), signal))) return false;
    await S3UploadState.forget(memory);
    return true;
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    const timeout = AbortSignal.timeout(CLOSE_WAIT_MS);
    await raceWithSignal(Promise.allSettled(this.#cleanups), timeout).catch(() => undefined);
    (await this.#opening?.catch(() => undefined))?.client.destroy();
  }

  async #putWhole({ aws, client }: Opened, key: string, file: FileToStore, { signal, onProgress }: PutOptions): Promise<void> {
    const { bucket, isAws } = this.#options.settings;
    const body = await wholeContent(file, signal);
    const checksum = Buffer.from(file.sha256, "hex").toString("base64");
    const answer = await new aws.storage.Upload({
      client: signingClient(client, file.sha256, signal),
      params: {
        Bucket: bucket,
        Key: this.#keyOf(key),
        Body: body,
        ContentLength: body.length,
        ContentType: file.contentType,
        Metadata: { sha256: file.sha256 },
        ...(isAws ? { ChecksumSHA256: checksum } : {}),
      },
      partSize: planParts(file.sizeBytes).partBytes,
    }).done();
    // Some proxy's 200 is not the store's.
    if (answer.ETag === undefined)
      throw new UploadError(`${this.describe()} took ${key} without an ETag, so it is not sure to have it.`, { retryable: true });
    if (answer.ChecksumSHA256 !== undefined && answer.ChecksumSHA256 !== checksum) {
      throw new UploadError(`${this.describe()} holds something else under ${key} than what was sent.`, { retryable: true });
    }
    onProgress?.({ key, sentBytes: file.sizeBytes, totalBytes: file.sizeBytes });
  }

  async #putParts(opened: Opened, key: string, file: FileToStore, options: PutOptions): Promise<void> {
    const { signal, memory, onProgress } = options;
    const upload = startMultipart({ ...this.#unfinished(opened, key), isAws: this.#options.settings.isAws }, file, {
      signal,
      ...(memory ? { memory } : {}),
      ...(onProgress ? { onProgress: (progress) => onProgress({ ...progress, key }) } : {}),
    });
    this.#cleanups.add(upload.cleaned);
    void upload.cleaned.then(() => this.#cleanups.delete(upload.cleaned));
    try {
      await upload.done;
    } catch (error) {
      // A retry must not meet the remains of this one; only an abort is in a hurry.
      if (!signal.aborted) await raceWithSignal(upload.cleaned, signal);
      throw error;
    }
  }

  #unfinished(opened: Opened, key: string): UnfinishedUpload {
    const { bucket } = this.#options.settings;
    return {
      ...opened,
      bucket,
      key: this.#keyOf(key),
      onLeftover: (uploadId, error) =>
        this.#options.logger.warn(
          "an unfinished upload could not be taken back; a lifecycle rule (AbortIncompleteMultipartUpload) should",
          {
            bucket,
            key,
            uploadId,
            error: describeError(error),
          },
        ),
    };
  }

  #open(): Promise<Opened> {
    // A failed start is not kept: the package may be installed, the credentials appear.
    this.#opening ??= loadAws(this.#options.loadAws ?? importAws, this.#options.settings)
      .then((aws) => ({ aws, client: createS3Client(aws, this.#options.settings, this.#options) }))
      .catch((error: unknown) => {
        this.#opening = undefined;
        throw error;
      });
    return this.#opening;
  }

  #keyOf(key: string): string {
    const { prefix } = this.#options.settings;
    return prefix === "" ? key : `${prefix}/${key}`;
  }

  #endpoint(): string {
    const { endpoint, region } = this.#options.settings;
    return endpoint === undefined ? `AWS${region === undefined ? "" : ` (${region})`}` : publicUrl(endpoint).replace(/\/$/, "");
  }

  #target(key: string): S3Target {
    const { bucket, namedBy } = this.#options.settings;
    return { bucket, key: this.#keyOf(key), endpoint: this.#endpoint(), namedBy };
  }
}

/** The whole of a small file, verified. */
async function wholeContent(file: FileToStore, signal: AbortSignal): Promise<Buffer> {
  const reader = await PartReader.open(file);
  try {
    const { bytes } = await reader.next(Buffer.allocUnsafeSlow(file.sizeBytes), signal);
    await reader.verify();
    return bytes;
  } finally {
    await reader.close();
  }
}

/** The client as the uploader sees it: its one request is signed over the digest that is known, and ends with the caller. */
function signingClient(client: S3Client, sha256: string, abortSignal: AbortSignal): S3Client {
  const send = (command: Parameters<S3Client["send"]>[0]): Promise<unknown> => {
    signOver(command, sha256);
    return client.send(command, { abortSignal });
  };
  return Object.create(client, { send: { value: send } }) as S3Client;
}
