/** The reports of a migration in words. Pure. */
import type { TimeEstimate } from "../migrate/estimate-time.js";
import type { SkippedRuns, Unread } from "../migrate/inventory.js";
import type { MlflowTrouble } from "../mlflow/mlflow-source.js";
import type { MigrationPlan } from "../migrate/plan-migration.js";
import type { MigrationReport } from "../migrate/run-migration.js";
import { verdictOf } from "../migrate/verdict.js";
import type { VerificationReport } from "../migrate/verify-migration.js";
import { counted } from "../base/counted.js";
import { duration } from "./migrate-progress.js";

const MAX_LISTED = 20;

export function planLines(plan: MigrationPlan): string[] {
  const { skipped } = plan;
  return [
    `MLflow ${plan.version} at ${plan.trackingUri}`,
    ...(plan.workspaces.length > 1 ? [`  ${counted(plan.workspaces.length, "workspace")}: ${plan.workspaces.join(", ")}`] : []),
    `  ${counted(plan.experiments.length, "experiment")}, ${counted(plan.runs, "run")} (${String(plan.deletedRuns)} deleted)`,
    `  ${counted(plan.parameters, "parameter")}, ${counted(plan.tags, "tag")}, ${counted(plan.metrics, "metric")} with ${counted(plan.points, "point")}`,
    `  ${counted(plan.files, "file")}, ${String(plan.fileBytes)} bytes`,
    `  ${counted(plan.models.logged, "logged model")}, ${counted(plan.models.versions, "version")} of registered models, ${String(plan.models.registered)} without a version; ${counted(plan.models.files, "file")} of them, ${String(plan.models.fileBytes)} bytes`,
    ...plan.experiments.map(
      ({ name, project, runs }) => `  ${JSON.stringify(name)} becomes the project ${project}: ${counted(runs, "task")}`,
    ),
    ...(plan.lossy.length === 0 ? ["ClearML shows all of it as MLflow does."] : ["ClearML shows these otherwise:"]),
    ...plan.lossy.map(({ count, why, example }) => `  ${counted(count, "time")}: ${why}. Such as ${example}`),
    "Not looked at and not moved: traces, prompts, evaluation data sets, permissions.",
    ...skippedLines(skipped),
    ...unreadLines(plan.unread),
    ...troubleLines(plan.troubles),
    ...plan.failures.slice(0, MAX_LISTED).map(({ runId, reason }) => `UNREADABLE: run ${runId}: ${reason}`),
    ...more(plan.failures.length),
    ...estimateLines(plan.estimate),
  ];
}

function estimateLines({ runSeconds, verifySeconds, measured, assumed }: TimeEstimate): string[] {
  const { readSeconds, roundTripMs, fileBytesPerSecond } = measured;
  const seen = [
    `reading MLflow took ${duration(readSeconds)}`,
    ...(roundTripMs === undefined ? [] : [`ClearML answers in ${roundTripMs.toFixed(1)} ms`]),
    ...(fileBytesPerSecond === undefined ? [] : [`files come at ${(fileBytesPerSecond / 1024 ** 2).toFixed(1)} MiB/s`]),
  ];
  return [
    `About ${duration(runSeconds)} for \`run\`, ${duration(verifySeconds)} for \`verify\`.`,
    `  measured now: ${seen.join("; ")}`,
    ...assumed.map((what) => `  assumed: ${what}`),
  ];
}

export function runLines(report: MigrationReport, ledger: string): string[] {
  return [
    `${counted(report.migrated, "run")} migrated, ${String(report.unchanged)} unchanged, ${String(report.failures.length)} failed, of ${String(report.runs)} in ${counted(report.experiments, "experiment")}`,
    ...(report.refreshed === 0 ? [] : [`  of the unchanged ${String(report.refreshed)} brought up to date with their experiments`]),
    `  ${counted(report.points, "point")} (${String(report.notChartable)} in no chart, kept in the copies), ${counted(report.files, "file")}, ${String(report.fileBytes)} bytes`,
    `  ${counted(report.models.migrated, "model")} migrated, ${String(report.models.unchanged)} unchanged, ${String(report.models.failures.length)} failed`,
    ...(report.models.withoutFiles === 0
      ? []
      : [
          `WITHOUT FILES: ${counted(report.models.withoutFiles, "model")}; MLflow lists none, the address stands in their place (--accept-links)`,
        ]),
    ...report.models.failures.slice(0, MAX_LISTED).map(({ model, reason }) => `FAILED: ${model}: ${reason}`),
    ...more(report.models.failures.length),
    `  run ids and task ids: ${ledger}`,
    ...skippedLines(report.skipped),
    ...unreadLines(report.unread),
    ...troubleLines(report.troubles),
    ...report.failures
      .slice(0, MAX_LISTED)
      .map(({ runId, experiment, reason }) => `FAILED: run ${runId} of ${JSON.stringify(experiment)}: ${reason}`),
    ...more(report.failures.length),
    ...(report.interrupted ? ["INTERRUPTED: start it again, and it goes on."] : []),
    ...(report.stoppedBy === undefined ? [] : [`STOPPED: ${report.stoppedBy} Start it again once that is mended, and it goes on.`]),
    ...(report.failures.length > 0 && !report.interrupted ? ["Start it again for the runs that failed; what is done is left alone."] : []),
  ];
}

