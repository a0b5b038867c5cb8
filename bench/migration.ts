/**
 * Migrations of a real MLflow server, filled for this, into the embedded ClearML: from the server and from its database file, both
 * proved afterwards; and a naive loop over some of the same runs.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { pythonWith } from "../scripts/python-venv.ts";
import { startMlflow, type MlflowServer } from "../test/interop/mlflow/mlflow-server.ts";
import { groupCpuSeconds } from "./group-cpu.ts";
import { isInstalled } from "./peers/install-peers.ts";
import type { Workplace } from "./workplace.ts";

/** How much is moved. Each run has `metrics` metrics of `steps` points. */
export interface MigrationLoad {
  readonly runs: number;
  /** Of the load that memory is compared with. */
  readonly fewRuns: number;
  /** Of those, the ones that the loops of single calls move. */
  readonly naiveRuns: number;
  readonly metrics: number;
  readonly steps: number;
  /** Points of one run with one metric. */
  readonly longPoints: number;
}

/** One pass of one program. */
export interface Pass {
  readonly points: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** What the servers used meanwhile. */
  readonly mlflowCpuSeconds: number;
  readonly clearmlCpuSeconds: number;
  /** Resident memory, sampled ten times a second. */
  readonly rssBytes: readonly number[];
}

export interface Migration {
  readonly moved: Pass;
  readonly proved: Pass;
}

export interface MigrationResult {
  readonly fromServer: Migration;
  readonly fewFromServer: Migration;
  readonly fromFile: Migration;
  readonly fewFromFile: Migration;
  readonly longFromFile: Migration;
  /** A loop by `fetch`, which costs less than any client. */
  readonly naive: Pass;
  /** A script with the official clients for Python. */
  readonly script: Pass;
}

/** The current line of the interop suite, in the environment that both use. */
const MLFLOW_VERSION = "3.17.2";
const MLFLOW_PLACE = `interop/mlflow-${MLFLOW_VERSION}`;
const SCRIPT_PLACE = "interop/both-clients";
const SCRIPT_PACKAGES = ["clearml==2.1.12", `mlflow-skinny==${MLFLOW_VERSION}`];
/** MLflow's own default. */
const MLFLOW_WORKERS = 4;
/** On a machine that others use too. */
const MAX_PASS_MS = 40 * 60_000;

/** False: a measurement would install MLflow first. */
export function isMlflowInstalled(workplace: Workplace): Promise<boolean> {
  return isInstalled(path.join(workplace.root, ".cache", MLFLOW_PLACE, "bin", "python"));
}

