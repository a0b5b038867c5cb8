/** Reads from a folder, or from the one file that the address names. */
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { UploadError } from "../base/errors.js";
import { describeFileError } from "./file-errors.js";
import type { FoundObject, ObjectReader } from "./object-reader.js";

/** A reader of `path`, which may be a folder or a file. Opens nothing. */
export function createFolderReader(path: string): ObjectReader {
  const list = async (): Promise<readonly FoundObject[]> => {
    const facts = await stat(path);
    if (facts.isFile()) return [{ key: basename(path), sizeBytes: facts.size }];
    const entries = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const found = await Promise.all(
      entries.map(async ({ parentPath, name }) => {
        const file = join(parentPath, name);
        return { key: relative(path, file).split(sep).join("/"), sizeBytes: (await stat(file)).size };
      }),
    );
    return found.sort((one, other) => (one.key < other.key ? -1 : 1));
  };
  return {
    list: () => explained(list(), path),
    download: (key, target, signal) => explained(copy(key, target, signal), join(path, key)),
    close: () => Promise.resolve(),
  };

  async function copy(key: string, target: string, signal: AbortSignal): Promise<void> {
    const source = (await stat(path)).isFile() ? join(dirname(path), key) : join(path, ...key.split("/"));
    await pipeline(createReadStream(source), createWriteStream(target, { flags: "wx" }), { signal });
  }
}

async function explained<T>(work: Promise<T>, path: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new UploadError(`${path} cannot be read: ${describeFileError(error)}.`, { retryable: false, cause: error });
  }
}
