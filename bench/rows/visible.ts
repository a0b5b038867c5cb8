/** A metric's way to the reader: from the call to the first read that returns it, with default settings. */
import { aim, floor, type Row } from "../row.ts";
import { spread } from "../statistics.ts";

export const visible: Row = {
  name: "visible",
  title: "metric readable at the server: from the call to the first read that returns it, default settings",
  async measure({ workplace, quick }) {
    const server = await workplace.clearml();
    try {
      const input = { points: quick ? 60 : 250, everyMs: 137, journalDir: await workplace.freshFolder("journal") };
      const { seenMs } = await workplace.program<{ seenMs: readonly number[] }>("visible", input, server.env);
      const { p50, p99, max } = spread(seenMs);
      return [
        { what: "p50", value: p50 / 1000, unit: "s", bars: [] },
        { what: "p99", value: p99 / 1000, unit: "s", bars: [aim("at most", 1.5)], note: `${String(seenMs.length)} points` },
        { what: "slowest", value: max / 1000, unit: "s", bars: [floor("below", 5)] },
      ];
    } finally {
      await server.stop();
    }
  },
};
