/** The same points into the same server: ours, the official client for Python, a loop of fetch posts. All end in a flush. */
import path from "node:path";
import { isInstalled, toolPath } from "../peers/install-peers.ts";
import { aim, type Figure, type Row } from "../row.ts";

interface Cost {
  readonly callSeconds: number;
  readonly callP50Us?: number;
  readonly callP99Us?: number;
  readonly callMaxUs?: number;
  readonly wholeSeconds: number;
  readonly cpuSeconds: number;
  readonly complete?: boolean;
}

/** Lines of the chart: as many points a step. */
const SERIES = 10;
/** A post for each point takes so long that fewer must do; its figures are told by the point. */
const RAW_SHARE = 10;

export const samePoints: Row = {
  name: "same-points",
  title: "the same points into the same server as the Python client's report_scalar, both ending in a flush",
  async measure({ workplace, quick, progress }) {
    const points = quick ? 10_000 : 50_000;
    const server = await workplace.clearml();
    try {
      progress("ours");
      const input = { points, series: SERIES, journalDir: await workplace.freshFolder("journal") };
      const ours = await workplace.program<Cost>("report-scalars", input, server.env);
      if (ours.complete !== true) throw new Error("our own points were not all delivered");
      progress("fetch");
      const raw = await workplace.program<Cost>("raw-posts", { points: points / RAW_SHARE, series: SERIES }, server.env);
      const figures = [...figuresOf("ours", ours, points), ...figuresOf("fetch, one post a point", raw, points / RAW_SHARE)];
      const python = toolPath(workplace, "python");
      if (!(await isInstalled(python))) return [...figures, ...ratios(undefined, ours)];
      progress("Python");
      const script = path.join(workplace.root, "bench", "peers", "report_scalars.py");
      // Its search for a repository runs beside its own forks, and a fork in the wrong moment leaves it waiting for ever.
      const env = { ...server.env, GIT_CEILING_DIRECTORIES: path.join(workplace.root, "bench") };
      const theirs = await workplace.run<Cost>(python, [script, JSON.stringify({ points, series: SERIES })], env);
      return [...figures, ...figuresOf("Python", theirs, points), ...ratios(theirs, ours)];
    } finally {
      await server.stop();
    }
  },
};

function figuresOf(who: string, cost: Cost, points: number): Figure[] {
  const perPoint = (seconds: number): number => (seconds / points) * 1e6;
  return [
    {
      what: `${who}: time in the caller a point`,
      value: perPoint(cost.callSeconds),
      unit: "us",
      bars: [],
      note: `${String(points)} points`,
    },
    ...(cost.callMaxUs === undefined ? [] : [{ what: `${who}: slowest call`, value: cost.callMaxUs / 1000, unit: "ms", bars: [] }]),
    { what: `${who}: first call to the flush's end, a point`, value: perPoint(cost.wholeSeconds), unit: "us", bars: [] },
    { what: `${who}: CPU of the client process a point`, value: perPoint(cost.cpuSeconds), unit: "us", bars: [] },
  ];
}

function ratios(theirs: Cost | undefined, ours: Cost): Figure[] {
  const note = theirs === undefined ? { note: "the Python client is not installed" } : {};
  return [
    {
      what: "Python / ours: time in the caller",
      value: theirs && theirs.callSeconds / ours.callSeconds,
      unit: "x",
      bars: [aim("at least", 10)],
      ...note,
    },
    {
      what: "Python / ours: CPU of the client process",
      value: theirs && theirs.cpuSeconds / ours.cpuSeconds,
      unit: "x",
      bars: [aim("at least", 5)],
      ...note,
    },
    { what: "Python / ours: first call to the flush's end", value: theirs && theirs.wholeSeconds / ours.wholeSeconds, unit: "x", bars: [] },
  ];
}
