/**
 * Where the files of a run go: through the server; or, where its artifacts lie in a bucket or a folder of their own, straight there, with
 * this process's own rights.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { ConfigError, describeError, TrainerSDKError } from "../../base/errors.js";
import { fileRoute } from "../../mlflow/artifact-route.js";
import type { MlflowWriter } from "../../mlflow/mlflow-writer.js";
import { MULTIPART_BYTES } from "../../mlflow/multipart-put.js";
import type { ObjectStore } from "../../storage/object-store.js";

/** A file on its way. */
export interface RunFile {
  readonly body: string | Readable;
  readonly sizeBytes: number;
  readonly contentType: string;
}

/** A place for the files of one run. */
export interface RunFiles {
  /** @throws ApiError, ConnectionError, UploadError; ConfigError when it takes none from here, with what to set; what the body failed with. */
  put(path: string, file: RunFile, signal: AbortSignal): Promise<void>;
}

/** Through the server. */
export class ProxiedFiles implements RunFiles {
  readonly #writer: MlflowWriter;
  readonly #route: string;

  constructor(writer: MlflowWriter, route: string) {
    this.#writer = writer;
    this.#route = route;
  }

  async put(path: string, { body, sizeBytes, contentType }: RunFile, signal: AbortSignal): Promise<void> {
    const route = fileRoute(this.#route, path);
    const isLarge = typeof body !== "string" && sizeBytes >= MULTIPART_BYTES;
    if (isLarge && (await this.#writer.putInParts(route, { body, sizeBytes }, { signal }))) return;
    await this.#writer.putFile(route, { body, sizeBytes, contentType }, { signal });
  }
}

/** Straight into the run's own store. The file is written down first: only of one that lies still a store can say that it has it whole. */
export class StoredFiles implements RunFiles {
  readonly #writer: MlflowWriter;
  readonly #runId: string;
  readonly #store: ObjectStore;
  /** Of a folder: the server is known to see it too. */
  #isShared = false;

  constructor(writer: MlflowWriter, runId: string, store: ObjectStore) {
    this.#writer = writer;
    this.#runId = runId;
    this.#store = store;
  }

  async put(path: string, { body, contentType }: RunFile, signal: AbortSignal): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-mlflow-"));
    try {
      const file = join(folder, "file");
      const hash = createHash("sha256");
      const source = typeof body === "string" ? Readable.from([Buffer.from(body)], { objectMode: false }) : body;
      await pipeline(
        source,
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(file),
        { signal },
      );
      const { size: sizeBytes } = await stat(file);
      await this.#store.put(path, { path: file, sizeBytes, sha256: hash.digest("hex"), contentType }, { signal });
      await this.#prove(path, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw isRefusal(error) ? refusal(this.#runId, this.#store, describeError(error)) : error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** A folder of this name may be another on the server's machine: then a file in it would be nowhere. */
  async #prove(path: string, signal: AbortSignal): Promise<void> {
    if (this.#store.kind !== "folder" || this.#isShared) return;
    this.#isShared = await this.#writer.listsFile(this.#runId, path, { signal });
    if (this.#isShared) return;
    await unlink(fileURLToPath(this.#store.uriOf(path))).catch(() => undefined);
    throw refusal(this.#runId, this.#store, "the MLflow server does not see what is written there: it is not the same disk");
  }
}

/** What a person must mend. Credentials may come to a machine later, but MLflow's points must not wait for that. */
function isRefusal(error: unknown): boolean {
  if (ConfigError.isInstance(error) || !TrainerSDKError.isInstance(error) || error.code === "FILE_CHANGED") return false;
  return !error.retryable || (error.cause instanceof Error && error.cause.name === "CredentialsProviderError");
}

/** @param reason - Why not, without a full stop. */
export function refusal(runId: string, store: ObjectStore | string, reason: string): ConfigError {
  const place = typeof store === "string" ? store : `the ${store.describe()}`;
  const message =
    `has the files of run ${runId} in ${place}, where they cannot be put from here: ${reason.replace(/\.$/, "")}. ` +
    "For a bucket set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or give the machine a role, and MLFLOW_S3_ENDPOINT_URL where it is not at AWS; " +
    "a folder must be the server's own disk, at the same path; or start the server with --serve-artifacts";
  return new ConfigError(`MLflow ${message}.`, [{ path: "MLFLOW_TRACKING_URI", message }]);
}
