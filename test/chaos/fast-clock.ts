/** A clock on which waits are ten times shorter than they are, and whose wall time jumps when it is told to. */
import { systemClock, type Clock } from "../../src/base/clock.js";

const FASTER = 10;

export interface FastClock extends Clock {
  jump(byMs: number): void;
}

export function fastClock(): FastClock {
  let offsetMs = 0;
  return {
    now: () => systemClock.now() + offsetMs,
    monotonic: () => systemClock.monotonic() * FASTER,
    sleep: (ms, options) => systemClock.sleep(ms / FASTER, options),
    jump(byMs) {
      offsetMs += byMs;
    },
  };
}
