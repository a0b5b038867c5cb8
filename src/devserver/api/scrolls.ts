/** The scrolls of list endpoints: a stored offset, forgotten after ten idle minutes. @see clearml-protocol 3.8 */
import type { Clock } from "../../base/clock.js";
import { newId } from "../../base/ids.js";
import { SCROLL_IDLE_MS } from "../../protocol/clearml/limits.js";

interface Scroll {
  offset: number;
  usedAtMs: number;
}

/** Offsets by scroll id. */
export class Scrolls {
  readonly #clock: Clock;
  readonly #scrolls = new Map<string, Scroll>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The next rows of a scroll. An unknown or forgotten id starts again at the first row under a new id, without a word,
   * as the real server does. `refresh` reads again all that was read so far.
   */
  next<T>(rows: readonly T[], given: string | undefined, size: number, refresh: boolean): { readonly rows: T[]; readonly id: string } {
    const nowMs = this.#clock.now();
    for (const [id, scroll] of this.#scrolls) if (nowMs - scroll.usedAtMs > SCROLL_IDLE_MS) this.#scrolls.delete(id);
    const known = given === undefined ? undefined : this.#scrolls.get(given);
    const id = known && given !== undefined ? given : newId();
    const offset = known?.offset ?? 0;
    if (refresh && known) {
      known.usedAtMs = nowMs;
      return { rows: rows.slice(0, offset), id };
    }
    const page = rows.slice(offset, offset + size);
    this.#scrolls.set(id, { offset: offset + page.length, usedAtMs: nowMs });
    return { rows: page, id };
  }
}
