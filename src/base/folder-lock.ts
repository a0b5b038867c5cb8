/**
 * One writer a folder. The lock is a file `lock-<number>` that says who holds it; the highest number counts, and numbers
 * only rise. Whoever wants the folder and finds the holder gone makes the next number, which the file system grants to
 * exactly one. So a stale lock is never removed before it is replaced, and two that race for it cannot both win.
 */
import { readFileSync } from "node:fs";
import { link, open, readdir, readFile, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Clock } from "./clock.js";
import { JournalError } from "./errors.js";
import { newId } from "./ids.js";
import { hasCode } from "./system-error.js";

/** How often a holder shows that it lives. */
export const LOCK_TOUCH_MS = 15_000;
/** A lock of another host whose file was not touched for so long is stale. */
export const LOCK_STALE_MS = 60_000;

/** A process that is there, on a platform that does not say since when. */
export const START_UNKNOWN = "unknown";

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  /** Field 22 of `/proc/<pid>/stat`: a recycled pid has another. Without `/proc`, when this process says it began. */
  readonly startedAt: string;
  /** Changes with every boot, so that no pid from before it is believed. */
  readonly bootId: string;
  readonly host: string;
  readonly token: string;
  /** True once the holder has let go. */
  readonly released: boolean;
  /** The holder handed out numbers that it could not write down; the next one must not hand them out again. */
  readonly unwritten: boolean;
}

/** What a process can say of itself and of others; a port, so that tests can play other hosts and recycled pids. */
export interface ProcessTable {
  readonly pid: number;
  readonly host: string;
  readonly bootId: string;
  /** Undefined: no such process. {@link START_UNKNOWN}: there is one. */
  startedAt(pid: number): string | undefined;
}

/** This machine's, from `/proc` where there is one. */
export function machineProcessTable(): ProcessTable {
  const own = `origin ${String(performance.timeOrigin)}`;
  return {
    pid: process.pid,
    host: hostname(),
    bootId: readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "",
    startedAt(pid) {
      const line = readText(`/proc/${String(pid)}/stat`);
      if (line !== undefined) {
        // The command's name may hold spaces and brackets: count the fields after the last closing bracket.
        const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
        // A zombie writes nothing any more. In a container whose first process reaps nobody it stays for good, and with
        // it would the lock of a trainer that was killed.
        return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
      }
      if (readText("/proc/self/stat") !== undefined) return undefined;
      if (pid === process.pid) return own;
      return isAlive(pid) ? START_UNKNOWN : undefined;
    },
  };
}

export class FolderLock {
  /** What the former holder left behind; undefined in a new folder. */
  readonly previous: LockHolder | undefined;
  readonly #path: string;
  #holder: LockHolder;
  #rewriting: Promise<void> = Promise.resolve();
  readonly #touching = new AbortController();

  private constructor(path: string, holder: LockHolder, previous: LockHolder | undefined) {
    this.#path = path;
    this.#holder = holder;
    this.previous = previous;
  }

  /**
   * Takes the folder, or says who has it.
   *
   * @param onLost Called once when the lock turns out to be another's: this process was taken for dead. It must stop writing.
   * @throws JournalError `JOURNAL_LOCKED`; Node's own error when the folder cannot be written.
   */
  static async acquire(
    directory: string,
    clock: Clock,
    onLost: () => void,
    table: ProcessTable = machineProcessTable(),
  ): Promise<FolderLock> {
    const highest = await highestNumber(directory);
    let previous: LockHolder | undefined;
    if (highest > 0) {
      const path = lockPath(directory, highest);
      previous = await readHolder(path);
      if (await isLive(path, previous, clock, table)) throw locked(directory, previous);
    }
    const holder: LockHolder = {
      pid: table.pid,
      startedAt: table.startedAt(table.pid) ?? "",
      bootId: table.bootId,
      host: table.host,
      token: newId(),
      released: false,
      unwritten: false,
    };
    const path = lockPath(directory, highest + 1);
    if (!(await place(directory, path, holder, clock))) throw locked(directory, await readHolder(path));
    if ((await highestNumber(directory)) !== highest + 1) {
      // Others came and went between our look and our file: theirs is newer.
      await unlink(path).catch(() => undefined);
      throw locked(directory, undefined);
    }
    await removeBelow(directory, highest + 1);
    const lock = new FolderLock(path, holder, previous);
    void lock.#keepTouching(clock, onLost);
    return lock;
  }

  /**
   * The live process that has the folder; undefined: none. Takes nothing and changes nothing. Its fields are undefined while
   * it has not written them yet.
   */
  static async liveHolder(
    directory: string,
    clock: Clock,
    table: ProcessTable = machineProcessTable(),
  ): Promise<Partial<LockHolder> | undefined> {
    const highest = await highestNumber(directory);
    if (highest === 0) return undefined;
    const path = lockPath(directory, highest);
    const holder = await readHolder(path);
    return (await isLive(path, holder, clock, table)) ? (holder ?? {}) : undefined;
  }

