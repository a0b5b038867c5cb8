/** The end of a wait that someone asked for. While it runs it keeps the process alive: its caller wants the answer. */
import type { Clock } from "../base/clock.js";
import { whenAborted } from "./alarm.js";

/** Default of {@link WaitOptions.deadlineMs}. */
export const DEFAULT_DEADLINE_MS = 30_000;

/** The last part of a deadline is for coming to an end in order: at most a second, at most this part. */
const RESERVE_RATIO = 0.1;
const MAX_RESERVE_MS = 1_000;

/** Bounds of a flush or a close. */
export interface WaitOptions {
  /** Default {@link DEFAULT_DEADLINE_MS}. */
  readonly deadlineMs?: number | undefined;
  /** Ends the waiting as if the deadline had passed. */
  readonly signal?: AbortSignal | undefined;
}

export class Deadline {
  /** Resolves at the deadline, or when the caller's signal aborts. */
  readonly passed: Promise<void>;
  /** Resolves a little earlier: time to come to an end. */
  readonly near: Promise<void>;
  readonly #clearing = new AbortController();
  readonly #stopListening: (() => void) | undefined;

  constructor(clock: Clock, { deadlineMs = DEFAULT_DEADLINE_MS, signal }: WaitOptions) {
    const after = (ms: number): Promise<void> => clock.sleep(ms, { signal: this.#clearing.signal, keepAlive: true }).catch(() => undefined);
    const caller = signal && whenAborted(signal);
    this.#stopListening = caller?.done;
    const orAborted = (time: Promise<void>): Promise<void> => (caller ? Promise.race([time, caller.aborted]) : time);
    this.passed = orAborted(after(deadlineMs));
    this.near = orAborted(after(deadlineMs - Math.min(MAX_RESERVE_MS, deadlineMs * RESERVE_RATIO)));
  }

  /** Ends its timers; both promises are then as good as passed. */
  clear(): void {
    this.#clearing.abort();
    this.#stopListening?.();
  }
}
