/** How a file that was taken in is opened again, and what is said when it is no longer what it was. Reads nothing. */
import { type FileHandle, open } from "node:fs/promises";
import { UploadError } from "../base/errors.js";
import { describeFileError, errnoOf, isPassingFileError } from "./file-errors.js";
import type { FileToStore } from "./object-store.js";

/** @throws UploadError `FILE_CHANGED` when the file is gone; `UPLOAD_FAILED` when it cannot be read. */
export async function openStored(file: FileToStore): Promise<FileHandle> {
  try {
    return await open(file.path, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw changedFile(file, "it is gone", error);
    throw unreadableFile(file, error);
  }
}

export function changedFile(file: FileToStore, how: string, cause?: unknown): UploadError {
  return new UploadError(
    `${file.path} is no longer what it was when it was taken in: ${how}. Nothing of it was announced. ` +
      'Write checkpoints under a new name, or let them be copied (pin: "copy").',
    { code: "FILE_CHANGED", retryable: false, cause },
  );
}

export function unreadableFile(file: FileToStore, error: unknown): UploadError {
  return new UploadError(`${file.path} cannot be read for its upload: ${describeFileError(error)}.`, {
    retryable: isPassingFileError(error),
    cause: error,
  });
}
