/** Waiting that ends. */
import type { Clock } from "./clock.js";

/**
 * Waits for `work`, but no longer than `ms`. Resolves with its value, or with `undefined` when the time is over; rejects
 * as `work` does. The timer is gone in either case; with `keepAlive` the process stays up while it waits.
 */
export async function within<T>(
  work: Promise<T>,
  ms: number,
  clock: Clock,
  options: { readonly keepAlive?: boolean } = {},
): Promise<T | undefined> {
  const timer = new AbortController();
  const over = clock.sleep(ms, { signal: timer.signal, ...options }).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([work, over]);
  } finally {
    timer.abort();
  }
}
