/**
 * How long the event loop was held up. Two measures of one turn: the time on the wall, in which other processes may have
 * had the processor, and the CPU time of this thread, which is our own work and nobody else's.
 */
import { PerformanceObserver } from "node:perf_hooks";

export interface LoopFigures {
  readonly wallP99Ms: number;
  readonly wallMaxMs: number;
  readonly ownMaxMs: number;
  /** Turns whose own work took more than 20 ms. */
  readonly ownStalls: number;
  /** The longest pause of the garbage collector, which is inside its turn. */
  readonly collectorMaxMs: number;
}

const STALL_MS = 20;
const TICK_MS = 1;

export class LoopWatch {
  readonly #wallMs: number[] = [];
  #ownMaxMs = 0;
  #ownStalls = 0;
  #collectorMaxMs = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #collector = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#collectorMaxMs = Math.max(this.#collectorMaxMs, duration);
  });

  start(): void {
    this.#collector.observe({ entryTypes: ["gc"] });
    let [wallAt, ownAt] = [performance.now(), ownMs()];
    this.#timer = setInterval(() => {
      const [wallNow, ownNow] = [performance.now(), ownMs()];
      this.#wallMs.push(Math.max(0, wallNow - wallAt - TICK_MS));
      const own = ownNow - ownAt;
      this.#ownMaxMs = Math.max(this.#ownMaxMs, own);
      if (own > STALL_MS) this.#ownStalls++;
      [wallAt, ownAt] = [wallNow, ownNow];
    }, TICK_MS);
  }

  stop(): LoopFigures {
    clearInterval(this.#timer);
    this.#collector.disconnect();
    const sorted = Float64Array.from(this.#wallMs).sort();
    return {
      wallP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      wallMaxMs: sorted.at(-1) ?? 0,
      ownMaxMs: this.#ownMaxMs,
      ownStalls: this.#ownStalls,
      collectorMaxMs: this.#collectorMaxMs,
    };
  }
}

function ownMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
