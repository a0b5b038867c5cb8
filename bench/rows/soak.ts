/** Millions of points through one run with the sink up: memory must be flat and the disk bounded. */
import { sayManyPoints } from "../many-points.ts";
import { loopFigures } from "../loop-figures.ts";
import { aim, type Row } from "../row.ts";
import { median } from "../statistics.ts";

const MIB = 1024 * 1024;

export const soak: Row = {
  name: "soak",
  title: "10 million points through one run (1 million with --quick), the sink up: memory flat, disk bounded",
  async measure({ workplace, quick }) {
    const result = await sayManyPoints(workplace, { points: quick ? 1_000_000 : 10_000_000, metrics: 10 });
    const { samples } = result;
    const rss = samples.map(({ rssBytes }) => rssBytes / MIB);
    const heap = samples.map(({ heapBytes }) => heapBytes / MIB);
    const quarter = Math.ceil(samples.length / 4);
    const growth = median(rss.slice(-quarter)) - median(rss.slice(quarter, 2 * quarter));
    return [
      {
        what: "points a second",
        value: result.points / result.wholeSeconds,
        unit: "points/s",
        bars: [],
        note: `${String(result.points)} points, all counted`,
      },
      { what: "resident memory, second quarter, median", value: median(rss.slice(quarter, 2 * quarter)), unit: "MiB", bars: [] },
      { what: "resident memory, last quarter, median", value: median(rss.slice(-quarter)), unit: "MiB", bars: [] },
      { what: "growth from the second to the last quarter", value: growth, unit: "MiB", bars: [aim("at most", 20)] },
      { what: "resident memory, most", value: Math.max(...rss), unit: "MiB", bars: [] },
      { what: "heap in use, median", value: median(heap), unit: "MiB", bars: [] },
      {
        what: "journal on the disk, most",
        value: Math.max(...samples.map(({ journalBytes }) => journalBytes)) / MIB,
        unit: "MiB",
        bars: [aim("at most", 256)],
      },
      ...loopFigures("soak", result.loop),
    ];
  },
};
