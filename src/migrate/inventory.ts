/**
 * What there is to migrate: experiments and runs, by their ids and what the order of work needs. Reads MLflow, and asks
 * ClearML for the tasks of runs that were written to both.
 */
import { NotFoundError } from "../base/errors.js";
import type { MlflowExperiment } from "../mlflow/mlflow-documents.js";
import type { MlflowScope } from "../mlflow/mlflow-source.js";
import { DEFAULT_WORKSPACE, otherWorkspace } from "../mlflow/workspaces.js";
import type { MigrationOptions } from "./migration-options.js";
import { reportedTask } from "./reported-runs.js";
import { tagOf } from "./run-tag.js";

/** A run, as far as it is kept in memory. */
export interface InventoryRun {
  readonly runId: string;
  readonly experiment: MlflowExperiment;
  readonly parentRunId: string | undefined;
  readonly isDeleted: boolean;
  readonly name: string | undefined;
  readonly startMs: number | undefined;
}

/** A run that its trainer wrote to both. */
export interface ReportedRun {
  readonly runId: string;
  readonly experiment: MlflowExperiment;
  /** The trainer's own task. */
  readonly taskId: string;
}

export interface Inventory {
  /** All that the server has, for their names. */
  readonly everyExperiment: readonly MlflowExperiment[];
  /** Those that are to be moved. */
  readonly experiments: readonly MlflowExperiment[];
  /** Experiments were named, and not all of them: models that belong to none of them are not asked for either. */
  readonly isPart: boolean;
  /** By run id. */
  readonly runs: ReadonlyMap<string, InventoryRun>;
  /** Those that are left out because a task of their trainer's is there. */
  readonly reported: readonly ReportedRun[];
  readonly skipped: SkippedRuns;
  /** Workspaces that are read. */
  readonly workspaces: readonly string[];
  readonly unread: Unread;
}

/** What MLflow has, or may have, beside what was read. */
export interface Unread {
  /** Workspaces that were not named. */
  readonly workspaces: readonly string[];
  /** Why MLflow may hold more than it has shown, each as a sentence without its end: the user is no administrator, say. */
  readonly limits: readonly string[];
}

/** Before anything is known. */
export const NOTHING_UNREAD: Unread = { workspaces: [], limits: [] };

/** What is left out. */
export interface SkippedRuns {
  /** Deleted ones, with `skipDeleted`. */
  readonly experiments: number;
  readonly runs: number;
  /** Runs that their trainer reports to ClearML itself, unless `includeReported` is given. */
  readonly reported: number;
}

/**
 * @param known - Tasks of runs that are known to be reported to ClearML by their trainer, by run; grows.
 * @throws NotFoundError for a workspace or an experiment that was named and is not there; ApiError, ConnectionError; the signal's reason.
 */
export async function readInventory(
  options: Pick<MigrationOptions, "mlflow" | "clearml" | "workspaces" | "experiments" | "skipDeleted" | "includeReported">,
  signal: AbortSignal,
  known = new Map<string, string>(),
): Promise<Inventory> {
  const { mlflow, clearml, experiments: named, skipDeleted = false, includeReported = false } = options;
  const everyExperiment: MlflowExperiment[] = [];
  const experiments: MlflowExperiment[] = [];
  const runs = new Map<string, InventoryRun>();
  const reported: ReportedRun[] = [];
  const skipped = { experiments: 0, runs: 0, reported: 0 };
  const scope = (await mlflow.scope?.({ signal })) ?? { workspaces: [DEFAULT_WORKSPACE], limits: [] };
  const workspaces = wantedWorkspaces(scope, options.workspaces);
  const wanted = new Set(named);
  const missing = new Set(named);
  for await (const experiment of mlflow.experiments({ signal })) {
    everyExperiment.push(experiment);
    if (!workspaces.includes(otherWorkspace(experiment) ?? DEFAULT_WORKSPACE)) continue;
    if (named && !wanted.has(experiment.name)) continue;
    // One name may be there in several workspaces.
    missing.delete(experiment.name);
    if (skipDeleted && experiment.lifecycle_stage === "deleted") skipped.experiments++;
    else experiments.push(experiment);
  }
  const [first] = missing;
  if (first !== undefined)
    throw new NotFoundError(`MLflow has no experiment ${JSON.stringify(first)}, or these credentials may not read it. Check the name.`);
  for (const experiment of experiments) {
    for await (const run of mlflow.runs(experiment.experiment_id, { signal })) {
      const isDeleted = run.info.lifecycle_stage === "deleted";
      const { run_id: runId, run_name: name, start_time: start } = run.info;
      if (isDeleted && skipDeleted) {
        skipped.runs++;
        continue;
      }
      const taskId = includeReported ? undefined : (known.get(runId) ?? (await reportedTask(clearml, run, signal)));
      if (taskId !== undefined) {
        known.set(runId, taskId);
        reported.push({ runId, experiment, taskId });
        skipped.reported++;
        continue;
      }
      const startMs = start === undefined ? undefined : Number(start);
      runs.set(runId, { runId, experiment, parentRunId: tagOf(run, "mlflow.parentRunId"), isDeleted, name, startMs });
    }
  }
  const isPart = named !== undefined && everyExperiment.some(({ name }) => !named.includes(name));
  const unread = { workspaces: scope.workspaces.filter((name) => !workspaces.includes(name)), limits: scope.limits };
  return { everyExperiment, experiments, isPart, runs, reported, skipped, workspaces, unread };
}

function wantedWorkspaces(scope: MlflowScope, named: readonly string[] | undefined): readonly string[] {
  if (named === undefined) return scope.workspaces;
  const missing = named.find((name) => !scope.workspaces.includes(name));
  if (missing === undefined) return named;
  const known = scope.workspaces.map((name) => JSON.stringify(name)).join(", ");
  throw new NotFoundError(
    `MLflow has no workspace ${JSON.stringify(missing)}, or these credentials may not read it; there is ${known}. Check --workspace and MLFLOW_WORKSPACE.`,
  );
}

/** The parent that a run's task is filed under: one that is migrated too, and whose ancestors do not lead back. */
export function parentOf(runId: string, runs: ReadonlyMap<string, Pick<InventoryRun, "parentRunId">>): string | undefined {
  const parent = runs.get(runId)?.parentRunId;
  if (parent === undefined || !runs.has(parent)) return undefined;
  const seen = new Set([runId]);
  for (let at: string | undefined = parent; at !== undefined; at = runs.get(at)?.parentRunId) {
    if (seen.has(at)) return undefined;
    seen.add(at);
  }
  return parent;
}
