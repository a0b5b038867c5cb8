/**
 * Stops tasks that nobody has heard of for two hours. The real server looks every 15 minutes; here the look that was
 * due is taken before the next call, so that no timer runs and a test's clock decides. @see clearml-protocol 3.5
 */
import { WATCHDOG_TIMEOUT_MS } from "../../protocol/clearml/limits.js";
import type { ApiContext } from "./call.js";
import { wireTime } from "./envelope.js";

const INTERVAL_MS = 900_000;
const REASON = "Forced stop (non-responsive)";

/** A function to call before each request. */
export function createWatchdog(context: ApiContext): () => void {
  let lastLookMs = context.clock.now();
  return () => {
    const looks = Math.floor((context.clock.now() - lastLookMs) / INTERVAL_MS);
    if (looks < 1) return;
    lastLookMs += looks * INTERVAL_MS;
    const now = wireTime(lastLookMs);
    for (const task of [...context.store.tasks.values()]) {
      if (task.status !== "in_progress" || lastLookMs - Date.parse(task.last_update) <= WATCHDOG_TIMEOUT_MS) continue;
      context.store.tasks.put({
        ...task,
        status: "stopped",
        status_reason: REASON,
        status_message: REASON,
        status_changed: now,
        last_update: now,
        last_change: now,
      });
      context.notify(task.id, "task");
    }
  };
}
