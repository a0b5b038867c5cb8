/**
 * Proves a migration: reads both sides anew, compares every value, and counts what it compared. It repairs nothing; a
 * shortfall is for `run`, which does again what is missing.
 */
import { describeError } from "../base/errors.js";
import { Differences, type Difference, type VerifiedCounts } from "./differences.js";
import { parentOf, readInventory, type SkippedRuns } from "./inventory.js";
import { projectPaths } from "./mapped-names.js";
import { DEFAULT_CONCURRENCY, sourceIdOf, type MigrationOptions } from "./migration-options.js";
import { verifyModels } from "./verify-models.js";
import { verifyRun } from "./verify-run.js";
import { forEachAtOnce } from "./work-pool.js";

/** What a verification found. */
export interface VerificationReport {
  /** True when everything that MLflow holds was found in ClearML, equal, and something was looked at; links only where they were accepted. */
  readonly ok: boolean;
  readonly sourceId: string;
  readonly trackingUri: string;
  readonly runsInMlflow: number;
  readonly compared: Readonly<VerifiedCounts>;
  readonly differencesTotal: number;
  /** The first thousand. */
  readonly differences: readonly Difference[];
  /** Left out because they were deleted, as asked for. */
  readonly skipped: SkippedRuns;
  /** True when it was asked to stop: then it proves nothing. */
  readonly interrupted: boolean;
}

export interface VerifyMigrationOptions extends MigrationOptions {
  /** Call it a success though files were linked and not copied. Default false: what lies in MLflow's store is not in ClearML. */
  readonly acceptLinks?: boolean | undefined;
}

/** @throws As `runMigration`, for what keeps the lists from being read. */
export async function verifyMigration(options: VerifyMigrationOptions): Promise<VerificationReport> {
  const { mlflow, clearml, into } = options;
  const signal = options.signal ?? new AbortController().signal;
  const sourceId = sourceIdOf(options);
  const found = new Differences();
  let runsInMlflow = 0;
  let skipped: SkippedRuns = { experiments: 0, runs: 0, reported: 0 };
  try {
    const inventory = await readInventory(options, signal);
    const { everyExperiment, experiments, runs } = inventory;
    skipped = { ...inventory.skipped };
    runsInMlflow = runs.size;
    const projects = new Map<string, string>();
    const paths = projectPaths(everyExperiment, into);
    for (const { experiment_id: experimentId, name } of experiments) {
      const path = paths.get(experimentId) ?? name;
      const project = await clearml.projects.find(path, { signal });
      if (project) projects.set(experimentId, project.id);
      else found.add(undefined, `experiment ${experimentId}`, path, undefined);
      found.counts.projects++;
    }
    let runsDone = 0;
    await forEachAtOnce(runs.values(), options.concurrency ?? DEFAULT_CONCURRENCY, async ({ runId, experiment }) => {
      signal.throwIfAborted();
      const projectId = projects.get(experiment.experiment_id);
      try {
        await verifyRun({ mlflow, clearml, sourceId, experiment, runId, projectId, parentRunId: parentOf(runId, runs), found, signal });
      } catch (error) {
        if (signal.aborted) throw error;
        found.add(runId, "the run", "readable", describeError(error));
      }
      runsDone++;
      options.onProgress?.({ runsDone, runsTotal: runsInMlflow, points: found.counts.points, files: found.counts.files });
    });
    await verifyModels({ mlflow, clearml, sourceId, inventory, found, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const { counts } = found;
  const { points, events, collapsed, notChartable } = counts;
  // Each term was counted by itself: a sum that does not come out is a hole in the comparison.
  if (!signal.aborted && found.total === 0 && points !== events + collapsed + notChartable)
    found.add(undefined, "points = events + collapsed + not chartable", String(points), String(events + collapsed + notChartable));
  return {
    ok:
      !signal.aborted &&
      found.total === 0 &&
      (counts.linkedFiles === 0 || options.acceptLinks === true) &&
      counts.runs === runsInMlflow &&
      counts.projects > 0,
    sourceId,
    trackingUri: mlflow.address,
    runsInMlflow,
    compared: counts,
    differencesTotal: found.total,
    differences: found.kept,
    skipped,
    interrupted: signal.aborted,
  };
}
