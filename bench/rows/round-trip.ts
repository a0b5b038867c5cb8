/** One ClearML API call on loopback, beside the same call by bare fetch, one after the other in one process. */
import { floor, type Row } from "../row.ts";
import { spread } from "../statistics.ts";

export const roundTrip: Row = {
  name: "round-trip",
  title: "one ClearML API round trip on loopback (tasks.get_by_id)",
  async measure({ workplace, quick }) {
    const server = await workplace.clearml();
    try {
      const { ours, fetched } = await workplace.program<Record<"ours" | "fetched", readonly number[]>>(
        "round-trip",
        { calls: quick ? 300 : 2000 },
        server.env,
      );
      return [
        { what: "our client, p50", value: spread(ours).p50, unit: "ms", bars: [] },
        { what: "our client, p99", value: spread(ours).p99, unit: "ms", bars: [] },
        {
          what: "our client, slowest",
          value: spread(ours).max,
          unit: "ms",
          bars: [floor("below", 100)],
          note: `${String(ours.length)} calls`,
        },
        { what: "bare fetch, p50", value: spread(fetched).p50, unit: "ms", bars: [] },
        { what: "bare fetch, p99", value: spread(fetched).p99, unit: "ms", bars: [] },
        { what: "bare fetch, slowest", value: spread(fetched).max, unit: "ms", bars: [] },
      ];
    } finally {
      await server.stop();
    }
  },
};
