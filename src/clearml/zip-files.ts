/**
 * Folders as one archive, and back. Packing streams and notices a file that changed meanwhile; unpacking writes below its
 * target alone, whatever names an archive holds.
 */
import { createWriteStream } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { UploadError, ValidationError, describeError } from "../base/errors.js";
import { describeFileError, errnoOf } from "../storage/file-errors.js";
import { isSameVersion } from "../storage/file-version.js";

/** A file on its way into an archive. */
export interface ArchivedFile {
  readonly path: string;
  /** In the archive, with slashes. */
  readonly name: string;
  readonly sizeBytes: number;
}

/** How often files that change under the reader are packed before giving up. */
const MAX_ATTEMPTS = 3;

/** Every regular file below a folder, by name. @throws ValidationError when there is none, or the folder cannot be read. */
export async function filesOfFolder(folder: string): Promise<readonly ArchivedFile[]> {
  const root = resolve(folder);
  try {
    const entries = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    if (entries.length === 0) throw unfit(root, "it holds no file");
    return await describe(
      entries.map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return { path, name: relative(root, path).split(sep).join("/") };
      }),
    );
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw unfit(root, describeFileError(error), error);
  }
}

/** Files named one by one; in the archive their names begin where the paths differ. @throws ValidationError for one that is none. */
export async function filesOfList(paths: readonly string[]): Promise<readonly ArchivedFile[]> {
  const absolute = [...new Set(paths.map((path) => resolve(path)))];
  const [first = ""] = absolute;
  let common = dirname(first);
  while (absolute.some((path) => !path.startsWith(common.endsWith(sep) ? common : `${common}${sep}`))) common = dirname(common);
  try {
    return await describe(absolute.map((path) => ({ path, name: relative(common, path).split(sep).join("/") })));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw unfit((error as NodeJS.ErrnoException).path ?? first, describeFileError(error), error);
  }
}

/**
 * Packs files into a new archive. Loads its library at the first use.
 *
 * @param compress Default true. Weights are as good as random: compressing them costs time and gains nothing.
 * @throws UploadError `FILE_CHANGED` when files were written to while they were packed, three times in a row;
 * `UPLOAD_FAILED` when one cannot be read; the signal's reason.
 */
export async function packFiles(files: readonly ArchivedFile[], target: string, signal: AbortSignal, compress = true): Promise<void> {
  const { ZipFile } = await import("yazl");
  for (let attempt = 1; ; attempt++) {
    const before = await looks(files);
    const archive = new ZipFile();
    const failed = new Promise<never>((_resolve, reject) => archive.once("error", reject));
    failed.catch(() => undefined);
    for (const { path, name } of files) archive.addFile(path, name, { compress });
    archive.end();
    let problem: unknown;
    try {
      // A file that cannot be read ends the archive's own stream never: whoever fails first, ends it.
      const writing = pipeline(archive.outputStream, createWriteStream(target, { flags: "w" }), { signal });
      await Promise.race([
        writing,
        failed.catch(async (error: unknown) => {
          (archive.outputStream as NodeJS.ReadableStream & { destroy(error: unknown): void }).destroy(error);
          await writing.catch(() => undefined);
          throw error;
        }),
      ]);
    } catch (error) {
      signal.throwIfAborted();
      problem = error;
    }
    const after = await looks(files).catch(() => undefined);
    const isSame = after?.every((version, index) => isSameVersion(version, before[index] ?? version)) === true;
    if (problem === undefined && isSame) return;
    if (problem !== undefined && isSame)
      throw new UploadError(`The archive cannot be made: ${describeError(problem)}.`, { retryable: false, cause: problem });
    if (attempt === MAX_ATTEMPTS)
      throw new UploadError(
        `Files below ${dirname(files[0]?.path ?? "")} were written to while they were packed, ${String(MAX_ATTEMPTS)} times in a row. Upload a folder once its writers have finished.`,
        { code: "FILE_CHANGED", retryable: false, cause: problem },
      );
  }
}

/**
 * Unpacks an archive into a folder, which is made where it is missing. Answers with the paths of its files.
 *
 * @throws UploadError when the archive is damaged, or holds a name that would leave the folder.
 */
export async function unpackFiles(archivePath: string, folder: string, signal: AbortSignal): Promise<readonly string[]> {
  const { openPromise } = await import("yauzl");
  const root = resolve(folder);
  await mkdir(root, { recursive: true });
  const unpacked: string[] = [];
  try {
    // The library refuses absolute names, `..` and names that are not what their files hold.
    const archive = await openPromise(archivePath, { autoClose: true, strictFileNames: true });
    for await (const entry of archive.eachEntry()) {
      signal.throwIfAborted();
      const path = resolve(root, entry.fileName);
      if (path !== root && !path.startsWith(root + sep)) throw new Error(`${entry.fileName} would leave the folder`);
      if (entry.fileName.endsWith("/")) {
        await mkdir(path, { recursive: true });
        continue;
      }
      await mkdir(dirname(path), { recursive: true });
      await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(path), { signal });
      unpacked.push(path);
    }
    return unpacked;
  } catch (error) {
    signal.throwIfAborted();
    throw new UploadError(`The archive ${basename(archivePath)} cannot be unpacked: ${describeError(error)}.`, {
      retryable: false,
      cause: error,
    });
  }
}

async function describe(files: readonly Omit<ArchivedFile, "sizeBytes">[]): Promise<readonly ArchivedFile[]> {
  const described = await Promise.all(
    files.map(async (file) => {
      const facts = await stat(file.path);
      if (!facts.isFile()) throw unfit(file.path, "it is no file");
      return { ...file, sizeBytes: facts.size };
    }),
  );
  return described.sort((one, other) => (one.name < other.name ? -1 : 1));
}

function looks(files: readonly ArchivedFile[]) {
  return Promise.all(files.map(({ path }) => stat(path, { bigint: true })));
}

function unfit(path: string, why: string, cause?: unknown): ValidationError {
  const message = `${path} cannot be an artifact: ${why}`;
  return new ValidationError(`${message}.`, [{ path: "path", message }], cause);
}
