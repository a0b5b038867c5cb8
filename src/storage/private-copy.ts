/**
 * Files of our own in a folder of our own: written, hashed while they are written, fsynced, and only then given their
 * name. Knows nothing of why, and leaves nothing behind when it does not succeed.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../base/ids.js";
import { syncFolder } from "./sync-folder.js";
import { DEFAULT_SLICE_BYTES } from "./verified-bytes.js";

/** What a file held, from its first byte to its last. */
export interface ReadFacts {
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A file of ours. */
export interface PrivateCopy extends ReadFacts {
  readonly path: string;
}

/**
 * Copies a file into the folder, sharing blocks where the file system can.
 *
 * @param isStill looks at the source once the copy is safe; when it answers false the copy is removed again.
 * @returns undefined when `isStill` answered false.
 * @throws the file system's own error; the signal's reason when it aborts.
 */
export function keepCopy(
  source: string,
  directory: string,
  extension: string,
  signal: AbortSignal,
  isStill: (read: ReadFacts) => Promise<boolean>,
): Promise<PrivateCopy | undefined> {
  return keep(directory, extension, signal, (temporary) => copyInto(source, temporary, signal), isStill);
}

/** Writes bytes into a new file of the folder. Throws as {@link keepCopy}. */
export async function keepContent(content: Buffer, directory: string, extension: string, signal: AbortSignal): Promise<PrivateCopy> {
  const copy = await keep(
    directory,
    extension,
    signal,
    (temporary) => writeNew(temporary, (output) => readThrough(slicesOf(content), output, signal)),
    () => Promise.resolve(true),
  );
  return copy as PrivateCopy;
}

/** Reads a file to its end. Throws as {@link keepCopy}. */
export function hashFile(path: string, signal: AbortSignal): Promise<ReadFacts> {
  return readThrough(slicesOfFile(path), undefined, signal);
}

async function keep(
  directory: string,
  extension: string,
  signal: AbortSignal,
  write: (temporary: string) => Promise<ReadFacts>,
  isStill: (read: ReadFacts) => Promise<boolean>,
): Promise<PrivateCopy | undefined> {
  await mkdir(directory, { recursive: true });
  const name = `${newId()}${extension}`;
  const temporary = join(directory, `.${name}.partial`);
  const final = join(directory, name);
  let kept = false;
  try {
    const read = await write(temporary);
    await rename(temporary, final);
    await syncFolder(directory);
    signal.throwIfAborted();
    if (!(await isStill(read))) return undefined;
    kept = true;
    return { path: final, ...read };
  } finally {
    if (!kept) await Promise.all([rm(temporary, { force: true }), rm(final, { force: true })]);
  }
}

/** Copies and fsyncs; answers with what the copy holds. */
async function copyInto(source: string, target: string, signal: AbortSignal): Promise<ReadFacts> {
  if (!(await cloned(source, target))) return writeNew(target, (output) => readThrough(slicesOfFile(source), output, signal));
  const read = await hashFile(target, signal);
  const handle = await open(target, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return read;
}

/** Shares the source's blocks, on file systems that can (Btrfs, XFS, APFS): no byte is copied and the clone never changes. */
async function cloned(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch {
    // Not supported here, or another trouble that the plain copy will meet again and name better.
    await rm(target, { force: true });
    return false;
  }
}

async function writeNew(target: string, write: (output: FileHandle) => Promise<ReadFacts>): Promise<ReadFacts> {
  const output = await open(target, "wx", 0o600);
  try {
    const read = await write(output);
    await output.sync();
    return read;
  } finally {
    await output.close();
  }
}

/** Takes slices to their end, hashing, and writing when there is an `output`. */
async function readThrough(slices: AsyncIterable<Buffer>, output: FileHandle | undefined, signal: AbortSignal): Promise<ReadFacts> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const slice of slices) {
    signal.throwIfAborted();
    // The write runs on another thread while this one hashes.
    const written = output && writeWhole(output, slice);
    hash.update(slice);
    await written;
    sizeBytes += slice.length;
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

/** A file's bytes to its end. Memory: one slice, used again and again. */
async function* slicesOfFile(path: string): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(DEFAULT_SLICE_BYTES);
  const input = await open(path, "r");
  try {
    for (;;) {
      const { bytesRead } = await input.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await input.close();
  }
}

async function* slicesOf(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < content.length; at += DEFAULT_SLICE_BYTES) {
    yield content.subarray(at, at + DEFAULT_SLICE_BYTES);
    // Without a file to wait for, hashing would hold the event loop to the end.
    await new Promise(setImmediate);
  }
}

/** Writes all of a slice, however many writes that takes. */
export async function writeWhole(output: FileHandle, slice: Buffer): Promise<void> {
  // A disk that is nearly full takes a part of a write and refuses the rest at the next.
  for (let offset = 0; offset < slice.length;) offset += (await output.write(slice, offset, slice.length - offset, null)).bytesWritten;
}
