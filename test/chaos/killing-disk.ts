/** A disk that ends its own process at a step it was told: before an fsync, after it, inside a write, in a compaction. */
import { basename } from "node:path";
import type { AppendFile, Disk } from "../../src/outbox/disk.js";
import type { Window } from "./schedule.ts";

export interface KillOrder {
  readonly at: Window;
  readonly nth: number;
  readonly variant: number;
}

/**
 * @param strike Ends the process at once, and never returns.
 */
export function killingDisk(disk: Disk, order: KillOrder, strike: () => never): Disk {
  let left = order.nth;
  const reached = (window: Window, variant = order.variant): boolean => order.at === window && order.variant === variant && --left === 0;
  // Set by a rename of a rewritten file, until its neighbours are gone.
  const wrap = (file: AppendFile, path: string): AppendFile => {
    const isRewrite = path.endsWith(".tmp");
    return {
      async write(bytes) {
        if (isRewrite ? reached("in-compaction", 0) : reached("inside-write")) {
          await file.write(bytes.subarray(0, Math.floor(bytes.byteLength / 2)));
          // Also over a disk that forgets: half a line is on it, and half is not.
          await file.sync();
          strike();
        }
        await file.write(bytes);
      },
      async sync() {
        if (!isRewrite && reached("before-fsync")) strike();
        await file.sync();
        if (!isRewrite && reached("between-append-and-acknowledge")) strike();
      },
      close: () => file.close(),
    };
  };
  return {
    ...disk,
    create: async (path) => wrap(await disk.create(path), path),
    append: async (path) => wrap(await disk.append(path), path),
    async rename(from, to) {
      if (reached("in-compaction", 1)) strike();
      await disk.rename(from, to);
      if (reached("in-compaction", 2)) strike();
    },
    async remove(path) {
      // Not the tidying of a new rewrite's own draft, nor a pinned copy's.
      const isSegment = /^journal-\d+\.ndjson$/.test(basename(path));
      await disk.remove(path);
      if (isSegment && reached("in-compaction", 3)) strike();
    },
  };
}