  /** Notes that numbers were handed out which the disk does not know. Never rejects. */
  async markUnwritten(unwritten: boolean): Promise<void> {
    if (this.#holder.unwritten === unwritten || this.#touching.signal.aborted) return;
    this.#holder = { ...this.#holder, unwritten };
    await this.#rewrite();
  }

  /** Lets go. Never rejects; the second call does nothing. */
  async release(): Promise<void> {
    if (this.#touching.signal.aborted) return;
    this.#touching.abort();
    this.#holder = { ...this.#holder, released: true };
    await this.#rewrite();
  }

  #rewrite(): Promise<void> {
    // r+ neither makes the file anew nor cuts it: the room is taken already, so a full disk lets it be written over.
    // When it fails, the lock looks like a dead process's, which is as good.
    this.#rewriting = this.#rewriting.then(() => writeFile(this.#path, holderText(this.#holder), { flag: "r+" }).catch(() => undefined));
    return this.#rewriting;
  }

  async #keepTouching(clock: Clock, onLost: () => void): Promise<void> {
    const { signal } = this.#touching;
    for (;;) {
      const isReleased = await clock.sleep(LOCK_TOUCH_MS, { signal }).then(
        () => false,
        () => true,
      );
      if (isReleased) return;
      const atSeconds = clock.now() / 1000;
      const isGone = await utimes(this.#path, atSeconds, atSeconds).then(
        () => false,
        (error: unknown) => hasCode(error, "ENOENT"),
      );
      if (!isGone || signal.aborted) continue;
      this.#touching.abort();
      onLost();
    }
  }
}

/** Padded, so that every rewrite has the same length and overwrites the whole. */
function holderText(holder: LockHolder): string {
  const text = JSON.stringify(holder);
  return `${text.padEnd(511)}\n`;
}

function lockPath(directory: string, number: number): string {
  return join(directory, `lock-${String(number).padStart(8, "0")}`);
}

async function lockNumbers(directory: string): Promise<number[]> {
  return (await readdir(directory)).flatMap((name) => (/^lock-\d{8,}$/.test(name) ? [Number(name.slice(5))] : []));
}

async function highestNumber(directory: string): Promise<number> {
  return Math.max(0, ...(await lockNumbers(directory)));
}

async function removeBelow(directory: string, number: number): Promise<void> {
  for (const older of await lockNumbers(directory)) if (older < number) await unlink(lockPath(directory, older)).catch(() => undefined);
}

/** Puts the file there whole, or answers false when another was first. */
async function place(directory: string, path: string, holder: LockHolder, clock: Clock): Promise<boolean> {
  const draft = join(directory, `lock-draft-${holder.token}`);
  await writeFile(draft, holderText(holder), { flag: "wx" });
  await utimes(draft, clock.now() / 1000, clock.now() / 1000);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    // A file system without hard links: the file may be seen empty for a moment, which readers take for a live lock.
    return await writeExclusively(path, holder);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

async function writeExclusively(path: string, holder: LockHolder): Promise<boolean> {
  try {
    const handle = await open(path, "wx");
    await handle.writeFile(holderText(holder));
    await handle.close();
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<LockHolder | undefined> {
  return parseHolder(await readFile(path, "utf8").catch(() => ""));
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value = JSON.parse(text) as Partial<LockHolder>;
    return typeof value.pid === "number" && typeof value.token === "string" ? (value as LockHolder) : undefined;
  } catch {
    return undefined;
  }
}

async function isLive(path: string, holder: LockHolder | undefined, clock: Clock, table: ProcessTable): Promise<boolean> {
  if (holder?.released === true) return false;
  if (holder?.host === table.host) {
    if (holder.bootId !== table.bootId) return false;
    const startedAt = table.startedAt(holder.pid);
    return startedAt === START_UNKNOWN || (startedAt !== undefined && startedAt === holder.startedAt);
  }
  // Another host, or a text that is not there yet: only its pulse can tell.
  const touchedAtMs = await stat(path).then(
    (facts) => facts.mtimeMs,
    () => 0,
  );
  return clock.now() - touchedAtMs < LOCK_STALE_MS;
}

function locked(directory: string, holder: LockHolder | undefined): JournalError {
  const who = holder ? `process ${String(holder.pid)} on ${holder.host}` : "another process";
  return new JournalError(
    `The journal folder ${directory} is in use by ${who}. Give each running job a folder of its own (TRAINER_JOURNAL_DIR), or end that process.`,
    {
      code: "JOURNAL_LOCKED",
      path: directory,
      retryable: true,
    },
  );
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}
