/**
 * `downloadDataset` and `downloadCheckpoint`: bytes that a job begins with. Unlike the verbs that report, these are waited
 * for and do reject: a training without its data is none.
 */
import path from "node:path";
import { keptUp } from "../base/background.js";
import { systemClock, type Clock } from "../base/clock.js";
import { withConfEnvironment } from "../base/conf-environment.js";
import { DownloadError } from "../base/errors.js";
import { fetchTransport, undiciTransport, type StreamingHttpTransport } from "../base/http.js";
import type { Random } from "../base/ids.js";
import { silentLogger, type Logger } from "../base/logger.js";
import { readNetwork, type NetworkSettings } from "../base/network.js";
import { clearmlCertificates, type ClearMLConnection } from "../clearml/options.js";
import { DownloadCache } from "../storage/download/download-cache.js";
import type { DownloadProgress, FetchSetOptions, WantedFile } from "../storage/download/fetch-set.js";
import type { SourceFile } from "../storage/download/file-source.js";
import type { DownloadManifest } from "../storage/download/manifest.js";
import { patiently } from "../storage/download/patience.js";
import { fetchToFolder } from "../storage/download/target-folder.js";
import { checkObject, checkOptionalText, checkText, wrongType } from "./check.js";
import { DownloadBar } from "./download-bar.js";
import {
  resolveDownloadOptions,
  type DownloadOptions,
  type ResolvedDownloadOptions,
  type StandaloneDownloadOptions,
} from "./download-options.js";
import { datasetUriOf, DownloadSources } from "./download-sources.js";
import type { Environment } from "./environment.js";
import type { StorageCredentials } from "./options.js";

/** One file of a data set. */
export interface DatasetFileInput {
  /** `s3://...`, `file:///...` or an http address. */
  readonly uri: string;
  /** Its place in the data set, with slashes. Default: its own name. */
  readonly path?: string;
  /** Of its content, hexadecimal: what comes is held against it. */
  readonly sha256?: string;
}

/** One address (a prefix or folder with everything below it, or one file), or a list of files. */
export type DatasetSource = string | readonly (string | DatasetFileInput)[];

/** A file that is here. */
export interface DownloadedFile {
  /** Its place in the data set. */
  readonly name: string;
  /** Where it is here. */
  readonly path: string;
  /** Where it came from, without any signature. */
  readonly uri: string;
  readonly sizeBytes: number;
}

/** A data set that is here, whole and verified. */
export interface DownloadedDataset extends AsyncDisposable {
  /** The folder. In the cache it is read-only, and shared. */
  readonly path: string;
  readonly files: readonly DownloadedFile[];
  readonly sizeBytes: number;
  /** What came over the network now; the rest was here. */
  readonly fetchedBytes: number;
  /** Lets the cache remove it when it needs the room. Otherwise it stays for as long as this process lives. */
  release(): Promise<void>;
}

/** A file that is here, whole and verified. */
export interface DownloadedCheckpoint extends AsyncDisposable {
  readonly path: string;
  readonly uri: string;
  readonly sizeBytes: number;
  readonly fetchedBytes: number;
  /** As for a data set. */
  release(): Promise<void>;
}

