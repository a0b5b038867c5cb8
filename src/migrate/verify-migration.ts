/**
 * Proves a migration: reads both sides anew, compares every value, and counts what it compared. It repairs nothing; a
 * shortfall is for `run`, which does again what is missing.
 */
import { describeError } from "../base/errors.js";
import { Differences, type Difference, type RunVerification, type Uncompared, type VerifiedCounts } from "./differences.js";
import { NOTHING_UNREAD, parentOf, readInventory, type SkippedRuns, type Unread } from "./inventory.js";
import type { LossyThing } from "./lossy-things.js";
import type { MlflowTrouble } from "../mlflow/mlflow-source.js";
import { plainPath, projectPaths } from "./mapped-names.js";
import { DEFAULT_CONCURRENCY, projectKey, sourceIdOf, type MigrationOptions } from "./migration-options.js";
import { asPublic } from "./verify-metadata.js";
import { verifyModels } from "./verify-models.js";
import { verifyReported } from "./verify-reported.js";
import { verifyRun } from "./verify-run.js";
import { forEachAtOnce } from "./work-pool.js";

/**
 * For what a verification is no success though nothing differs: files that ClearML has by their addresses alone, what MLflow alone has of
 * runs that their trainer wrote to both, workspaces that were not named, credentials that are not shown everything, damage at the source.
 */
export type Shortfall = "links" | "reported" | "workspaces" | "limits" | "damage";

/** What a verification found. */
export interface VerificationReport {
  /**
   * True when everything that MLflow holds was found in ClearML, equal, and something was looked at; links and damage at the source
   * only where they were accepted, and so with what could not be compared of runs that their trainer wrote to both, workspaces that were
   * not named, and credentials that are not shown everything.
   */
  readonly ok: boolean;
  readonly sourceId: string;
  readonly trackingUri: string;
  /** Without those that a trainer wrote to both, which are `skipped.reported`. */
  readonly runsInMlflow: number;
  readonly compared: Readonly<VerifiedCounts>;
  /** Each experiment, and the sums of its runs. */
  readonly experiments: readonly ExperimentVerification[];
  /** Each run, those that a trainer wrote to both among them. */
  readonly runs: readonly RunVerification[];
  /** What ClearML shows otherwise than MLflow, as it must: no difference, and kept in the copies. */
  readonly lossy: readonly LossyThing[];
  readonly differencesTotal: number;
  /** The first thousand. */
  readonly differences: readonly Difference[];
  readonly uncomparedTotal: number;
  /** Of runs that a trainer wrote to both, what the comparison with the trainer's task does not cover. The first thousand. */
  readonly uncompared: readonly Uncompared[];
  /** What is not in ClearML, and was accepted: linked files, models without files. */
  readonly acceptedLinks: boolean;
  /** What is there of it, and was not accepted. */
  readonly unaccepted: readonly Shortfall[];
  /** Left out because they were deleted, as asked for. */
  readonly skipped: SkippedRuns;
  /** A reason why this may not be all of MLflow: no success unless it was accepted. */
  readonly unread: Unread;
  /** Places of the source that are not as MLflow leaves them. */
  readonly troubles: readonly MlflowTrouble[];
  /** True when it was asked to stop: then it proves nothing. */
  readonly interrupted: boolean;
}

/** An experiment, and what came of its runs. */
export interface ExperimentVerification {
  readonly experimentId: string;
  readonly name: string;
  /** Path of its project. */
  readonly project: string;
  /** Undefined: there is no such project. */
  readonly projectId: string | undefined;
  readonly runs: number;
  /** Runs without a difference. */
  readonly equalRuns: number;
  readonly points: number;
  readonly files: number;
  readonly differences: number;
}

export interface VerifyMigrationOptions extends MigrationOptions {
  /**
   * Call it a success though ClearML has files by their addresses alone: those that were linked and not copied, and those of models of
   * which MLflow lists none. Default false: what lies in MLflow's store is not in ClearML.
   */
  readonly acceptLinks?: boolean | undefined;
  /** Call it a success though parts of the source cannot be read any more. Default false: they are in `troubles`. */
  readonly acceptDamage?: boolean | undefined;
  /**
   * Call it a success though MLflow has something of runs that a trainer wrote to both which no comparison with the trainer's task covers:
   * files in its store, tags and notes of others, older points of steps that were reported again. Default false. What can be compared and
   * differs is a difference, whatever is accepted here.
   */
  readonly acceptReported?: boolean | undefined;
  /** Call it a success though there are workspaces that were not named. Default false: they are in `unread`. */
  readonly acceptWorkspaces?: boolean | undefined;
  /**
   * Call it a success though MLflow may hold more than it shows to these credentials. Default false: the user is no administrator, from
   * whom MLflow hides what was not granted, or workspaces could not be asked for; the reasons are in `unread`.
   */
  readonly acceptLimits?: boolean | undefined;
}

type Sum = { -readonly [Name in keyof ExperimentVerification]: ExperimentVerification[Name] };
const NOTHING = { runs: 0, equalRuns: 0, points: 0, files: 0, differences: 0 };

