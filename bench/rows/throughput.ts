/** Points a second of one client process into a server process that parses and counts but stores nothing. */
import { sayManyPoints, type ManyPoints } from "../many-points.ts";
import { loopFigures } from "../loop-figures.ts";
import { aim, type Row } from "../row.ts";

const rate = ({ points, wholeSeconds }: ManyPoints): number => points / wholeSeconds;

export const throughput: Row = {
  name: "throughput",
  title: "points a second of one process, from the first call to the flush's end, counted at the server",
  async measure({ workplace, quick, progress }) {
    const points = quick ? 300_000 : 2_000_000;
    progress("reportProgress with 10 metrics");
    const tens = await sayManyPoints(workplace, { points, metrics: 10 });
    progress("reportProgress with 100 metrics");
    const hundreds = await sayManyPoints(workplace, { points, metrics: 100 });
    progress("reportScalar");
    const single = await sayManyPoints(workplace, { points: points / 5, metrics: 1, single: true });
    return [
      { what: "reportProgress, 10 metrics a call", value: rate(tens), unit: "points/s", bars: [aim("at least", 100_000)] },
      { what: "reportProgress, 100 metrics a call", value: rate(hundreds), unit: "points/s", bars: [] },
      { what: "reportScalar, one point a call", value: rate(single), unit: "points/s", bars: [] },
      ...loopFigures("10 metrics", tens.loop),
    ];
  },
};
