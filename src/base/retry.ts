/** When to try again. The outbox schedules across restarts; calls of a service use p-retry inside. The two never nest. */
import type { Random } from "./ids.js";

/** Exponential back-off with full jitter. */
export interface RetryPolicy {
  /** Upper bound of the first wait. Default 500 ms. */
  readonly baseMs: number;
  /** Growth of that bound for each further failure. Default 2. */
  readonly factor: number;
  /** Largest bound. Default 60 s. */
  readonly capMs: number;
}

/** Used wherever nothing else is said. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { baseMs: 500, factor: 2, capMs: 60_000 };

/** The longest a server's `Retry-After` is believed: one hour. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Wait before the next try after `failures` failures in a row (1 or more): uniform in [0, min(cap, base * factor^(failures - 1))).
 * A server's own wish wins, up to {@link MAX_RETRY_AFTER_MS}.
 */
export function retryDelayMs(policy: RetryPolicy, failures: number, random: Random, retryAfterMs?: number): number {
  if (retryAfterMs !== undefined) return Math.min(Math.max(0, retryAfterMs), MAX_RETRY_AFTER_MS);
  return random() * Math.min(policy.capMs, policy.baseMs * policy.factor ** (failures - 1));
}

/** Reads `Retry-After`: seconds or an HTTP date, relative to `nowMs`. Anything else is as if it were not there. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // Date.parse accepts far more than an HTTP date ("-1" is a year): a weekday or a month's name must be there.
  if (!/[A-Za-z]{3}/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

const OUTAGE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/** True for an HTTP status by which a server, or a proxy before it, says that it will be there again: nobody refused anything. */
export function isOutageStatus(status: number): boolean {
  return OUTAGE_STATUSES.has(status);
}