/** @throws Error when a point is missing or differs: speed by loss is none. */
export async function measureMigration(
  workplace: Workplace,
  load: MigrationLoad,
  progress: (message: string) => void,
): Promise<MigrationResult> {
  const python = await pythonWith(MLFLOW_PLACE, [`mlflow==${MLFLOW_VERSION}`], progress);
  const mlflow = await startMlflow(python, { workers: MLFLOW_WORKERS, parent: workplace.folder });
  const scriptPython = await pythonWith(SCRIPT_PLACE, SCRIPT_PACKAGES, progress);
  try {
    const { metrics, steps } = load;
    const experiments = [
      { name: "few", runs: load.fewRuns, metrics, steps },
      { name: "many", runs: load.runs, metrics, steps },
      { name: "long", runs: 1, metrics: 1, steps: load.longPoints },
    ];
    progress("MLflow is filled");
    const filling = { trackingUri: mlflow.trackingUri, database: mlflow.database, experiments };
    const { runs } = await workplace.program<{ runs: Readonly<Record<string, readonly string[]>> }>(
      "fill-mlflow",
      filling,
      {},
      MAX_PASS_MS,
    );
    const migrated = async (source: string, experiment: string, points: number): Promise<Migration> => {
      const from = source === mlflow.trackingUri ? "the server" : "its database";
      progress(`${experiment} from ${from}`);
      const { moved, proved } = await migrate(workplace, mlflow, source, experiment, points);
      progress(`  ${String(points)} points, moved in ${moved.seconds.toFixed(1)} s, proved in ${proved.seconds.toFixed(1)} s`);
      return { moved, proved };
    };
    const [few, many] = [load.fewRuns * metrics * steps, load.runs * metrics * steps];
    const file = `sqlite:///${mlflow.database}`;
    const fewFromServer = await migrated(mlflow.trackingUri, "few", few);
    const naiveRuns = (runs["few"] ?? []).slice(0, load.naiveRuns);
    const naivePoints = naiveRuns.length * metrics * steps;
    progress("a loop of single calls, by fetch and with Python's clients");
    const naive = await simplePass(workplace, mlflow, naivePoints, (server) =>
      workplace.program<Told>("naive-migration", { trackingUri: mlflow.trackingUri, runIds: naiveRuns }, server.env, MAX_PASS_MS),
    );
    const config = path.join(workplace.folder, "script.conf");
    // By default its search for a repository runs beside its own forks, and a fork in the wrong moment leaves it waiting for 300 s.
    await writeFile(config, "sdk { development { vcs_repo_detect_async: false } }\n");
    const script = await simplePass(workplace, mlflow, naivePoints, (server) => {
      const asked = JSON.stringify({ trackingUri: mlflow.trackingUri, runIds: naiveRuns });
      const env = { ...server.env, CLEARML_CONFIG_FILE: config, GIT_CEILING_DIRECTORIES: path.join(workplace.root, "bench") };
      return workplace.run<Told>(scriptPython, [path.join(workplace.root, "bench", "peers", "migrate_script.py"), asked], env, MAX_PASS_MS);
    });
    progress(`  ${String(naivePoints)} points in ${naive.seconds.toFixed(1)} s and ${script.seconds.toFixed(1)} s`);
    return {
      naive,
      script,
      fewFromServer,
      fromServer: await migrated(mlflow.trackingUri, "many", many),
      fewFromFile: await migrated(file, "few", few),
      fromFile: await migrated(file, "many", many),
      longFromFile: await migrated(file, "long", load.longPoints),
    };
  } finally {
    await mlflow.close();
  }
}

async function migrate(workplace: Workplace, mlflow: MlflowServer, source: string, experiment: string, points: number): Promise<Migration> {
  const server = await workplace.clearml();
  const pass = async (step: "run" | "verify"): Promise<Pass> => {
    const asked = { step, source, artifactsRoot: mlflow.artifactsRoot, experiment, into: "bench" };
    const pass = measured(mlflow, server, () => workplace.program<Told>("migrate", asked, server.env, MAX_PASS_MS));
    return whole(`${step} of ${experiment}`, await pass, points);
  };
  try {
    return { moved: await pass("run"), proved: await pass("verify") };
  } finally {
    await server.stop();
  }
}

/** Into a ClearML of its own. */
async function simplePass(
  workplace: Workplace,
  mlflow: MlflowServer,
  points: number,
  program: (server: Awaited<ReturnType<Workplace["clearml"]>>) => Promise<Told>,
): Promise<Pass> {
  const server = await workplace.clearml();
  try {
    return whole("a loop of single calls", await measured(mlflow, server, () => program(server)), points);
  } finally {
    await server.stop();
  }
}

/** What a program says at its end. */
type Told = Omit<Pass, "mlflowCpuSeconds" | "clearmlCpuSeconds"> & { readonly problem?: string };

async function measured(mlflow: MlflowServer, clearml: { readonly pid: number }, program: () => Promise<Told>) {
  const used = () => Promise.all([mlflow.pid, clearml.pid].map(groupCpuSeconds));
  const [mlflowBefore = 0, clearmlBefore = 0] = await used();
  const told = await program();
  const [mlflowAfter = 0, clearmlAfter = 0] = await used();
  return { ...told, mlflowCpuSeconds: mlflowAfter - mlflowBefore, clearmlCpuSeconds: clearmlAfter - clearmlBefore };
}

function whole(what: string, pass: Pass & { readonly problem?: string }, points: number): Pass {
  if (pass.problem !== undefined) throw new Error(`${what}: ${pass.problem}`);
  if (pass.points !== points) throw new Error(`${what}: ${String(pass.points)} of ${String(points)} points`);
  return pass;
}
