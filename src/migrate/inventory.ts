/**
 * What there is to migrate: experiments and runs, by their ids and what the order of work needs. Reads MLflow, and asks
 * ClearML for the tasks of runs that were written to both.
 */
import { NotFoundError } from "../base/errors.js";
import type { MlflowExperiment } from "../mlflow/mlflow-documents.js";
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
}

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
 * @throws NotFoundError for an experiment that was named and is not there; ApiError, ConnectionError; the signal's reason.
 */
export async function readInventory(
  options: Pick<MigrationOptions, "mlflow" | "clearml" | "experiments" | "skipDeleted" | "includeReported">,
  signal: AbortSignal,
  known = new Map<string, string>(),
): Promise<Inventory> {
  const { mlflow, clearml, experiments: named, skipDeleted = false, includeReported = false } = options;
  const everyExperiment: MlflowExperiment[] = [];
  const experiments: MlflowExperiment[] = [];
  const runs = new Map<string, InventoryRun>();
  const reported: ReportedRun[] = [];
  const skipped = { experiments: 0, runs: 0, reported: 0 };
  const missing = new Set(named);
  for await (const experiment of mlflow.experiments({ signal })) {
    everyExperiment.push(experiment);
    if (named && !missing.delete(experiment.name)) continue;
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
  return { everyExperiment, experiments, isPart, runs, reported, skipped };
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