/** What a download is done with. */
export interface DownloadContext {
  readonly env: Environment;
  readonly transport: StreamingHttpTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly credentials: StorageCredentials | undefined;
  readonly clearml: ClearMLConnection;
  /** Ends every download; the caller's own signal does too. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** What is known of a checkpoint beforehand. */
export interface CheckpointExpectation {
  /** Of its content, hexadecimal: what comes is held against it. */
  readonly sha256?: string;
}

/** The work in surroundings of its own, which are taken down after it. */
export async function standalone<T>(options: StandaloneDownloadOptions, work: (context: DownloadContext) => Promise<T>): Promise<T> {
  const { dispatcher, fetch, credentials, clearml = {}, logger = silentLogger } = options;
  const env = withConfEnvironment(options.env ?? process.env);
  const transport = fetch ? fetchTransport(fetch) : undiciTransport(dispatcher ? { dispatcher } : { network: networkOf(env, logger) });
  try {
    return await work({ env, transport, clock: systemClock, random: Math.random, logger, credentials, clearml });
  } finally {
    await transport.close();
  }
}

function networkOf(env: Environment, logger: Logger): NetworkSettings {
  const network = readNetwork(env, clearmlCertificates(env));
  for (const { path: name, message } of network.issues) logger.warn(`${name} ${message}`);
  return network;
}

/** {@link downloadDataset} in known surroundings. Without a source: the one that the platform's variables name. */
export async function downloadDatasetWith(
  context: DownloadContext,
  given: DatasetSource | undefined,
  options: DownloadOptions,
): Promise<DownloadedDataset> {
  const verb = "downloadDataset";
  const source = given ?? datasetUriOf(context.env);
  const items = typeof source === "string" ? [{ uri: source }] : checkedItems(verb, source);
  const what = typeof source === "string" ? "prefix" : "object";
  const { folder, manifest, fetchedBytes, release } = await download(verb, context, items, what, options);
  return {
    path: folder,
    files: manifest.files.map(({ name, uri, sizeBytes }) => ({ name, path: path.join(folder, ...name.split("/")), uri, sizeBytes })),
    sizeBytes: manifest.sizeBytes,
    fetchedBytes,
    release,
    [Symbol.asyncDispose]: release,
  };
}

/** {@link downloadCheckpoint} in known surroundings. */
export async function downloadCheckpointWith(
  context: DownloadContext,
  uri: string,
  options: DownloadOptions & CheckpointExpectation,
): Promise<DownloadedCheckpoint> {
  const verb = "downloadCheckpoint";
  checkText(verb, "uri", uri);
  checkDigest(verb, options.sha256);
  const item = { uri, ...(options.sha256 === undefined ? {} : { sha256: options.sha256 }) };
  const { folder, manifest, fetchedBytes, release } = await download(verb, context, [item], "object", options);
  const [file] = manifest.files;
  if (!file) throw new DownloadError(`${manifest.uri} holds no file.`, { uri: manifest.uri, retryable: false });
  return {
    path: options.to === undefined ? path.join(folder, ...file.name.split("/")) : folder,
    uri: file.uri,
    sizeBytes: file.sizeBytes,
    fetchedBytes,
    release,
    [Symbol.asyncDispose]: release,
  };
}

interface Downloaded {
  readonly folder: string;
  readonly manifest: DownloadManifest;
  readonly fetchedBytes: number;
  readonly release: () => Promise<void>;
}

function download(
  verb: string,
  context: DownloadContext,
  items: readonly DatasetFileInput[],
  what: "prefix" | "object",
  options: DownloadOptions,
): Promise<Downloaded> {
  const { clock, random, logger, env } = context;
  const resolved = resolveDownloadOptions(options, env, logger);
  const signal = AbortSignal.any([context.signal, options.signal].filter((given) => given !== undefined));
  const isBar = options.progressBar ?? process.stderr.isTTY;
  const bar = isBar ? new DownloadBar(process.stderr) : undefined;
  const onProgress = (progress: DownloadProgress): void => {
    bar?.draw(progress);
    options.onProgress?.(progress);
    context.onProgress?.(progress);
  };
  const patience = { signal, clock, random, logger, retryBudgetMs: resolved.retryBudgetMs };
  const work = async (): Promise<Downloaded> => {
    signal.throwIfAborted();
    const sources = new DownloadSources(context);
    try {
      const opened = items.map((item) => ({ item, source: sources.source(verb, item.uri, what) }));
      const uri = `${opened[0]?.source.uri ?? ""}${opened.length > 1 ? ` and ${String(opened.length - 1)} more` : ""}`;
      const wanted: WantedFile[] = [];
      const lists = await inTurns(opened, resolved.parallel, ({ source }) => patiently(source.uri, () => source.list(signal), patience));
      for (const [index, files] of lists.entries()) wanted.push(...named(verb, opened[index]?.item, files));
      const fetching: Omit<FetchSetOptions, "known"> = { ...patience, uri, parallel: resolved.parallel, onProgress };
      const key = JSON.stringify(opened.map(({ item, source }) => [source.uri, item.path, item.sha256]));
      return await fetchWanted(key, wanted, verb === "downloadCheckpoint", fetching, resolved, options);
    } finally {
      bar?.end();
      await sources[Symbol.asyncDispose]();
    }
  };
  return keptUp(work());
}

async function fetchWanted(
  key: string,
  wanted: readonly WantedFile[],
  isFile: boolean,
  fetching: Omit<FetchSetOptions, "known">,
  { cacheDirectory, maxCacheBytes }: ResolvedDownloadOptions,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { clock, logger, uri } = fetching;
  if (isFile && wanted.length !== 1)
    throw new DownloadError(`${uri} is a folder of ${String(wanted.length)} files and no checkpoint. Name one file.`, {
      uri,
      retryable: false,
    });
  if (options.to !== undefined) {
    const target = path.resolve(options.to);
    const found = await fetchToFolder(wanted, { ...fetching, target, isFile, replace: options.replace ?? false });
    return { folder: target, ...found, release: () => Promise.resolve() };
  }
  const cache = new DownloadCache({ directory: cacheDirectory, maxBytes: maxCacheBytes, clock, logger });
  const { directory, ...found } = await cache.obtain(key, wanted, fetching);
  return { folder: directory, ...found };
}

/** Files under the names that the caller gave them. */
function named(verb: string, item: DatasetFileInput | undefined, files: readonly SourceFile[]): WantedFile[] {
  if (item && (item.path !== undefined || item.sha256 !== undefined) && files.length !== 1)
    wrongType(verb, "source", "one file where it has a path or sha256, not a folder", item.uri.replace(/\?.*$/s, ""));
  return files.map((file) => ({
    name: item?.path ?? file.name,
    uri: file.uri,
    sizeBytes: file.sizeBytes,
    version: file.version,
    file,
    ...(item?.sha256 === undefined ? {} : { sha256: item.sha256 }),
  }));
}

/** Answers in the order of the items, so many at a time. */
async function inTurns<Item, Answer>(items: readonly Item[], parallel: number, work: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers = new Array<Answer>(items.length);
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) answers[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
  return answers;
}

function checkedItems(verb: string, source: readonly (string | DatasetFileInput)[]): readonly DatasetFileInput[] {
  if (!Array.isArray(source) || source.length === 0) wrongType(verb, "source", "an address or a list of files that is not empty", source);
  return source.map((item: unknown, index) => {
    const field = `source[${String(index)}]`;
    if (typeof item === "string") {
      checkText(verb, field, item);
      return { uri: item };
    }
    checkObject(verb, field, item);
    const input = item as DatasetFileInput;
    checkText(verb, `${field}.uri`, input.uri);
    checkOptionalText(verb, `${field}.path`, input.path);
    checkDigest(verb, input.sha256);
    return input;
  });
}

function checkDigest(verb: string, sha256: unknown): void {
  if (sha256 !== undefined && (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256)))
    wrongType(verb, "sha256", "64 hexadecimal digits", sha256);
}
