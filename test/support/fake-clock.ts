/**
 * Time that stands still until a test moves it. Sleepers wake in the order of their due times, and whatever their waking
 * sets off has run before the next one wakes, so a test that advances by an hour sees every step of that hour.
 */
import type { Clock } from "../../src/base/clock.js";

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  /** @param wallMs Wall clock at the start; default 2026-01-01T00:00:00Z. */
  constructor(wallMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallMs = wallMs;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  sleep(ms: number, options: { readonly signal?: AbortSignal | undefined; readonly keepAlive?: boolean } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason as Error);
      };
      const sleeper: Sleeper = {
        dueMs: this.#monotonicMs + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** How many sleep at this moment: 0 after a clean shutdown. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Milliseconds until the next sleeper wakes; undefined when nobody sleeps. */
  get nextWakeMs(): number | undefined {
    const next = this.#earliest();
    return next === undefined ? undefined : next.dueMs - this.#monotonicMs;
  }

  /** Moves both clocks on, waking whoever is due on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await settle();
    for (let next = this.#earliest(); next !== undefined && next.dueMs <= endMs; next = this.#earliest()) {
      this.#moveTo(Math.max(next.dueMs, this.#monotonicMs));
      this.#sleepers.delete(next);
      next.wake();
      await settle();
    }
    this.#moveTo(endMs);
    await settle();
  }

  /** Sets the wall clock alone, as an administrator or NTP would: forwards or back. */
  setWallClock(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }

  #earliest(): Sleeper | undefined {
    let earliest: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (earliest === undefined || sleeper.dueMs < earliest.dueMs) earliest = sleeper;
    return earliest;
  }
}

/** Lets everything run that needs no time and no disk: promises, ticks, immediates. */
export async function settle(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Waits for what a real disk or socket will bring about. The deadline guards the test; it does not pace it. */
export async function eventually(condition: () => boolean, what = "the expected state", deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come about within ${String(deadlineMs)} ms`);
    await settle(1);
  }
}
