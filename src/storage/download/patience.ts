/** A question to a source, asked again while the source is away. */
import type { Clock } from "../../base/clock.js";
import { ApiError, ConfigError, describeError, TrainerSDKError } from "../../base/errors.js";
import type { Random } from "../../base/ids.js";
import type { Logger } from "../../base/logger.js";
import { retryDelayMs, type RetryPolicy } from "../../base/retry.js";

/** Waits of downloads. */
export const DOWNLOAD_RETRY: RetryPolicy = { baseMs: 250, factor: 2, capMs: 15_000 };

export interface PatienceOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly retryBudgetMs: number;
}

/** True for a failure that a later try may not meet. */
export function isPassing(error: unknown): boolean {
  return TrainerSDKError.isInstance(error) && error.retryable && error.code !== "FILE_CHANGED" && !ConfigError.isInstance(error);
}

/** Sleeps before the next try, or throws the failure when the time is over. */
export async function waitAfter(error: unknown, failures: number, sinceMs: number, what: string, options: PatienceOptions): Promise<void> {
  const { clock, random, logger, signal, retryBudgetMs } = options;
  const delayMs = retryDelayMs(DOWNLOAD_RETRY, failures, random, ApiError.isInstance(error) ? error.retryAfterMs : undefined);
  if (!isPassing(error) || clock.monotonic() + delayMs - sinceMs > retryBudgetMs) throw error;
  logger.debug(`${what} is tried again: ${describeError(error)}`, { delayMs: Math.round(delayMs) });
  await clock.sleep(delayMs, { signal, keepAlive: true });
}

/** @throws what `work` throws when it does not pass, or not in time; the signal's reason. */
export async function patiently<T>(what: string, work: () => Promise<T>, options: PatienceOptions): Promise<T> {
  const sinceMs = options.clock.monotonic();
  for (let failures = 1; ; failures++) {
    options.signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      options.signal.throwIfAborted();
      await waitAfter(error, failures, sinceMs, what, options);
    }
  }
}
