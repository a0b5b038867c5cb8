/** Time as a collaborator, so that tests own it. */

/** What the package asks of time. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump; used for time stamps only. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go back; used for every deadline and delay. */
  monotonic(): number;
  /**
   * Resolves after `ms`, however long that is (`Infinity`: never). Rejects with the signal's reason when it aborts; timer and
   * listener are then gone. The timer does not keep the process alive unless `keepAlive` is set.
   */
  sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined; readonly keepAlive?: boolean }): Promise<void>;
}

/** The longest that one of Node's timers runs, some 25 days; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, options = {}) =>
    new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      let timer: NodeJS.Timeout | undefined;
      const wait = (leftMs: number): void => {
        timer = setTimeout(
          () => {
            if (leftMs > MAX_TIMER_MS) {
              wait(leftMs - MAX_TIMER_MS);
              return;
            }
            signal?.removeEventListener("abort", onAbort);
            resolve();
          },
          Math.min(leftMs, MAX_TIMER_MS),
        );
        if (options.keepAlive !== true) timer.unref();
      };
      wait(ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};
