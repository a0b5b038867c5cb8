/** A download to a place of the caller's own: gathered beside it, put there whole. The folder (or file) is then the caller's. */
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { DownloadError } from "../../base/errors.js";
import type { Clock } from "../../base/clock.js";
import { fetchSet, type FetchSetOptions, type WantedFile } from "./fetch-set.js";
import { takeTurn } from "./folder-turn.js";
import { isOfFiles, manifestOf, readManifest, writeManifest, type DownloadManifest } from "./manifest.js";
import { buildTree, putInPlace } from "./place-set.js";

export interface TargetOptions extends Omit<FetchSetOptions, "known"> {
  readonly target: string;
  /** The set is one file, and `target` is its path and not a folder's. Default false. */
  readonly isFile?: boolean;
  /** Something else at `target` goes, once the new is here whole. */
  readonly replace: boolean;
  readonly clock: Clock;
}

/**
 * Fetches the set to `target`; at once when it is there already, in the states that the source has now. Beside it lies
 * `.<name>.download`, with the manifest and, while it goes on, the parts.
 *
 * @throws DownloadError when something else is at `target`; what {@link fetchSet} throws; the signal's reason.
 */
export async function fetchToFolder(
  wanted: readonly WantedFile[],
  options: TargetOptions,
): Promise<{ readonly manifest: DownloadManifest; readonly fetchedBytes: number }> {
  const { target, uri, clock, logger, replace, isFile = false } = options;
  const beside = path.join(path.dirname(target), `.${path.basename(target)}.download`);
  const turn = await takeTurn(beside, clock, options.signal, () => {
    logger.info(`${target} is being fetched by another process; waiting for it`);
  });
  try {
    const manifestFile = path.join(beside, "manifest.json");
    const [earlier, isFree] = [await readManifest(manifestFile), await isFreePlace(target)];
    if (!isFree && earlier && isOfFiles(earlier, wanted) && (await isWhole(target, earlier, isFile)))
      return { manifest: earlier, fetchedBytes: 0 };
    if (!isFree && !replace) {
      const what = earlier ? "holds another state of it, or was changed since" : "holds something else";
      throw new DownloadError(`${uri} was not fetched: ${target} ${what}. Remove it, name a new folder, or say \`replace: true\`.`, {
        uri,
        retryable: false,
      });
    }
    const parts = path.join(beside, "parts");
    const staging = path.join(beside, "staging");
    await mkdir(parts, { recursive: true });
    await rm(staging, { recursive: true, force: true });
    const files = await fetchSet(wanted, parts, { ...options, signal: AbortSignal.any([options.signal, turn.lost]) });
    await buildTree(files, staging, false);
    const [only] = files;
    const ready = isFile && only ? path.join(staging, only.name) : staging;
    const manifest = manifestOf(uri, files, clock.now());
    // Before the folder: after a kill between the two it describes a folder that is not there, which harms nobody.
    await writeManifest(manifestFile, manifest);
    await putInPlace(ready, target);
    await rm(staging, { recursive: true, force: true });
    await rm(parts, { recursive: true, force: true });
    return { manifest, fetchedBytes: files.reduce((sum, { fetchedBytes }) => sum + fetchedBytes, 0) };
  } finally {
    await turn.end();
  }
}

/** Nothing there, or an empty folder. */
async function isFreePlace(target: string): Promise<boolean> {
  const facts = await stat(target).catch(() => undefined);
  return !facts || (facts.isDirectory() && (await readdir(target)).length === 0);
}

async function isWhole(target: string, { files }: DownloadManifest, isFile: boolean): Promise<boolean> {
  for (const { name, sizeBytes } of files) {
    const facts = await stat(isFile ? target : path.join(target, name)).catch(() => undefined);
    if (facts?.size !== sizeBytes) return false;
  }
  return true;
}
