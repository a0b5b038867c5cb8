/** How fast an upload goes, from what its store tells of it. */
import type { Clock } from "../base/clock.js";
import type { UploadProgress } from "../storage/object-store.js";

/** Over which the rate is taken: long enough to be calm, short enough to show a stall. */
const WINDOW_MS = 5_000;

/** One upload's progress, with its rate. What was found stored already did not go over the wire and does not count. */
export function withRate(clock: Clock, onProgress: (progress: UploadProgress) => void): (progress: UploadProgress) => void {
  const seen: { readonly atMs: number; readonly wireBytes: number }[] = [{ atMs: clock.monotonic(), wireBytes: 0 }];
  return (progress) => {
    const atMs = clock.monotonic();
    const wireBytes = progress.sentBytes - (progress.resumedBytes ?? 0);
    seen.push({ atMs, wireBytes });
    while (seen.length > 2 && (seen[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) seen.shift();
    const first = seen[0];
    const elapsedMs = first ? atMs - first.atMs : 0;
    if (!first || elapsedMs <= 0) onProgress(progress);
    else onProgress({ ...progress, bytesPerSecond: Math.max(0, Math.round(((wireBytes - first.wireBytes) * 1000) / elapsedMs)) });
  };
}
