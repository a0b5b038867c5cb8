/**
 * Time that a budget can trust: the wall clock as it was when the process began, carried on by the clock that never goes
 * back. So a jump of the wall clock while the process runs neither spends nor renews a budget.
 */
import type { Clock } from "../base/clock.js";

/** Milliseconds since the epoch that never go back within a process. */
export type SteadyNow = () => number;

export function createSteadyNow(clock: Clock): SteadyNow {
  const offsetMs = clock.now() - clock.monotonic();
  return () => offsetMs + clock.monotonic();
}

/** True when the budget that began at `anchorMs` is spent. A clock that was set back between two processes spends nothing. */
export function isSpent(anchorMs: number | undefined, budgetMs: number, nowMs: number): boolean {
  return anchorMs !== undefined && nowMs - anchorMs >= budgetMs;
}
