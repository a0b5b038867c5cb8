/** A whole MLflow into ClearML, beside a loop of single calls: speed, proof, and memory that does not grow with what is moved. */
import { isMlflowInstalled, measureMigration, type Migration, type MigrationLoad, type MigrationResult, type Pass } from "../migration.ts";
import { aim, floor, type Figure, type Row } from "../row.ts";
import { median } from "../statistics.ts";

const MIB = 1024 * 1024;
const WHOLE: MigrationLoad = { runs: 1000, fewRuns: 100, naiveRuns: 20, metrics: 5, steps: 400, longPoints: 2_000_000 };
const QUICK: MigrationLoad = { ...WHOLE, runs: 100, fewRuns: 10, naiveRuns: 5, longPoints: 200_000 };

export const migrate: Row = {
  name: "migrate",
  title: "1,000 runs and 2 million points of a real MLflow server into the embedded ClearML (a tenth with --quick), proved",
  async measure({ workplace, quick, install, progress }) {
    if (!install && !(await isMlflowInstalled(workplace))) {
      const note = "MLflow is not installed";
      return [{ what: "loop by fetch / ours, from its SQLite file", value: undefined, unit: "x", bars: [floor("at least", 20)], note }];
    }
    const load = quick ? QUICK : WHOLE;
    return migrationFigures(await measureMigration(workplace, load, progress), load);
  },
};

/** The figures of one measurement. Pure. */
export function migrationFigures(result: MigrationResult, load: MigrationLoad): Figure[] {
  const { naive, script, fromServer, fewFromServer, fromFile, fewFromFile, longFromFile } = result;
  const naivePointSeconds = naive.seconds / naive.points;
  const scriptPointSeconds = script.seconds / script.points;
  const times = ({ moved }: Migration, pointSeconds: number): number => pointSeconds / (moved.seconds / moved.points);
  return [
    {
      what: "a loop of single calls, by fetch: a point",
      value: naivePointSeconds * 1e6,
      unit: "us",
      bars: [],
      note: `${String(load.naiveRuns)} of the runs, ${String(naive.points)} points and nothing else of them`,
    },
    {
      what: "the loop: all of it, by its time a point",
      value: naivePointSeconds * fromServer.moved.points,
      unit: "s",
      bars: [],
      note: "not run to its end",
    },
    {
      what: "a script with Python's official clients: a point",
      value: scriptPointSeconds * 1e6,
      unit: "us",
      bars: [],
      note: `the same ${String(script.points)} points and nothing else of them`,
    },
    {
      what: "the script: all of it, by its time a point",
      value: scriptPointSeconds * fromServer.moved.points,
      unit: "s",
      bars: [],
      note: "not run to its end",
    },
    ...figuresOf("from the server", fromServer, fewFromServer),
    { what: "loop by fetch / ours, from the server", value: times(fromServer, naivePointSeconds), unit: "x", bars: [aim("at least", 20)] },
    { what: "script / ours, from the server", value: times(fromServer, scriptPointSeconds), unit: "x", bars: [floor("at least", 20)] },
    ...figuresOf("from its SQLite file", fromFile, fewFromFile),
    {
      what: "loop by fetch / ours, from its SQLite file",
      value: times(fromFile, naivePointSeconds),
      unit: "x",
      bars: [floor("at least", 20)],
    },
    {
      what: `one metric of ${load.longPoints.toLocaleString("en-US")} points, from the SQLite file`,
      value: longFromFile.moved.points / longFromFile.moved.seconds,
      unit: "points/s",
      bars: [],
    },
    { what: "one metric: resident memory, most", value: most(longFromFile.moved), unit: "MiB", bars: [] },
    {
      what: "one metric: growth from the second to the last quarter",
      value: growth(longFromFile.moved),
      unit: "MiB",
      bars: [aim("at most", 50)],
    },
  ];
}

function figuresOf(from: string, { moved, proved }: Migration, few: Migration): Figure[] {
  return [
    { what: `${from}: moved`, value: moved.seconds, unit: "s", bars: [], note: `${String(moved.points)} points` },
    { what: `${from}: points a second`, value: moved.points / moved.seconds, unit: "points/s", bars: [] },
    { what: `${from}: CPU of the migrator a point`, value: (moved.cpuSeconds / moved.points) * 1e6, unit: "us", bars: [] },
    { what: `${from}: CPU of ClearML's server a point`, value: (moved.clearmlCpuSeconds / moved.points) * 1e6, unit: "us", bars: [] },
    { what: `${from}: CPU of MLflow's server a point`, value: (moved.mlflowCpuSeconds / moved.points) * 1e6, unit: "us", bars: [] },
    { what: `${from}: proved by verify`, value: proved.seconds, unit: "s", bars: [], note: "no difference" },
    {
      what: `${from}: resident memory, most`,
      value: most(moved),
      unit: "MiB",
      bars: [],
      note: `${String(Math.round(most(few.moved)))} MiB with a tenth of it`,
    },
    {
      what: `${from}: more memory than with a tenth of it`,
      value: most(moved) - most(few.moved),
      unit: "MiB",
      bars: [aim("at most", 50)],
    },
    { what: `${from}: growth from the second to the last quarter`, value: growth(moved), unit: "MiB", bars: [aim("at most", 20)] },
  ];
}

const most = ({ rssBytes }: Pass): number => Math.max(...rssBytes) / MIB;

function growth({ rssBytes }: Pass): number {
  const quarter = Math.ceil(rssBytes.length / 4);
  return (median(rssBytes.slice(-quarter)) - median(rssBytes.slice(quarter, 2 * quarter))) / MIB;
}
