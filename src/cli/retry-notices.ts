/** Says that a server is away and is asked again: without a word, a wrong address looks like a program that hangs. */
import { silentLogger, type Logger } from "../base/logger.js";
import { duration } from "./migrate-progress.js";

/** Many calls are under way at a time, and one outage fails them all. */
const NOTICE_INTERVAL_MS = 10_000;

/**
 * A logger for a client's `logger`: of all that a client tells it takes the calls that failed and are tried again, which come
 * with a `reason` and the wait before the next attempt (`delayMs`).
 *
 * @param budgetMs - How long the client tries.
 */
export function retryNotices(say: (text: string) => void, budgetMs: number): Logger {
  let saidMs = Number.NEGATIVE_INFINITY;
  return {
    ...silentLogger,
    debug(_message, { reason, delayMs } = {}) {
      if (typeof reason !== "string" || typeof delayMs !== "number") return;
      const now = performance.now();
      if (now - saidMs < NOTICE_INTERVAL_MS) return;
      saidMs = now;
      say(`${reason} Trying again, for up to ${duration(budgetMs / 1000)}.`);
    },
  };
}
