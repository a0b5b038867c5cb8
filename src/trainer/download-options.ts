/** What downloads take, and where their cache lies: given, then environment, then default. */
import { tmpdir } from "node:os";
import path from "node:path";
import type { Dispatcher } from "undici";
import { readClearMLConf } from "../base/clearml-conf.js";
import type { Logger } from "../base/logger.js";
import type { ClearMLConnection } from "../clearml/options.js";
import type { DownloadProgress } from "../storage/download/fetch-set.js";
import { checkObject, checkOptionalBoolean, checkOptionalText, wrongType } from "./check.js";
import { readEnvironment, type Environment } from "./environment.js";
import type { StorageCredentials } from "./options.js";

/** How a download is done. */
export interface DownloadOptions {
  /** Where it goes: a folder (of a checkpoint: a file) that is the caller's from then on. Default: into the shared cache. */
  readonly to?: string;
  /** Something else at `to` goes, once the new is here whole. Default false: that is an error. */
  readonly replace?: boolean;
  /** `TRAINER_CACHE_DIR`, else `DATASET_CACHE_DIR`. Default `trainer-sdk` in the cache that `clearml.conf` names (`sdk.storage.cache.default_base_dir`), else in the user's (`XDG_CACHE_HOME`, `~/.cache`). */
  readonly cacheDir?: string;
  /** Of everything in the cache. `TRAINER_CACHE_MAX_GB`, else `DATASET_CACHE_MAX_GB`. Default 50 GB. */
  readonly maxCacheBytes?: number;
  /** Files at the same time. Default 8. */
  readonly parallel?: number;
  /** How long a file is tried without a byte coming. Default 10 minutes. */
  readonly retryBudgetMs?: number;
  /** Called now and then, and at the end. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** A bar on stderr. Default: when that is a terminal. */
  readonly progressBar?: boolean;
  readonly signal?: AbortSignal;
}

/** The same, where there is no SDK that knows the surroundings. */
export interface StandaloneDownloadOptions extends DownloadOptions {
  /** Default `process.env`. */
  readonly env?: Environment;
  /** Keys of the S3 endpoint. Default: the environment's. */
  readonly credentials?: StorageCredentials;
  /** Where ClearML is, for files on its file server. Default: the environment's. */
  readonly clearml?: ClearMLConnection;
  readonly logger?: Logger;
  /** A way to the network of the caller's own, for http addresses. */
  readonly dispatcher?: Dispatcher;
  /** As above. */
  readonly fetch?: typeof globalThis.fetch;
}

/** With nothing left open. */
export interface ResolvedDownloadOptions {
  readonly cacheDirectory: string;
  readonly maxCacheBytes: number;
  readonly parallel: number;
  readonly retryBudgetMs: number;
}

const DEFAULT_CACHE_GB = 50;
const GB = 1_000_000_000;

/** @throws ValidationError for an option of the wrong type. */
export function checkDownloadOptions(verb: string, options: DownloadOptions): void {
  checkObject(verb, "options", options);
  checkOptionalText(verb, "to", options.to);
  checkOptionalText(verb, "cacheDir", options.cacheDir);
  checkOptionalBoolean(verb, "replace", options.replace);
  checkOptionalBoolean(verb, "progressBar", options.progressBar);
  for (const field of ["maxCacheBytes", "parallel", "retryBudgetMs"] as const) {
    const value: unknown = options[field];
    if (value !== undefined && (typeof value !== "number" || !(value >= (field === "parallel" ? 1 : 0))))
      wrongType(verb, field, "a number of 0 or more (of files: 1)", value);
  }
}

/** Given, then environment, then default. A variable that cannot be used counts as absent, and is warned of. */
export function resolveDownloadOptions(given: DownloadOptions, env: Environment, logger: Logger): ResolvedDownloadOptions {
  const { values, issues } = readEnvironment(env);
  for (const { path: name, message } of issues) if (name.includes("_CACHE_")) logger.warn(`${name} ${message}; it is left out`);
  const folder = given.cacheDir ?? values.TRAINER_CACHE_DIR ?? values.DATASET_CACHE_DIR ?? defaultFolder(env);
  return {
    cacheDirectory: path.resolve(folder),
    maxCacheBytes: given.maxCacheBytes ?? (values.TRAINER_CACHE_MAX_GB ?? values.DATASET_CACHE_MAX_GB ?? DEFAULT_CACHE_GB) * GB,
    parallel: Math.floor(given.parallel ?? 8),
    retryBudgetMs: given.retryBudgetMs ?? 600_000,
  };
}

function defaultFolder(env: Environment): string {
  const ofClearML = readClearMLConf(env).cacheDirectory;
  if (ofClearML !== undefined) return path.join(ofClearML, "trainer-sdk");
  const home = env["XDG_CACHE_HOME"] ?? (env["HOME"] === undefined ? undefined : path.join(env["HOME"], ".cache"));
  return path.join(home ?? tmpdir(), "trainer-sdk");
}
