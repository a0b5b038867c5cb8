/** Trying a call again within its own time, for callers who wait for the answer. The outbox has a schedule of its own and never uses this. */
import pRetry from "p-retry";
import type { Clock } from "./clock.js";
import { ApiError, ConnectionError } from "./errors.js";
import type { Random } from "./ids.js";
import { retryDelayMs, type RetryPolicy } from "./retry.js";

/** Time within which further attempts may begin. */
export const DEFAULT_RETRY_BUDGET_MS = 60_000;

/** Waits are short here: somebody is waiting. */
const POLICY: RetryPolicy = { baseMs: 250, factor: 2, capMs: 10_000 };

export interface RetryingOptions {
  readonly budgetMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Whether this failure may be followed by another attempt. */
  readonly mayRepeat: (error: Error) => boolean;
  /** Called before each wait. */
  readonly onWait?: (error: Error, delayMs: number) => void;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the budget is spent; then fails with the last error. The waits
 * are our own (injected clock, full jitter, the server's `Retry-After`); p-retry runs the loop.
 */
export async function retrying<T>(attempt: (leftMs: number) => Promise<T>, options: RetryingOptions): Promise<T> {
  const { clock, signal } = options;
  const endMs = clock.monotonic() + options.budgetMs;
  return pRetry(() => attempt(endMs - clock.monotonic()), {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 0,
    signal,
    async onFailedAttempt({ error, attemptNumber }) {
      if (!options.mayRepeat(error)) throw error;
      const delayMs = retryDelayMs(POLICY, attemptNumber, options.random, ApiError.isInstance(error) ? error.retryAfterMs : undefined);
      if (clock.monotonic() + delayMs >= endMs) throw error;
      options.onWait?.(error, delayMs);
      await clock.sleep(delayMs, { signal, keepAlive: true });
    },
  });
}

/**
 * Whether a failed request may be sent again. `sent` is false when the failure came before it was sent, at the login.
 * What must not be done twice is repeated only when it certainly was not done: no connection, or turned away with 429
 * or 503.
 */
export function mayRepeat(error: Error, request: { readonly repeatable: boolean; readonly sent: boolean }): boolean {
  const safe = request.repeatable || !request.sent;
  if (ConnectionError.isInstance(error)) return safe || !error.ambiguous;
  if (!ApiError.isInstance(error) || !error.retryable) return false;
  return safe || error.status === 429 || error.status === 503;
}
