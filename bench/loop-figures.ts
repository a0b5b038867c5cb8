/** How long the event loop was held up, as figures: by our own work, which has the bar, and on the wall. */
import type { LoopFigures } from "./programs/loop-watch.ts";
import { aim, type Figure } from "./row.ts";

export function loopFigures(which: string, { ownMaxMs, ownStalls, collectorMaxMs, wallP99Ms, wallMaxMs }: LoopFigures): Figure[] {
  return [
    {
      what: `event loop, ${which}: longest turn, own CPU time`,
      value: ownMaxMs,
      unit: "ms",
      bars: [aim("at most", 20)],
      note: `${String(ownStalls)} turns above 20 ms`,
    },
    { what: `event loop, ${which}: longest pause of the garbage collector`, value: collectorMaxMs, unit: "ms", bars: [] },
    { what: `event loop, ${which}: held up on the wall, p99`, value: wallP99Ms, unit: "ms", bars: [] },
    { what: `event loop, ${which}: held up on the wall, longest`, value: wallMaxMs, unit: "ms", bars: [] },
  ];
}