export function verifyLines(report: VerificationReport): string[] {
  const { compared, runsInMlflow, differencesTotal } = report;
  const { linkedFiles, modelsWithoutFiles } = compared;
  return [
    `compared ${String(compared.runs)} of ${counted(runsInMlflow, "run")} that were moved, in ${counted(compared.projects, "project")}: ${counted(compared.values, "value")}, ${counted(compared.points, "point")}, ${counted(compared.models, "model")}, ${counted(compared.files, "file")} (${String(compared.fileBytes)} bytes)`,
    `  ${counted(compared.points, "point")} = ${String(compared.events)} in charts + ${String(compared.collapsed)} behind a later one of the same step + ${String(compared.notChartable)} in no chart`,
    ...(linkedFiles === 0
      ? []
      : [`LINKED: ${counted(linkedFiles, "file")} in MLflow's store alone; --accept-links, or \`run\` with --artifacts copy`]),
    ...(modelsWithoutFiles === 0
      ? []
      : [
          `WITHOUT FILES: ${counted(modelsWithoutFiles, "model")}; MLflow lists none, and nothing but the address was compared; --accept-links`,
        ]),
    ...skippedLines({ ...report.skipped, reported: 0 }),
    ...reportedLines(report),
    ...unreadLines(report.unread),
    ...troubleLines(report.troubles),
    ...report.differences
      .slice(0, MAX_LISTED)
      .map(
        ({ runId, what, inMlflow, inClearML }) =>
          `DIFFERENT: ${runId === undefined ? "" : `run ${runId}: `}${what}: MLflow has ${inMlflow}, ClearML has ${inClearML}`,
      ),
    ...more(differencesTotal),
    verdictOf(report),
  ];
}

/** What became of runs that a trainer wrote to both. */
function reportedLines({ compared, skipped, uncompared, uncomparedTotal }: VerificationReport): string[] {
  if (skipped.reported === 0) return [];
  return [
    `WRITTEN TO BOTH: ${counted(skipped.reported, "run")}, ${String(compared.reportedRuns)} compared with the trainer's own tasks`,
    ...uncompared.slice(0, MAX_LISTED).map(({ runId, what }) => `IN MLFLOW ALONE: run ${runId}: ${what}`),
    ...more(uncomparedTotal),
    ...(uncomparedTotal === 0
      ? []
      : ["  Accept that with --accept-reported, or bring those runs to ClearML once more, whole, with --include-reported."]),
  ];
}

function skippedLines({ experiments, runs, reported }: SkippedRuns): string[] {
  return [
    ...(experiments + runs === 0
      ? []
      : [`LEFT OUT, as asked: ${counted(experiments, "deleted experiment")}, ${counted(runs, "deleted run")}`]),
    ...(reported === 0 ? [] : [`LEFT OUT: ${counted(reported, "run")} that a trainer wrote to both; ClearML has the trainer's own tasks`]),
  ];
}

/** Why this may not be all of MLflow. */
function unreadLines({ workspaces, limits }: Unread): string[] {
  return [
    ...(workspaces.length === 0
      ? []
      : [
          `NOT READ: ${counted(workspaces.length, "workspace")} of MLflow, ${workspaces.join(", ")}: name them with --workspace, or none for all; \`verify\` wants --accept-workspaces`,
        ]),
    ...limits.map((limit) => `PERHAPS NOT ALL: ${limit}; use an administrator's credentials, or give \`verify\` --accept-limits`),
  ];
}

/** What was recorded and is lost, then what is only odd. */
function troubleLines(troubles: readonly MlflowTrouble[]): string[] {
  const losses = troubles.filter(({ isLoss }) => isLoss);
  const notes = troubles.filter(({ isLoss }) => !isLoss);
  const lines = (word: string, of: readonly MlflowTrouble[]): string[] => [
    ...of.slice(0, MAX_LISTED).map(({ where, what }) => `${word}: ${where}: ${what}`),
    ...more(of.length),
  ];
  return [...lines("DAMAGED", losses), ...lines("NOTE", notes)];
}

function more(total: number): string[] {
  return total > MAX_LISTED ? [`... and ${String(total - MAX_LISTED)} more`] : [];
}
