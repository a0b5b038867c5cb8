/** The machine's own clock, where Node's timers are not what a caller expects. */
import { expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";

/** Longer than Node's timers can be: they fire at once instead. */
const LONG_WAITS = [2 ** 31, 40 * 24 * 3_600_000, Number.POSITIVE_INFINITY];

it.each(LONG_WAITS)("a wait of %d ms does not end at once", async (ms) => {
  const abort = new AbortController();
  let isOver = false;
  const waiting = systemClock.sleep(ms, { signal: abort.signal }).then(
    () => (isOver = true),
    () => undefined,
  );
  await systemClock.sleep(20, { keepAlive: true });
  expect(isOver).toBe(false);
  abort.abort(new Error("enough"));
  await waiting;
});
