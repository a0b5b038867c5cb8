/**
 * Files of tasks and models wherever their addresses say: on ClearML's file server, in S3 or a compatible store, in a
 * folder. What is stored is verified before its address is handed out, and what is fetched before it takes its name.
 * It knows no task and registers nothing.
 */
import { rename, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { systemClock, type Clock } from "../base/clock.js";
import { ConfigError, TrainerSDKError, UploadError } from "../base/errors.js";
import { newId, type Random } from "../base/ids.js";
import { silentLogger, type Logger } from "../base/logger.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import { FileServerObjectStore } from "../storage/fileserver-object-store.js";
import type { FileToStore, ObjectStore, UploadProgress } from "../storage/object-store.js";
import { createObjectReader } from "../storage/open-object-reader.js";
import { createObjectStore } from "../storage/open-object-store.js";
import { hashFile } from "../storage/private-copy.js";
import type { AwsLoader } from "../storage/s3-client.js";
import type { DownloadedFile, FileServer } from "./file-server.js";
import { fileServerPort } from "./file-server-port.js";
import { objectAddress, type ObjectAddress } from "./object-address.js";
import type { CallRetry, Environment } from "./options.js";
import { DEFAULT_RETRY_BUDGET_MS, retrying } from "../base/retrying.js";

export interface ObjectFilesOptions {
  readonly files: FileServer;
  /** Keys of S3 endpoints come from here. */
  readonly env: Environment;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
  /** False: one attempt. */
  readonly retry?: CallRetry | false | undefined;
  /**
   * Default: the installed AWS packages, loaded at the first use.
   *
   * @internal Its type names those packages, which whoever uses no S3 has not installed.
   */
  readonly loadAws?: AwsLoader | undefined;
}

/** How a file is stored. */
export interface StoreFileOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

/** How a file is fetched. */
export interface FetchFileOptions {
  /** Bytes expected. */
  readonly sizeBytes?: number | undefined;
  /** SHA-256 expected, hexadecimal. */
  readonly sha256?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Stores and fetches files by address. */
export class ObjectFiles {
  readonly #options: ObjectFilesOptions;
  readonly #stores = new Map<string, ObjectStore>();

  constructor(options: ObjectFilesOptions) {
    this.#options = options;
  }

  /**
   * Stores a file under an object path at a destination and resolves with its address once the store has verified it.
   * Failures that may pass are tried again within the session's budget.
   *
   * @param destination `s3://bucket/prefix`, `s3://host:port/bucket/prefix`, `file:///folder`, an absolute path, or an
   * address on ClearML's file server. Undefined or empty: the file server.
   * @throws ConfigError for a destination that cannot be used; UploadError, `FILE_CHANGED` when the file is no longer
   * what `file` says; ApiError, ConnectionError; the signal's reason.
   */
  async put(destination: string | undefined, objectPath: string, file: FileToStore, options: StoreFileOptions = {}): Promise<string> {
    const { store, prefix } = this.#placeOf(destination?.trim() ?? "");
    const { onProgress } = options;
    const signal = options.signal ?? new AbortController().signal;
    const key = `${prefix}${objectPath}`;
    await this.#repeating(signal, () => store.put(key, file, { signal, ...(onProgress ? { onProgress } : {}) }));
    const uri = store.uriOf(key);
    // ClearML's client cuts `file://` off and opens what is left, percent signs and all.
    return store.kind === "folder" ? `file://${fileURLToPath(uri)}` : uri;
  }

  /**
   * Fetches a file into `targetPath`, which then holds the whole verified file, or what was there before.
   *
   * @throws ConfigError for an address that this package cannot reach; UploadError when the file cannot be read or is
   * not what was expected; ApiError, ConnectionError; the signal's reason.
   */
  async fetch(uri: string, targetPath: string, options: FetchFileOptions = {}): Promise<DownloadedFile> {
    const signal = options.signal ?? new AbortController().signal;
    const address = objectAddress(uri);
    return this.#repeating(signal, () => this.#fetchOnce(address, uri, targetPath, options));
  }

  async #fetchOnce(address: ObjectAddress, uri: string, targetPath: string, options: FetchFileOptions): Promise<DownloadedFile> {
    switch (address.kind) {
      case "http":
        return this.#options.files.download(address.url, targetPath, options);
      case "s3": {
        const { bucket, host, key } = address;
        return this.#read({ kind: "s3", bucket, prefix: "", ...(host === undefined ? {} : { host }) }, key, uri, targetPath, options);
      }
      case "file": {
        const path = await localPathOf(address);
        return this.#read({ kind: "folder", directory: dirname(path) }, basename(path), uri, targetPath, options);
      }
      case "other": {
        const message = `${uri.slice(0, 200)} cannot be fetched: http, https, s3 and file addresses can`;
        throw new ConfigError(`${message}.`, [{ path: "uri", message }]);
      }
    }
  }

  /** Frees what the stores hold. */
  async close(): Promise<void> {
    const stores = [...this.#stores.values()];
    this.#stores.clear();
    await Promise.all(stores.map((store) => store.close()));
  }

  async #read(
    spec: Parameters<typeof createObjectReader>[0],
    key: string,
    uri: string,
    targetPath: string,
    options: FetchFileOptions,
  ): Promise<DownloadedFile> {
    const signal = options.signal ?? new AbortController().signal;
    const reader = createObjectReader(spec, this.#options.env, this.#options.loadAws);
    const partial = `${targetPath}.${newId().slice(0, 8)}.partial`;
    try {
      await reader.download(key, partial, signal);
      const { sizeBytes, sha256 } = await hashFile(partial, signal);
      if (options.sizeBytes !== undefined && options.sizeBytes !== sizeBytes)
        throw mismatch(uri, `${String(options.sizeBytes)} bytes`, String(sizeBytes));
      if (options.sha256 !== undefined && options.sha256.toLowerCase() !== sha256) throw mismatch(uri, `SHA-256 ${options.sha256}`, sha256);
      await rename(partial, targetPath);
      return { path: targetPath, sizeBytes, sha256 };
    } finally {
      await rm(partial, { force: true });
      await reader.close();
    }
  }

  #placeOf(destination: string): { readonly store: ObjectStore; readonly prefix: string } {
    const { files, env, logger = silentLogger, loadAws } = this.#options;
    if (destination === "" || /^https?:/i.test(destination)) {
      const path = destination === "" ? "" : files.pathOf(`${destination.replace(/\/+$/, "")}/`);
      if (path === undefined) throw unusable(destination, "it is not on this ClearML's file server (CLEARML_FILES_HOST)");
      const store = this.#kept("fileserver", () => new FileServerObjectStore({ fileServer: fileServerPort(files) }));
      return { store, prefix: path };
    }
    const place = isAbsolute(destination) ? pathToFileURL(destination).href : destination;
    const parsed = parseCheckpointUri(place, "destination");
    if (parsed.status === "invalid") throw unusable(destination, parsed.issues.map(({ message }) => message).join(" "));
    const { spec } = parsed;
    return { store: this.#kept(destination, () => createObjectStore(spec, { env, logger, loadAws })), prefix: "" };
  }

  #kept(name: string, open: () => ObjectStore): ObjectStore {
    const known = this.#stores.get(name);
    if (known) return known;
    const store = open();
    this.#stores.set(name, store);
    return store;
  }

  #repeating<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const { retry = {}, clock = systemClock, random = Math.random, logger = silentLogger } = this.#options;
    if (retry === false) return attempt();
    return retrying(attempt, {
      budgetMs: retry.budgetMs ?? DEFAULT_RETRY_BUDGET_MS,
      clock,
      random,
      signal,
      mayRepeat: (error) => TrainerSDKError.isInstance(error) && error.retryable,
      onWait: (error, delayMs) => {
        logger.debug("a file's transfer failed and is tried again", { delayMs: Math.round(delayMs), reason: error.message });
      },
    });
  }
}

/** The path as it stands in the address, as ClearML's client writes it; else the decoded one, as other programs do. */
export async function localPathOf({ url, path }: Extract<ObjectAddress, { readonly kind: "file" }>): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || !path.includes("%") ? path : fileURLToPath(url);
}

function unusable(destination: string, why: string): ConfigError {
  // Without a user, a password or a query, which may be keys.
  const shown = destination.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/s, "");
  const message = `nothing can be stored at ${shown}: ${why}`;
  return new ConfigError(`The output destination cannot be used: ${message}.`, [{ path: "destination", message }]);
}

function mismatch(uri: string, expected: string, found: string): UploadError {
  return new UploadError(
    `What came from ${uri} is not what was expected: ${expected}, found ${found}. The stored file is damaged, or was replaced.`,
    { retryable: false },
  );
}
