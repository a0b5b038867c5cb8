/** Keeps requests at a distance from each other, so that a migration does not starve the people who use the server. */
import type { Clock } from "../base/clock.js";

/** At most so many requests a second, evenly spaced, whoever asks. */
export class RequestPace {
  readonly #clock: Clock;
  readonly #gapMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** @param perSecond Undefined: as fast as they come. */
  constructor(clock: Clock, perSecond: number | undefined) {
    this.#clock = clock;
    this.#gapMs = perSecond === undefined ? 0 : 1000 / perSecond;
  }

  /** Resolves when it is this caller's turn. */
  async turn(signal: AbortSignal): Promise<void> {
    if (this.#gapMs === 0) return;
    const now = this.#clock.monotonic();
    const at = Math.max(now, this.#nextMs);
    this.#nextMs = at + this.#gapMs;
    if (at > now) await this.#clock.sleep(at - now, { signal, keepAlive: true });
  }
}
