/** A disk that does not answer counts as one that fails. */
import type { Clock } from "../base/clock.js";
import type { Disk } from "./disk.js";

/** A write, or any one call at the start, that takes longer counts as failed. */
export const DISK_TIMEOUT_MS = 30_000;

/** Reason of an abort that nobody sees; making an error for each commit would cost more than the commit's own work. */
const DONE = "done";

/** Settles as `work` does, but rejects once `ms` have passed. */
export async function withinTime<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const tooLong = clock.sleep(ms, { signal: timer.signal }).then(() => {
    throw new Error(`the disk did not answer within ${String(ms)} ms`);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    tooLong.catch(() => undefined);
    timer.abort(DONE);
  }
}

/** The calls by which a journal is opened, each within its time: a long journal may take its time, a dead disk may not. */
export function answeringDisk(disk: Disk, clock: Clock): Pick<Disk, "makeFolder" | "list" | "read" | "remove"> {
  const answered = <T>(work: Promise<T>): Promise<T> => withinTime(clock, DISK_TIMEOUT_MS, work);
  return {
    makeFolder: (path) => answered(disk.makeFolder(path)),
    list: (path) => answered(disk.list(path)),
    read: (path, offset, length) => answered(disk.read(path, offset, length)),
    remove: (path) => answered(disk.remove(path)),
  };
}
