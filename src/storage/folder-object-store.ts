/**
 * A folder as a place for bytes: a disk of this machine, or a share that others mount. Files appear whole or not at all,
 * are fsynced before they are announced and read back to be sure, and never land outside the folder.
 */
import { open, mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { ClosedError, TrainerSDKError, UploadError } from "../base/errors.js";
import { newId } from "../base/ids.js";
import { describeFileError, errnoOf, isPassingFileError } from "./file-errors.js";
import type { FileToStore, ObjectStore, PutOptions } from "./object-store.js";
import { hashFile, writeWhole } from "./private-copy.js";
import { syncFolder } from "./sync-folder.js";
import { verifiedBytes } from "./verified-bytes.js";

export interface FolderObjectStoreOptions {
  /** Absolute; created when missing. */
  readonly directory: string;
}

export class FolderObjectStore implements ObjectStore {
  readonly kind = "folder";
  readonly #directory: string;
  #isClosed = false;

  constructor(options: FolderObjectStoreOptions) {
    this.#directory = options.directory;
  }

  describe(): string {
    return `folder ${this.#directory}`;
  }

  uriOf(key: string): string {
    return pathToFileURL(join(this.#directory, key)).href;
  }

  async put(key: string, file: FileToStore, options: PutOptions): Promise<void> {
    const { signal } = options;
    signal.throwIfAborted();
    if (this.#isClosed) throw new ClosedError(`The store is closed; ${key} was not stored.`);
    const target = this.#pathOf(key);
    try {
      await this.#makeFolders(dirname(target), key);
      if (!(await holds(target, file, signal))) await this.#store(target, key, file, options);
      options.onProgress?.({ key, sentBytes: file.sizeBytes, totalBytes: file.sizeBytes });
    } catch (error) {
      if (signal.aborted || TrainerSDKError.isInstance(error) || errnoOf(error) === undefined) throw error;
      const passes = isPassingFileError(error);
      throw new UploadError(`${key} cannot be stored in the ${this.describe()}: ${describeFileError(error)}.`, {
        code: passes ? "STORAGE_UNAVAILABLE" : "UPLOAD_FAILED",
        retryable: passes,
        cause: error,
      });
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  /** @throws UploadError for a key that would leave the folder. */
  #pathOf(key: string): string {
    const segments = key.split("/");
    if (key === "" || segments.some((segment) => segment === "" || segment === "." || segment === "..") || /[\\\0]/.test(key)) {
      throw new UploadError(`${JSON.stringify(key)} is no key of a file in the ${this.describe()}.`, { retryable: false });
    }
    return join(this.#directory, ...segments);
  }

  async #makeFolders(folder: string, key: string): Promise<void> {
    const firstMade = await mkdir(folder, { recursive: true });
    const [root, real] = await Promise.all([realpath(this.#directory), realpath(folder)]);
    const way = relative(root, real);
    if (way.startsWith("..") || isAbsolute(way)) {
      throw new UploadError(`${key} would leave the ${this.describe()} through a symbolic link to ${real}.`, { retryable: false });
    }
    if (firstMade === undefined) return;
    // Each new folder is an entry of the one above it, and those must be on disk before the file's own is worth anything.
    for (let at = folder; ; at = dirname(at)) {
      await syncFolder(dirname(at));
      if (at === firstMade || dirname(at) === at) return;
    }
  }

  async #store(target: string, key: string, file: FileToStore, { signal, onProgress }: PutOptions): Promise<void> {
    const temporary = join(dirname(target), `.${basename(target)}.${newId().slice(0, 8)}.partial`);
    try {
      const output = await open(temporary, "wx", 0o644);
      try {
        let sentBytes = 0;
        for await (const slice of verifiedBytes(file, { signal })) {
          await writeWhole(output, slice);
          sentBytes += slice.length;
          if (sentBytes < file.sizeBytes) onProgress?.({ key, sentBytes, totalBytes: file.sizeBytes });
        }
        await output.sync();
      } finally {
        await output.close();
      }
      signal.throwIfAborted();
      await rename(temporary, target);
      await syncFolder(dirname(target));
    } finally {
      await rm(temporary, { force: true });
    }
    if (!(await holds(target, file, signal))) {
      throw new UploadError(`${target} does not hold what was written to it. Check the disk.`, { retryable: true });
    }
  }
}

/** True when the path holds exactly this content. */
async function holds(path: string, file: FileToStore, signal: AbortSignal): Promise<boolean> {
  try {
    if ((await stat(path)).size !== file.sizeBytes) return false;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
  return (await hashFile(path, signal)).sha256 === file.sha256;
}
