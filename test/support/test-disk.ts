/**
 * A disk in memory that can lose power, and can be made to fail or hang at any step. What was synced survives a crash;
 * of the rest, any part may: a file may be cut anywhere after its last sync, and creations, renames and removals count
 * only after their folder was synced.
 */
import { dirname } from "node:path";
import type { AppendFile, Disk } from "../../src/outbox/disk.js";

/** What a disk is asked to do. */
export type DiskOperation = "create" | "append" | "list" | "read" | "write" | "sync" | "rename" | "remove" | "syncFolder";

/** What the test wants of an operation: to fail with an error, never to answer, to hang until it is woken, or nothing special. */
export type Fault = Error | "hang" | Promise<void> | undefined;

interface StoredFile {
  data: Buffer;
  synced: number;
}

/** An error as the system gives it. */
/** A fault in some operations, none in others. */
export const faultIn =
  (operations: readonly DiskOperation[], fault: Fault) =>
  (operation: DiskOperation): Fault =>
    operations.includes(operation) ? fault : undefined;

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by the test`), { code });
}

export class TestDisk {
  /** Decides how the next operations fare. */
  fault: ((operation: DiskOperation, path: string) => Fault) | undefined;
  /** Operations so far. */
  operations = 0;
  #files = new Map<string, StoredFile>();
  #durableNames = new Map<string, StoredFile>();
  // Rises with every crash: handles of the dead process do nothing any more.
  #power = 0;

  /** Cuts the power. `choose(n)` answers a whole number from 0 to n and decides what survives of what was not synced. */
  crash(choose: (max: number) => number): void {
    this.#power++;
    this.fault = undefined;
    const names = new Set([...this.#files.keys(), ...this.#durableNames.keys()]);
    const survivors = new Map<string, StoredFile>();
    for (const name of names) {
      const [now, before] = [this.#files.get(name), this.#durableNames.get(name)];
      const file = now === before || choose(1) === 0 ? now : before;
      if (file) survivors.set(name, file);
    }
    for (const file of survivors.values()) {
      file.data = file.data.subarray(0, file.synced + choose(file.data.length - file.synced));
      file.synced = file.data.length;
    }
    this.#files = survivors;
    this.#durableNames = new Map(survivors);
  }

  /** Names and sizes, for a test's own questions. */
  sizes(): Record<string, number> {
    return Object.fromEntries([...this.#files].map(([path, { data }]) => [path.slice(path.lastIndexOf("/") + 1), data.length]));
  }

  /** The content of a file, to be looked at or damaged. */
  contentOf(path: string): Buffer {
    const file = this.#files.get(path);
    if (!file) throw systemError("ENOENT");
    return file.data;
  }

  /** The disk as one process sees it. After a crash it answers that process no more. */
  mount(): Disk {
    const power = this.#power;
    const act = <T>(operation: DiskOperation, path: string, effect: () => T): Promise<T> => this.#do(power, operation, path, effect);
    const open = (path: string): AppendFile => {
      const file = this.#files.get(path) ?? { data: Buffer.alloc(0), synced: 0 };
      this.#files.set(path, file);
      return {
        write: (bytes) =>
          act("write", path, () => {
            file.data = Buffer.concat([file.data, bytes]);
          }),
        sync: () =>
          act("sync", path, () => {
            file.synced = file.data.length;
          }),
        close: () => Promise.resolve(),
      };
    };
    return {
      makeFolder: (path) => act("list", path, () => undefined),
      list: (path) =>
        act("list", path, () =>
          [...this.#files.keys()].filter((name) => dirname(name) === path).map((name) => name.slice(path.length + 1)),
        ),
      sizeOf: (path) => act("list", path, () => this.contentOf(path).length),
      create: (path) =>
        act("create", path, () => {
          if (this.#files.has(path)) throw systemError("EEXIST");
          return open(path);
        }),
      append: (path) => act("append", path, () => open(path)),
      read: (path, offset, length) => act("read", path, () => Buffer.from(this.contentOf(path).subarray(offset, offset + length))),
      rename: (from, to) =>
        act("rename", to, () => {
          const file = this.#files.get(from);
          if (!file) throw systemError("ENOENT");
          this.#files.delete(from);
          this.#files.set(to, file);
        }),
      remove: (path) =>
        act("remove", path, () => {
          this.#files.delete(path);
        }),
      syncFolder: (path) =>
        act("syncFolder", path, () => {
          this.#durableNames = new Map(this.#files);
        }),
    };
  }

  async #do<T>(power: number, operation: DiskOperation, path: string, effect: () => T): Promise<T> {
    this.operations++;
    const fault = power === this.#power ? this.fault?.(operation, path) : "hang";
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (fault instanceof Error) throw fault;
    if (fault instanceof Promise) await fault;
    if (fault === "hang" || power !== this.#power) return await new Promise<never>(() => undefined);
    return effect();
  }
}
