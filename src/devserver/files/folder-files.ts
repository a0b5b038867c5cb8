/** Files in a folder. Uploads are streamed beside their place and moved there when they are whole. */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { newId } from "../../base/ids.js";
import type { FileStore } from "./file-store.js";

interface FolderOptions {
  /** Undefined: a temporary folder, made at the first upload and removed at close. */
  readonly folder: string | undefined;
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR" || code === "EPERM" || code === "ENAMETOOLONG";
}

/** A store of files in a folder. */
export function createFolderFiles(options: FolderOptions): FileStore {
  let root: Promise<string> | undefined;
  const place = async (): Promise<string> => {
    root ??=
      options.folder === undefined
        ? mkdtemp(join(tmpdir(), "trainer-sdk-files-"))
        : mkdir(options.folder, { recursive: true }).then(() => options.folder ?? "");
    return root;
  };
  const fileAt = async (path: string): Promise<{ readonly name: string; readonly size: number; readonly mtimeMs: number } | undefined> => {
    const name = join(await place(), path);
    try {
      const found = await stat(name);
      return found.isFile() ? { name, size: found.size, mtimeMs: found.mtimeMs } : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  return {
    async write(path, source) {
      const name = join(await place(), path);
      await mkdir(dirname(name), { recursive: true });
      const unfinished = join(await place(), `.upload-${newId()}`);
      try {
        await pipeline(source, createWriteStream(unfinished));
        await rename(unfinished, name);
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
    },
    async open(path) {
      const file = await fileAt(path);
      if (!file) return undefined;
      return {
        sizeBytes: file.size,
        modifiedAtMs: Math.trunc(file.mtimeMs),
        read: (start, end) => (end < start ? emptyStream() : (createReadStream(file.name, { start, end }) as AsyncIterable<Uint8Array>)),
      };
    },
    async delete(path) {
      const file = await fileAt(path);
      if (file) await unlink(file.name);
      return file !== undefined;
    },
    async deleteTree(path) {
      const name = join(await place(), path);
      try {
        await stat(name);
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
      await rm(name, { recursive: true, force: true });
      return true;
    },
    async close() {
      if (root && options.folder === undefined) await rm(await root, { recursive: true, force: true });
    },
  };
}

async function* emptyStream(): AsyncGenerator<Uint8Array> {
  // Nothing to read.
}
