/** Weights that are a folder: zipped without compression, as the official client does, and unpacked again within their own folder. */
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { UploadError } from "../base/errors.js";
import { newId } from "../base/ids.js";
import { describeFileError } from "../storage/file-errors.js";

/** A zip file in the machine's temporary folder; the caller disposes of it. */
export interface WeightsPackage {
  readonly path: string;
  dispose(): Promise<void>;
}

/**
 * Zips a folder, all that lies below it. Loads `yazl`.
 *
 * @throws UploadError when a file cannot be read or there is none; the signal's reason.
 */
export async function packWeights(folder: string, signal?: AbortSignal): Promise<WeightsPackage> {
  const { ZipFile } = (await import("yazl")).default;
  const temporary = await mkdtemp(join(tmpdir(), "trainer-sdk-package-"));
  const path = join(temporary, `${basename(resolve(folder))}.zip`);
  const dispose = (): Promise<void> => rm(temporary, { recursive: true, force: true });
  try {
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    if (files.length === 0) throw new UploadError(`The folder ${folder} holds no file to upload.`, { retryable: false });
    const archive = new ZipFile();
    const names = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
    for (const file of names) archive.addFile(file, relative(folder, file).split(sep).join("/"), { compress: false });
    const failed = new Promise<never>((_resolve, reject) => {
      archive.on("error", reject);
    });
    archive.end();
    await Promise.race([pipeline(archive.outputStream, createWriteStream(path), { ...(signal ? { signal } : {}) }), failed]);
    return { path, dispose };
  } catch (error) {
    await dispose();
    signal?.throwIfAborted();
    if (error instanceof UploadError) throw error;
    throw new UploadError(`The weights in ${folder} cannot be packed: ${describeFileError(error)}.`, { retryable: false, cause: error });
  }
}

/**
 * Unpacks a zip file into `folder`, which then holds all of it or what was there before. Loads `yauzl`.
 *
 * @returns the folder.
 * @throws UploadError when the file is no zip, is damaged, or holds a path that would leave the folder.
 */
export async function unpackWeights(path: string, folder: string): Promise<string> {
  const { default: yauzl } = await import("yauzl");
  const temporary = `${folder}.${newId().slice(0, 8)}.partial`;
  try {
    const archive = await yauzl.openPromise(path);
    try {
      await mkdir(temporary, { recursive: true });
      // yauzl refuses names that are absolute or climb, before they come here.
      for await (const entry of archive.eachEntry()) {
        const target = join(temporary, ...entry.fileName.split("/"));
        if (entry.fileName.endsWith("/")) {
          await mkdir(target, { recursive: true });
          continue;
        }
        await mkdir(dirname(target), { recursive: true });
        await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(target, { flags: "wx" }));
      }
    } finally {
      archive.close();
    }
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
    return folder;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw new UploadError(`${path} cannot be unpacked: ${describeFileError(error)}.`, { retryable: false, cause: error });
  }
}