/** @throws As `runMigration`, for what keeps the lists from being read. */
export async function verifyMigration(options: VerifyMigrationOptions): Promise<VerificationReport> {
  const { mlflow, clearml, into, metricAddress: addressOf } = options;
  const signal = options.signal ?? new AbortController().signal;
  const sourceId = sourceIdOf(options);
  const found = new Differences();
  const verified: RunVerification[] = [];
  const sums = new Map<string, Sum>();
  let runsInMlflow = 0;
  let skipped: SkippedRuns = { experiments: 0, runs: 0, reported: 0 };
  let unread: Unread = NOTHING_UNREAD;
  /** Takes in what was found of a run. */
  const take = (run: Pick<RunVerification, "runId" | "name" | "experimentId" | "taskId" | "isReported">, own: Differences): void => {
    found.absorb(own);
    const { values, points, collapsed, notChartable, files, fileBytes, linkedFiles } = own.counts;
    verified.push({ ...run, ...{ values, points, collapsed, notChartable, files, fileBytes, linkedFiles }, differences: own.total });
    const sum = sums.get(run.experimentId);
    if (sum) {
      sum.runs++;
      if (own.total === 0) sum.equalRuns++;
      sum.points += points;
      sum.files += files;
      sum.differences += own.total;
    }
    const { counts } = found;
    const runsTotal = runsInMlflow + skipped.reported;
    options.onProgress?.({ runsDone: verified.length, runsTotal, points: counts.points, files: counts.files });
  };
  try {
    const inventory = await readInventory(options, signal);
    const { everyExperiment, experiments, runs } = inventory;
    skipped = { ...inventory.skipped };
    unread = inventory.unread;
    runsInMlflow = runs.size;
    const paths = projectPaths(everyExperiment, into);
    const projects = new Map<string, string>();
    for (const experiment of experiments) {
      const { experiment_id: experimentId, name, tags } = experiment;
      const path = paths.get(experimentId) ?? name;
      if (path !== plainPath(experiment, into)) found.lossy.note("project", `${name} becomes ${path}`);
      const project = await clearml.projects.find(path, { signal });
      if (project) projects.set(experimentId, project.id);
      else found.add(undefined, `experiment ${experimentId}`, path, undefined);
      // What others made, or wrote beside it, is theirs.
      if (project?.system_tags?.includes(projectKey(sourceId)) === true) {
        const shown = project.description ?? "";
        const texts = tags.map(({ key, value }) => (key === "mlflow.note.content" ? value : `${key} = ${value}`));
        for (const text of [JSON.stringify(name), ...texts].map((each) => asPublic(each.trim()).toWellFormed()))
          found.value(undefined, `description of project ${path}`, text, shown.includes(text) ? text : shown);
      }
      found.counts.projects++;
      sums.set(experimentId, { ...{ experimentId, name, project: path, projectId: project?.id }, ...NOTHING });
    }
    await forEachAtOnce(runs.values(), options.concurrency ?? DEFAULT_CONCURRENCY, async ({ runId, experiment }) => {
      signal.throwIfAborted();
      const experimentId = experiment.experiment_id;
      // Of its own, so that what is found is known to be this run's.
      const own = new Differences();
      const projectId = projects.get(experimentId);
      const parentRunId = parentOf(runId, runs);
      const given = { mlflow, clearml, sourceId, experiment, runId, projectId, parentRunId, addressOf, found: own, signal };
      const { name, taskId } = await verifyRun(given).catch((error: unknown) => {
        if (signal.aborted) throw error;
        own.add(runId, "the run", "readable", describeError(error));
        return { name: "", taskId: undefined };
      });
      take({ runId, name, experimentId, taskId, isReported: false }, own);
    });
    await forEachAtOnce(inventory.reported, options.concurrency ?? DEFAULT_CONCURRENCY, async (run) => {
      signal.throwIfAborted();
      const { runId, taskId } = run;
      const own = new Differences();
      const name = await verifyReported({ ...run, mlflow, clearml, addressOf, found: own, signal }).catch((error: unknown) => {
        if (signal.aborted) throw error;
        own.add(runId, "the run and its trainer's task", "readable", describeError(error));
        return "";
      });
      take({ runId, name, experimentId: run.experiment.experiment_id, taskId, isReported: true }, own);
    });
    for (const { name, experimentId, runs: count } of sums.values())
      if (count === 0) found.lossy.note("empty-experiment", `${name} (${experimentId})`);
    await verifyModels({ mlflow, clearml, sourceId, inventory, found, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const { counts } = found;
  const troubles = mlflow.troubles?.() ?? [];
  const { points, events, collapsed, notChartable } = counts;
  // Each term was counted by itself: a sum that does not come out is a hole in the comparison.
  if (!signal.aborted && found.total === 0 && points !== events + collapsed + notChartable)
    found.add(undefined, "points = events + collapsed + not chartable", String(points), String(events + collapsed + notChartable));
  const shortfalls: readonly (readonly [Shortfall, boolean, accepted: boolean | undefined])[] = [
    ["links", counts.linkedFiles + counts.modelsWithoutFiles > 0, options.acceptLinks],
    ["reported", found.uncomparedTotal > 0, options.acceptReported],
    ["workspaces", unread.workspaces.length > 0, options.acceptWorkspaces],
    ["limits", unread.limits.length > 0, options.acceptLimits],
    ["damage", troubles.some(({ isLoss }) => isLoss), options.acceptDamage],
  ];
  const unaccepted = shortfalls.filter(([, isThere, accepted]) => isThere && accepted !== true).map(([what]) => what);
  return {
    ok:
      !signal.aborted &&
      found.total === 0 &&
      unaccepted.length === 0 &&
      counts.runs === runsInMlflow &&
      counts.reportedRuns === skipped.reported &&
      // A server that shows experiments and no run of them, for want of rights or being another one, proves nothing.
      counts.runs + counts.reportedRuns + counts.models > 0,
    sourceId,
    trackingUri: mlflow.address,
    runsInMlflow,
    compared: counts,
    experiments: [...sums.values()],
    runs: verified,
    lossy: found.lossy.list(),
    acceptedLinks: options.acceptLinks === true,
    unaccepted,
    differencesTotal: found.total,
    differences: found.kept,
    uncomparedTotal: found.uncomparedTotal,
    uncompared: found.uncompared,
    skipped,
    unread,
    troubles,
    interrupted: signal.aborted,
  };
}
