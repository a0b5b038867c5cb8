/** Waiting that ends. */
import type { Clock } from "./clock.js";

/** A signal with an end of its own. */
export interface Deadline extends Disposable {
  /** Aborts when the time is over, or as the signal that it was made with. */
  readonly signal: AbortSignal;
}

/** A signal that aborts after `ms` by the clock. Dispose of it when the work has ended: its timer is gone then. */
export function deadlineAfter(ms: number, clock: Clock, signal?: AbortSignal): Deadline {
  const over = new AbortController();
  const timer = new AbortController();
  clock.sleep(ms, { signal: timer.signal }).then(
    () => {
      over.abort(new Error(`It took longer than ${String(ms)} ms.`));
    },
    () => undefined,
  );
  return {
    signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]),
    [Symbol.dispose]: () => {
      timer.abort();
    },
  };
}

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
