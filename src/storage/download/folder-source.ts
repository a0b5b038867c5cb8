/** Files of this machine (or of a mounted volume) as a source: a folder, or one file. */
import { createReadStream } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { BigIntStats } from "node:fs";
import { DownloadError } from "../../base/errors.js";
import { describeFileError, errnoOf, isPassingFileError } from "../file-errors.js";
import type { FileSource, OpenAnswer, SourceFile } from "./file-source.js";

/** A source of `location`. Opens nothing. Links in the folder are left out: they may lead anywhere. */
export function folderSource(location: string): FileSource {
  return {
    uri: pathToFileURL(location).href,
    list: async () => {
      try {
        const facts = await stat(location, { bigint: true });
        if (facts.isFile()) return [sourceFile(location, path.basename(location), facts)];
        const entries = (await readdir(location, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
        const files = entries.map(async ({ parentPath, name }) => {
          const file = path.join(parentPath, name);
          return sourceFile(file, path.relative(location, file).split(path.sep).join("/"), await stat(file, { bigint: true }));
        });
        return (await Promise.all(files)).sort((one, other) => (one.name < other.name ? -1 : 1));
      } catch (error) {
        throw failure(location, error);
      }
    },
  };
}

function sourceFile(file: string, name: string, facts: BigIntStats): SourceFile {
  return {
    uri: pathToFileURL(file).href,
    name,
    sizeBytes: Number(facts.size),
    version: versionOf(facts),
    open: async (start, version): Promise<OpenAnswer> => {
      try {
        const handle = await open(file, "r");
        const now = await handle.stat({ bigint: true });
        if (version !== undefined && versionOf(now) !== version) {
          await handle.close();
          return "changed";
        }
        const body = createReadStream("", { fd: handle, start });
        return { start, sizeBytes: Number(now.size), version: versionOf(now), body };
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return "gone";
        throw failure(file, error);
      }
    },
  };
}

/** Another file under the name has another inode; a write to it, another time. */
function versionOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${String(ino)}-${String(size)}-${String(mtimeNs)}`;
}

function failure(file: string, error: unknown): DownloadError {
  return new DownloadError(`${file} cannot be read: ${describeFileError(error)}.`, {
    uri: pathToFileURL(file).href,
    retryable: isPassingFileError(error),
    cause: error,
  });
}
