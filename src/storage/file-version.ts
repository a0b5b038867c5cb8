/**
 * What tells one state of a file from another without reading it: which file it is, how long, when last written.
 * Nothing here reads content, and nothing here throws for a file that is not there; the caller decides what that means.
 */
import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import type { Clock } from "../base/clock.js";

/**
 * A kernel stamps writes with its tick (4 ms, 10 ms on some), so two writes within one tick carry the same time. A file
 * older than this cannot change again unseen.
 */
const STAMP_GRANULARITY_MS = 20;

/** The state of a file, as far as its folder entry shows it. */
export type FileVersion = Pick<BigIntStats, "dev" | "ino" | "size" | "mtimeNs" | "ctimeNs">;

/** True when nothing was written to the file, and no other file took its name, between the two looks. */
export function isSameVersion(one: FileVersion, other: FileVersion): boolean {
  // The change time is compared too: tools that copy or unpack set the modification time back to an older one.
  return (
    one.dev === other.dev &&
    one.ino === other.ino &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs &&
    one.ctimeNs === other.ctimeNs
  );
}

/**
 * Looks at a file at a moment from which every later write shows: a file written within the last clock tick is waited
 * for (20 ms at most) and looked at again.
 *
 * @throws the file system's own error (`ENOENT`, ...); the signal's reason when it aborts.
 */
export async function settledStats(path: string, clock: Clock, signal: AbortSignal): Promise<BigIntStats> {
  const first = await stat(path, { bigint: true });
  const ageMs = clock.now() - Number(first.ctimeNs / 1_000_000n);
  if (ageMs < 0 || ageMs >= STAMP_GRANULARITY_MS) return first;
  await clock.sleep(STAMP_GRANULARITY_MS - ageMs, { signal, keepAlive: true });
  return stat(path, { bigint: true });
}
