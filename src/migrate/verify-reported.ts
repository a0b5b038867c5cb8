/**
 * Compares a run that a trainer wrote to both with the trainer's own task: every point, parameter and tag that the trainer's destination
 * for MLflow writes, the files that it names, the end. The task may hold more. What MLflow has of others, or keeps in its own store, no
 * comparison covers: that is told, and is for a person to accept.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import { callersTag, keyOf, MAX_PARAMETER_LENGTH, MAX_TAG_LENGTH, textOf } from "../mlflow/mlflow-names.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import { CHANGED_TAG_PREFIX, SINK_TAG_PREFIX } from "../mlflow/sink-tags.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import type { AddressOf } from "../records/metric-addresses.js";
import type { Differences } from "./differences.js";
import type { ReportedRun } from "./inventory.js";
import { compareFiles } from "./verify-reported-files.js";
import { verifyReportedMetrics } from "./verify-reported-metrics.js";
import { asShown } from "./verify-metadata.js";

export interface ReportedRunToVerify extends ReportedRun {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  /** See `MigrationOptions.metricAddress`. */
  readonly addressOf: AddressOf | undefined;
  readonly found: Differences;
  readonly signal: AbortSignal;
}

const STATUSES: Readonly<Record<string, string>> = { FINISHED: "completed", FAILED: "failed", KILLED: "stopped" };
/** Tags of MLflow that the destination sets, or MLflow itself, and that tell nothing which ClearML should have. */
const BOOKKEEPING: ReadonlySet<string> = new Set([
  "mlflow.user",
  "mlflow.source.type",
  "mlflow.source.name",
  "mlflow.runName",
  "mlflow.loggedImages",
]);
/** Section whose names stand alone in MLflow. */
const PLAIN_SECTION = "General";
const RULES = [{ colons: true }, { colons: false }] as const;

/** Notes what differs, and what was not compared. @returns the run's name. @throws What keeps the run or the task from being read at all. */
export async function verifyReported(given: ReportedRunToVerify): Promise<string> {
  const { mlflow, clearml, runId, taskId, addressOf, found, signal } = given;
  const run = await mlflow.run(runId, { signal });
  const { task } = await clearml.tasks.getById({ task: taskId }, { signal });
  compareEnd(given, run, task);
  compareParameters(given, run, task);
  compareTags(given, run, task);
  const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-verify-"));
  try {
    await verifyReportedMetrics({ mlflow, clearml, run, taskId, folder, addressOf, found, signal });
    await compareFiles(given, run, task, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  found.counts.reportedRuns++;
  return run.info.run_name ?? "";
}

/** A run without an end has none to compare: the worker, or nobody, has told of it. */
function compareEnd({ found, runId }: ReportedRunToVerify, { info }: MlflowRun, task: TaskDocument): void {
  const expected = STATUSES[info.status];
  if (expected !== undefined && task.status === "published" && expected !== "completed")
    found.leave(runId, `its end, ${info.status}: the task was published since, which hides its own`);
  else if (expected !== undefined)
    found.value(runId, "status", expected, task.status === "published" ? expected : (task.status ?? undefined));
  if (info.run_name !== undefined && info.run_name !== task.name)
    found.leave(runId, `its name, ${JSON.stringify(info.run_name)}: the task is called ${JSON.stringify(task.name ?? "")}`);
}

/** MLflow writes a parameter once, and tells of a later value in a tag: that is what ClearML has. */
function compareParameters({ found, runId }: ReportedRunToVerify, { data }: MlflowRun, task: TaskDocument): void {
  const inClearML = new Map<string, { readonly shown: string; readonly changed: readonly string[] }>();
  for (const [section, parameters] of Object.entries(task.hyperparams ?? {}))
    for (const [key, parameter] of Object.entries(parameters)) {
      const name = parameter.name ?? key;
      const full = section === PLAIN_SECTION ? name : `${section}/${name}`;
      for (const spelling of [full, full.replace(/_$/, "")])
        for (const rules of RULES) {
          const at = keyOf(spelling, rules);
          const changed = RULES.map((each) => keyOf(`${CHANGED_TAG_PREFIX}${spelling}`, each));
          if (spelling === full || !inClearML.has(at)) inClearML.set(at, { shown: parameter.value ?? "", changed });
        }
    }
  const tags = new Map(data.tags.map(({ key, value }) => [key, value]));
  for (const { key, value } of data.params) {
    const there = inClearML.get(key) ?? inClearML.get(key.trim());
    const changed = there?.changed.map((name) => tags.get(name)).find((text) => text !== undefined);
    const newest = changed ?? value;
    const shown = there?.shown;
    // What was too long for MLflow is whole in ClearML.
    const cut = shown === undefined ? undefined : textOf(shown, changed === undefined ? MAX_PARAMETER_LENGTH : MAX_TAG_LENGTH).text;
    found.value(runId, `parameter ${key}`, newest, shown === asShown(newest) || cut === newest ? newest : shown);
  }
}

/** Those that are the trainer's own are ClearML's, too; those that name files are looked at with these. */
function compareTags({ found, runId }: ReportedRunToVerify, { data }: MlflowRun, task: TaskDocument): void {
  const inClearML = new Set((task.tags ?? []).flatMap((tag) => RULES.map((rules) => callersTag(tag, rules))));
  for (const { key, value } of data.tags) {
    if (key.startsWith(SINK_TAG_PREFIX) || BOOKKEEPING.has(key)) continue;
    if (value !== "true") found.leave(runId, `tag ${key}: it is not one that a trainer sets`);
    else found.value(runId, `tag ${key}`, value, inClearML.has(key) ? value : undefined);
  }
}
