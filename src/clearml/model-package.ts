/** Weights that are a folder: one archive without compression, as the official client makes it, and a folder that is whole or as it was. */
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { newId } from "../base/ids.js";
import { filesOfFolder, packFiles, unpackFiles } from "./zip-files.js";

/** A zip file in the machine's temporary folder; the caller disposes of it. */
export interface WeightsPackage {
  readonly path: string;
  dispose(): Promise<void>;
}

/**
 * Zips a folder, all that lies below it.
 *
 * @throws ValidationError when there is no file; UploadError when one cannot be read, or is written to meanwhile; the signal's reason.
 */
export async function packWeights(folder: string, signal: AbortSignal = new AbortController().signal): Promise<WeightsPackage> {
  const files = await filesOfFolder(folder);
  const temporary = await mkdtemp(join(tmpdir(), "trainer-sdk-package-"));
  const dispose = (): Promise<void> => rm(temporary, { recursive: true, force: true });
  try {
    const path = join(temporary, `${basename(resolve(folder))}.zip`);
    await packFiles(files, path, signal, false);
    return { path, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * Unpacks a zip file into `folder`, which then holds all of it or what was there before.
 *
 * @returns the folder.
 * @throws UploadError when the file is no zip, is damaged, or holds a path that would leave the folder; the signal's reason.
 */
export async function unpackWeights(path: string, folder: string, signal: AbortSignal = new AbortController().signal): Promise<string> {
  const temporary = `${folder}.${newId().slice(0, 8)}.partial`;
  try {
    await unpackFiles(path, temporary, signal);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
    return folder;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}
