/** Waiting that can be cut short. A ring that comes while nobody waits is not lost: the next wait ends at once. */
import type { Clock } from "../base/clock.js";

export class Alarm {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, or after `ms` when given. Never keeps the process alive. */
  async wait(ms?: number): Promise<void> {
    if (!this.#rung) {
      const controller = new AbortController();
      const rung = new Promise<void>((resolve) => {
        this.#wake = () => {
          // A reason of our own: making an error for each ring would be the dearest part of it.
          controller.abort("rung");
          resolve();
        };
      });
      await (ms === undefined ? rung : Promise.race([rung, this.#clock.sleep(ms, { signal: controller.signal }).catch(() => undefined)]));
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}

/** Lets timers, sockets and whatever else waits have their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when the signal aborts; its listener goes with `done`. */
export function whenAborted(signal: AbortSignal): { readonly aborted: Promise<void>; readonly done: () => void } {
  let listener: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    listener = resolve;
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", listener, { once: true });
  });
  return { aborted, done: () => signal.removeEventListener("abort", listener) };
}
