/** An offline session's files, in a zip or in a folder: which there are, and their bytes. Never a path outside it. */
import { createReadStream, type Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { ValidationError } from "../../base/errors.js";
import { TASK_FILE } from "./session-layout.js";

/** A session's files by their path within it, with slashes. */
export interface SessionArchive extends AsyncDisposable {
  /** What a person calls it. */
  readonly source: string;
  has(name: string): boolean;
  /** @throws when there is no such file, or its bytes are damaged. */
  sizeOf(name: string): number;
  open(name: string): Promise<Readable>;
  text(name: string): Promise<string>;
}

/**
 * Opens a session's zip or folder.
 *
 * @throws ValidationError when there is none there.
 */
export async function openSession(source: string): Promise<SessionArchive> {
  const facts: Stats | undefined = await stat(source).catch(() => undefined);
  if (facts === undefined) throw noSession(source, "there is nothing there");
  const archive = facts.isDirectory() ? await openFolder(source) : await openZip(source);
  if (archive.has(TASK_FILE)) return archive;
  await archive[Symbol.asyncDispose]();
  throw noSession(source, `there is no ${TASK_FILE} in it`);
}

async function openFolder(folder: string): Promise<SessionArchive> {
  const files = new Map<string, number>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    files.set(path.relative(folder, file).split(path.sep).join("/"), (await stat(file)).size);
  }
  const open = (name: string): Promise<Readable> => {
    required(files, name, folder);
    return Promise.resolve(createReadStream(path.join(folder, ...name.split("/"))));
  };
  return sessionOf(folder, files, open, () => Promise.resolve());
}

async function openZip(source: string): Promise<SessionArchive> {
  const yauzl = await import("yauzl");
  const open = promisify<string, import("yauzl").Options, import("yauzl").ZipFile>(yauzl.open);
  // Names with `..`, absolute ones and those with backslashes are refused by the library itself.
  const zip = await open(source, { lazyEntries: true, autoClose: false }).catch((error: unknown) => {
    throw noSession(source, `it is no zip that can be read (${error instanceof Error ? error.message : String(error)})`);
  });
  const entries = new Map<string, import("yauzl").Entry>();
  try {
    await new Promise<void>((resolve, reject) => {
      zip.on("entry", (entry: import("yauzl").Entry) => {
        if (!entry.fileName.endsWith("/")) entries.set(entry.fileName, entry);
        zip.readEntry();
      });
      zip.once("end", resolve);
      zip.once("error", reject);
      zip.readEntry();
    });
  } catch (error) {
    zip.close();
    throw noSession(source, `its list of files is damaged (${error instanceof Error ? error.message : String(error)})`);
  }
  const sizes = new Map([...entries].map(([name, entry]) => [name, entry.uncompressedSize]));
  const openEntry = promisify<import("yauzl").Entry, Readable>(zip.openReadStream.bind(zip));
  return sessionOf(
    source,
    sizes,
    (name) => {
      required(sizes, name, source);
      return openEntry(entries.get(name) as import("yauzl").Entry);
    },
    () => {
      zip.close();
      return Promise.resolve();
    },
  );
}

function sessionOf(
  source: string,
  sizes: ReadonlyMap<string, number>,
  open: (name: string) => Promise<Readable>,
  close: () => Promise<void>,
): SessionArchive {
  return {
    source,
    has: (name) => sizes.has(name),
    sizeOf: (name) => required(sizes, name, source),
    open,
    text: async (name) => {
      const chunks: Buffer[] = [];
      for await (const chunk of await open(name)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString("utf8");
    },
    [Symbol.asyncDispose]: close,
  };
}

function required(sizes: ReadonlyMap<string, number>, name: string, source: string): number {
  const size = sizes.get(name);
  if (size === undefined) throw new ValidationError(`${source} has no ${name}.`, [{ path: name, message: "is missing" }]);
  return size;
}

function noSession(source: string, why: string): ValidationError {
  const message = `${source} is no offline session: ${why}. A session is a zip or a folder with ${TASK_FILE} in it.`;
  return new ValidationError(message, [{ path: "source", message: why }]);
}
