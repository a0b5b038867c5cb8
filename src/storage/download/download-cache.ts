/**
 * Downloads that many processes share. A set has a folder for each content it ever had, and such a folder never changes;
 * whoever wants a set takes a turn at it, so that two that want the same fetch it once. What is in use is never removed.
 *
 * `sets/<source>/` holds `parts/` (what is being fetched), `plan.json` (how much that will be) and, for each content,
 * `<content>/` with `data/`, `manifest.json` (its time is that of the last use) and `uses/`.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../base/clock.js";
import { newId } from "../../base/ids.js";
import type { Logger } from "../../base/logger.js";
import { makeRoom, PLAN_FILE } from "./evict.js";
import { fetchSet, type FetchSetOptions, type WantedFile } from "./fetch-set.js";
import { takeTurn, tryTurn, type FolderTurn } from "./folder-turn.js";
import { contentKey, isOfFiles, manifestOf, readManifest, writeManifest, type DownloadManifest } from "./manifest.js";
import { buildTree, putInPlace } from "./place-set.js";

export interface DownloadCacheOptions {
  readonly directory: string;
  /** Of everything in it; past it, what was not used for longest goes. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A set in the cache, kept there until it is let go or the process ends. */
export interface CachedSet {
  readonly directory: string;
  readonly manifest: DownloadManifest;
  /** What came over the network now. */
  readonly fetchedBytes: number;
  release(): Promise<void>;
}

const MANIFEST_FILE = "manifest.json";
const STAGING = "staging-";

export class DownloadCache {
  readonly #options: DownloadCacheOptions;

  constructor(options: DownloadCacheOptions) {
    this.#options = options;
  }

  /**
   * The set, from the cache or into it.
   *
   * @param key One for each set of addresses.
   * @throws DownloadError when there is no room or no disk for it; what {@link fetchSet} throws; the signal's reason.
   */
  async obtain(key: string, wanted: readonly WantedFile[], options: Omit<FetchSetOptions, "known">): Promise<CachedSet> {
    const { directory, clock, logger } = this.#options;
    const { uri } = options;
    const source = path.join(directory, "sets", createHash("sha256").update(key).digest("hex").slice(0, 32));
    const turn = await takeTurn(source, clock, options.signal, () => {
      logger.info(`${uri} is being fetched by another process; waiting for it`);
    });
    try {
      await removeStagings(source);
      const found = await this.#find(source, wanted);
      if (found) return await this.#use(found.content, found.manifest, 0);
      return await this.#fetch(source, wanted, { ...options, signal: AbortSignal.any([options.signal, turn.lost]) });
    } finally {
      await turn.end();
    }
  }

  async #find(
    source: string,
    wanted: readonly WantedFile[],
  ): Promise<{ readonly content: string; readonly manifest: DownloadManifest } | undefined> {
    const content = path.join(source, contentKey(wanted));
    const manifest = await readManifest(path.join(content, MANIFEST_FILE));
    return manifest && isOfFiles(manifest, wanted) ? { content, manifest } : undefined;
  }

  async #fetch(source: string, wanted: readonly WantedFile[], options: Omit<FetchSetOptions, "known">): Promise<CachedSet> {
    const { clock, logger } = this.#options;
    const { uri } = options;
    const parts = path.join(source, "parts");
    const planned = wanted.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
    await makeRoom({ ...this.#options, uri, own: source, bytes: planned, signal: options.signal });
    await mkdir(parts, { recursive: true });
    await writeFile(path.join(source, PLAN_FILE), JSON.stringify({ bytes: planned }));
    const files = await fetchSet(wanted, parts, { ...options, known: await earlierFiles(source) });

    const manifest = manifestOf(uri, files, clock.now());
    const content = path.join(source, isOfFiles(manifest, files) ? contentKey(manifest.files) : newId());
    const staging = path.join(source, `${STAGING}${newId().slice(0, 8)}`);
    if (!(await readManifest(path.join(content, MANIFEST_FILE)))) {
      await buildTree(files, path.join(staging, "data"), true);
      await writeManifest(path.join(staging, MANIFEST_FILE), manifest);
      options.signal.throwIfAborted();
      await putInPlace(staging, content);
    }
    const used = await this.#use(
      content,
      manifest,
      files.reduce((sum, { fetchedBytes }) => sum + fetchedBytes, 0),
    );
    await rm(parts, { recursive: true, force: true });
    await rm(path.join(source, PLAN_FILE), { force: true });
    logger.debug(`${uri} is in the cache`, { directory: used.directory, bytes: manifest.sizeBytes });
    return used;
  }

  /** Marks it as used; to be called in one's turn. */
  async #use(content: string, manifest: DownloadManifest, fetchedBytes: number): Promise<CachedSet> {
    const { clock } = this.#options;
    const mark = path.join(content, "uses", newId().slice(0, 12));
    const use: FolderTurn | undefined = await tryTurn(mark, clock);
    const atSeconds = clock.now() / 1000;
    await utimes(path.join(content, MANIFEST_FILE), atSeconds, atSeconds);
    return {
      directory: path.join(content, "data"),
      manifest,
      fetchedBytes,
      release: async () => {
        await use?.end();
        await rm(mark, { recursive: true, force: true });
      },
    };
  }
}

/** What processes that were killed had begun to build. */
async function removeStagings(source: string): Promise<void> {
  for (const name of await readdir(source))
    if (name.startsWith(STAGING)) await rm(path.join(source, name), { recursive: true, force: true });
}

/** Finds a file in the contents that the set had before: of a set that has grown, only what is new is fetched. */
async function earlierFiles(source: string): Promise<(file: WantedFile) => Promise<string | undefined>> {
  const known = new Map<string, string>();
  const keyOf = (file: { readonly uri: string; readonly version?: string | undefined }): string => JSON.stringify([file.uri, file.version]);
  for (const name of await readdir(source)) {
    const manifest = await readManifest(path.join(source, name, MANIFEST_FILE));
    for (const file of manifest?.files ?? [])
      if (file.version !== undefined) known.set(keyOf(file), path.join(source, name, "data", file.name));
  }
  return async (file) => {
    const earlier = known.get(keyOf(file));
    if (earlier === undefined) return undefined;
    const facts = await stat(earlier).catch(() => undefined);
    return facts && (file.sizeBytes === undefined || facts.size === file.sizeBytes) ? earlier : undefined;
  };
}
