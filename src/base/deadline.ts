/** Waiting that ends. */
import type { Clock } from "./clock.js";

/**
 * Waits for `work`, but no longer than `ms`. Resolves with its value, or with `undefined` when the time is over; rejects
 * as `work` does. An abort of `signal` ends the time at once. The timer is gone in either case; with `keepAlive` the process
 * stays up while it waits.
 */
export async function within<T>(
  work: Promise<T>,
  ms: number,
  clock: Clock,
  options: { readonly keepAlive?: boolean; readonly signal?: AbortSignal | undefined } = {},
): Promise<T | undefined> {
  const timer = new AbortController();
  const { signal, keepAlive = false } = options;
  const over = clock.sleep(ms, { signal: signal ? AbortSignal.any([timer.signal, signal]) : timer.signal, keepAlive }).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([work, over]);
  } finally {
    timer.abort();
  }
}
