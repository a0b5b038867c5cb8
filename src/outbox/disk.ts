/**
 * The few things that the journal asks of a file system, as a port: so that tests can fill the disk, break an fsync or
 * let it hang at a step they name. It keeps no state and decides nothing.
 */
import { constants } from "node:fs";
import { mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { hasCode } from "../base/system-error.js";

export { hasCode } from "../base/system-error.js";

/** A file that only grows. */
export interface AppendFile {
  /** All of it; a short write goes on until the rest is written too. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything written is on the disk (fdatasync). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What is used of the file system. Every method rejects with Node's own error. */
export interface Disk {
  /** With those above it; no error when it is there. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder. */
  list(path: string): Promise<string[]>;
  sizeOf(path: string): Promise<number>;
  /** A new file; rejects with EEXIST when there is one. */
  create(path: string): Promise<AppendFile>;
  /** The file of that name, made if there is none; writes go to its end. */
  append(path: string): Promise<AppendFile>;
  /** Up to `length` bytes from `offset`; fewer at the end of the file. */
  read(path: string, offset: number, length: number): Promise<Buffer>;
  rename(from: string, to: string): Promise<void>;
  /** No error when it is not there. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the folder durable, where the platform knows how. */
  syncFolder(path: string): Promise<void>;
}

/** The machine's own disk. */
export const nodeDisk: Disk = {
  makeFolder,
  list: (path) => readdir(path),
  sizeOf: async (path) => (await stat(path)).size,
  create: (path) => openForAppend(path, constants.O_EXCL),
  append: (path) => openForAppend(path, 0),
  async read(path, offset, length) {
    const handle = await open(path, "r");
    try {
      const bytes = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await handle.close();
    }
  },
  rename: (from, to) => rename(from, to),
  async remove(path) {
    await unlink(path).catch((error: unknown) => {
      if (!hasCode(error, "ENOENT")) throw error;
    });
  },
  async syncFolder(path) {
    // Windows cannot open a folder; there a rename is as durable as it gets.
    if (process.platform === "win32") return;
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/**
 * Makes the folder and those above it. By hand: Node's own recursive mkdir never comes back where a parent exists and yet
 * answers ENOENT, as `/proc` does.
 */
async function makeFolder(path: string): Promise<void> {
  const make = (folder: string): Promise<void> =>
    mkdir(folder).catch(async (error: unknown) => {
      if (!hasCode(error, "EEXIST") || !(await stat(folder)).isDirectory()) throw error;
    });
  try {
    await make(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT") || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make(path);
  }
}

async function openForAppend(path: string, extraFlags: number): Promise<AppendFile> {
  const handle = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | extraFlags, 0o644);
  return {
    async write(bytes) {
      for (let written = 0; written < bytes.byteLength;) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.byteLength - written);
        if (bytesWritten === 0) throw new Error("the disk took no bytes");
        written += bytesWritten;
      }
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
