/** Where the file server keeps files: the port, owned by the file server. Paths are relative, with single slashes. */

/** A file as it is kept. */
export interface StoredFile {
  readonly sizeBytes: number;
  /** When it was written. */
  readonly modifiedAtMs: number;
  /** The bytes from `start` to `end`, both included. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

export interface FileStore {
  /** Reads the source to its end and then puts the file in place, whole; an earlier one is replaced. Nothing is left of a source that fails. */
  write(path: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Undefined when there is none, or a folder. */
  open(path: string): Promise<StoredFile | undefined>;
  /** @returns false when there is none, or a folder. */
  delete(path: string): Promise<boolean>;
  /** Deletes a file, or a folder with all in it. @returns false when there is neither. */
  deleteTree(path: string): Promise<boolean>;
  /** Frees what is held, a temporary folder for one. */
  close(): Promise<void>;
}

/**
 * A path of a URL or a form as the store takes it: slashes at the start dropped, empty parts and `.` too. Undefined
 * when it is empty, leads out of the root, or holds what no file system takes.
 */
export function safePath(path: string): string | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..") || path.includes("\0") || path.includes("\\")) return undefined;
  return parts.join("/");
}
