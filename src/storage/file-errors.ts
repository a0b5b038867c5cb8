/** The file system's error codes in words a person can act on. Knows nothing of stores or pins. */
import { describeError } from "../base/errors.js";

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is a file, not a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than the file system allows",
  EMFILE: "too many open files in this process",
  ENFILE: "too many open files on this machine",
  ENAMETOOLONG: "the path is too long",
  ELOOP: "the path runs through too many symbolic links",
};

/** The code of a system error (`ENOSPC`), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = (error as NodeJS.ErrnoException).code;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) && typeof (error as NodeJS.ErrnoException).syscall === "string"
    ? code
    : undefined;
}

/** What a file system error means. */
export function describeFileError(error: unknown): string {
  const code = errnoOf(error);
  const words = code === undefined ? undefined : WORDS[code];
  return words === undefined ? describeError(error) : `${words} (${code ?? ""})`;
}

/** True for a state of the disk that passes without anything being changed in the call: full, busy, failing. */
export function isPassingFileError(error: unknown): boolean {
  const code = errnoOf(error);
  return (
    code !== undefined &&
    ["ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "EAGAIN", "EBUSY", "ESTALE", "ETIMEDOUT", "ENOTCONN", "EHOSTDOWN"].includes(code)
  );
}
