/** Fetched files become a folder: built aside, then put in its place by one rename, so that it is there whole or not at all. */
import { chmod, copyFile, link, mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { hasCode } from "../../base/system-error.js";
import { syncFolder } from "../sync-folder.js";
import type { PresentFile } from "./fetch-set.js";

/**
 * Builds the tree in `staging`, a folder that does not exist yet, of links: the files stay where they are too, for whoever
 * comes after a kill in the middle. Where there are no links they are copied.
 */
export async function buildTree(files: readonly PresentFile[], staging: string, readOnly: boolean): Promise<void> {
  await mkdir(staging, { recursive: true });
  const folders = new Set(files.map(({ name }) => path.dirname(path.join(staging, name))));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const file of files) {
    const target = path.join(staging, file.name);
    await linkOrCopy(file.path, target);
    // A cache is shared: whoever changed a file in it would change it for everybody.
    if (readOnly) await chmod(target, 0o444);
  }
}

/** Puts the staged folder or file at `target`; what was there goes. Resolves when that is durable. */
export async function putInPlace(staging: string, target: string): Promise<void> {
  const aside = `${staging}.old`;
  await rename(target, aside).catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
  });
  await rename(staging, target);
  await syncFolder(path.dirname(target));
  await rm(aside, { recursive: true, force: true });
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOSPC")) throw error;
    await copyFile(source, target);
  }
}
