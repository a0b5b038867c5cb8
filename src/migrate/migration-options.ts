/** What a migration is given, whichever of its three steps is asked for. */
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { MetricAddress } from "../records/metric-address.js";

export interface MigrationOptions {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  /**
   * Name of the source, part of every task's key: the same name finds the same tasks, whatever the address. Default: host
   * and path of the server's address; of a folder or a database its absolute path.
   */
  readonly sourceId?: string | undefined;
  /** Path of a project above all others. Default: none. */
  readonly into?: string | undefined;
  /**
   * Names of workspaces of MLflow (3.10 and later). Default: all that these credentials may read. Of those that are not named
   * every report tells.
   */
  readonly workspaces?: readonly string[] | undefined;
  /** Names of experiments, in each workspace. Default: all. */
  readonly experiments?: readonly string[] | undefined;
  /** Leave out deleted runs and experiments. Default false: they become archived tasks. */
  readonly skipDeleted?: boolean | undefined;
  /**
   * Move runs, too, that a trainer wrote to MLflow beside ClearML and whose task is there: they come to be there twice. Default
   * false: they are left out, and the report says how many.
   */
  readonly includeReported?: boolean | undefined;
  /**
   * `copy` (default) uploads the files of runs and models to ClearML; `link` registers them where they lie, with their addresses: nothing is
   * transferred, and they are lost with MLflow's store. A later `copy` brings in what was linked; a later `link` leaves copies.
   */
  readonly artifacts?: "copy" | "link" | undefined;
  /**
   * Chart and line of a metric: the function that trainers were given (`TrainerOptions.metricAddress`), so that what is moved and what
   * they report line up. The same for all steps of a migration; runs that are done are not done again for it. A proof asks it with the
   * names that MLflow has: of a run that its trainer wrote to both, a metric whose name MLflow cannot hold (`map@50`) is found only where
   * that name is its chart's, or `line/chart` or `line_chart`. Default: the rule of `metricAddress`, for all names.
   */
  readonly metricAddress?: ((name: string) => MetricAddress) | undefined;
  /** Runs at the same time. Default 16. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after each step of the work. */
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined;
}

/** How far it is. */
export interface MigrationProgress {
  readonly runsDone: number;
  /** Grows when runs come to be meanwhile. */
  readonly runsTotal: number;
  readonly points: number;
  readonly files: number;
}

/**
 * Default of {@link MigrationOptions.concurrency}. A run waits for one server or the other most of its time, and the more runs wait, the
 * more histories come by one call (`history-batches`).
 */
export const DEFAULT_CONCURRENCY = 16;

/** Default of {@link MigrationOptions.sourceId}. */
export function sourceIdOf({ sourceId, mlflow }: Pick<MigrationOptions, "sourceId" | "mlflow">): string {
  if (sourceId !== undefined && sourceId.trim() !== "") return sourceId.trim();
  return mlflow.defaultSourceId;
}

/** The system tag by which a model is found again, for ever. */
export function modelKey(sourceId: string, key: string): string {
  return `trainer-sdk:mlflow:${encodeURIComponent(sourceId.toWellFormed())}:model:${key}`;
}

/** The system tag by which a run's task is found again, for ever. */
export function runKey(sourceId: string, runId: string): string {
  return `trainer-sdk:mlflow:${encodeURIComponent(sourceId.toWellFormed())}:${runId}`;
}

/** The system tag of a project that a migration made. */
export function projectKey(sourceId: string): string {
  return `trainer-sdk:mlflow-project:${encodeURIComponent(sourceId.toWellFormed())}`;
}
