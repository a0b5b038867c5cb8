/** Takes bytes in that lie in memory: written beside the pinned files, fsynced, described once and for all. */
import { createHash } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { newId } from "../base/ids.js";
import { describeFileError, errnoOf } from "./file-errors.js";
import type { PinnedFile, PinRejection } from "./pin-file.js";
import { syncFolder } from "./sync-folder.js";

/** Resolves when the bytes are on disk, file and folder. A file system that refuses is a value, as in `pinFile`. */
export async function pinBytes(options: { readonly content: Uint8Array; readonly fileName: string; readonly directory: string }): Promise<PinnedFile | PinRejection> {
  const directory = resolve(options.directory);
  const name = `${newId()}${extname(options.fileName)}`;
  const temporary = join(directory, `.${name}.partial`);
  const final = join(directory, name);
  try {
    await mkdir(directory, { recursive: true });
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(options.content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, final);
    await syncFolder(directory);
  } catch (error) {
    await rm(temporary, { force: true });
    if (errnoOf(error) === undefined) throw error;
    return { rejected: `${options.fileName} cannot be kept: ${describeFileError(error)}.` };
  }
  return { path: final, pinned: true, sizeBytes: options.content.byteLength, sha256: createHash("sha256").update(options.content).digest("hex") };
}
