/**
 * One run becomes one task. The task is found by its key or made; what an attempt that was cut off left in it is written
 * over; last of all a marker says that it is whole. A run whose marker stands and that has not changed is left alone.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TaskStatusError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { TaskApi } from "../clearml/task-api.js";
import type { ArtifactSource } from "../clearml/artifact-source.js";
import { uploadArtifact, type UploadArtifactOptions } from "../clearml/task-artifacts.js";
import { objectOwner, type ObjectPlace } from "../clearml/task-owner.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { MlflowExperiment, MlflowFile, MlflowRun } from "../mlflow/mlflow-documents.js";
import { lossless } from "../mlflow/mlflow-json.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import type { MetricAddress } from "../records/metric-address.js";
import { metricAddresses, type AddressOf } from "../records/metric-addresses.js";
import { chartPointsOf } from "./chart-point.js";
import { ChartWriter } from "./chart-writer.js";
import { inputModelsOf } from "./input-models.js";
import { linkedAddress } from "./linked-address.js";
import { mappedNames } from "./mapped-names.js";
import { PointsByStep, type SteppedPoint } from "./points-by-step.js";
import { EXPERIMENT_KEY, experimentMark, refreshExperiment } from "./refresh-experiment.js";
import { RUN_COPY_ARTIFACT, RUN_COPY_FILE, RunCopyWriter, type RunCopySource } from "./run-copy.js";
import { hidesPasswords } from "./shown-text.js";
import { endOf, taskOfRun } from "./task-of-run.js";

/** Runtime key of the marker. Its value is a digest of the run as it was migrated. */
export const DONE_KEY = "trainer_sdk_mlflow";

/** Row of an artifact that was linked: the size that MLflow lists. */
export const LINKED_SIZE = "size in MLflow";

/** The project of a run's task. */
export interface RunProject {
  readonly id: string;
  readonly path: string;
  /** Where the files of its tasks go. Undefined: to the file server. */
  readonly destination: string | undefined;
}

/** What a run is migrated with. */
export interface RunWork {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly source: RunCopySource;
  readonly experiment: MlflowExperiment;
  readonly runId: string;
  readonly taskId: string;
  /** True when the task was made just now: nothing can be left in it. */
  readonly isNew: boolean;
  readonly project: RunProject;
  readonly parentTaskId: string | undefined;
  /** Where the files go; see `MigrationOptions`. */
  readonly artifacts: "copy" | "link";
  /** Chart and line of a metric; see `MigrationOptions.metricAddress`. */
  readonly addressOf: AddressOf | undefined;
  /** Do it again though the marker stands. */
  readonly redo: boolean;
  readonly signal: AbortSignal;
  /** Told the ids of the models that the run read (MLflow 3), whether or not anything is written. */
  onInputs(modelIds: readonly string[]): void;
  onPoints(points: number, notChartable: number): void;
  onFile(sizeBytes: number): void;
}

/** Resolves with whether anything was written; `refreshed`: its experiment had changed, and it had not. */
export async function migrateRun(work: RunWork): Promise<"migrated" | "refreshed" | "unchanged"> {
  const { clearml, taskId, signal, mlflow } = work;
  const { tasks } = clearml;
  const run = await mlflow.run(work.runId, { signal });
  work.onInputs(inputModelsOf(run));
  const digest = digestOf(run);
  const before = work.isNew ? undefined : (await tasks.getById({ task: taskId }, { signal })).task;
  const marker = work.artifacts === "link" ? `${digest}:link` : digest;
  const done = before?.runtime?.[DONE_KEY];
  const isWhole = before !== undefined && !work.redo && (done === marker || done === digest);
  if (before?.status === "published") {
    // What somebody published is theirs. That its experiment has changed since is for the proof to tell.
    if (isWhole) return "unchanged";
    throw new TaskStatusError(
      `ClearML task ${taskId} was published and can no longer be written to. Clone it, or leave the run as it is.`,
      { taskId, status: before.status },
    );
  }
  if (isWhole) {
    const isRefreshed = await refreshExperiment(work, before);
    await finish(work, run, before);
    return isRefreshed ? "refreshed" : "unchanged";
  }
  if (before?.status !== "in_progress") await tasks.started({ task: taskId, force: true }, { signal });
  if (before) {
    // The marker first: from here on the task is not whole.
    await tasks.editRuntime({ task: taskId, force: true, remove: [DONE_KEY] }, { signal });
    await clearml.events.deleteForTask({ task: taskId }, { signal });
  }
  const settings = { project: work.project.id, parent: work.parentTaskId ?? "", execution: { artifacts: [] } };
  const content = taskOfRun(run, work.experiment);
  await tasks.edit({ task: taskId, ...content, ...settings }, { signal });
  const place = before ? await objectOwner(new TaskApi(clearml, taskId), { signal }) : newPlace(work, content.name);
  const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-migrate-"));
  try {
    await copyContents(work, run, { folder, place });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await tasks.editRuntime(
    { task: taskId, force: true, add_or_update: { [DONE_KEY]: marker, [EXPERIMENT_KEY]: experimentMark(work) } },
    { signal },
  );
  await finish(work, run, { id: taskId, status: "in_progress", system_tags: before?.system_tags });
  return "migrated";
}

/**
 * A digest of everything that MLflow says of a run at once: it changes with status, parameters, tags and latest points. What
 * earlier releases have moved with its passwords is none of this form, and is done again.
 */
export function digestOf(run: MlflowRun): string {
  return `${hidesPasswords(run) ? "2" : "1"}:${createHash("sha256").update(JSON.stringify(run, lossless)).digest("hex")}`;
}

/** Where the files of a task go that was made just now: its server need not be asked. */
function newPlace({ project, taskId }: RunWork, taskName: string): ObjectPlace {
  return { owner: { projectName: project.path, projectId: project.id, taskName, taskId }, destination: project.destination };
}

async function copyContents(
  work: RunWork,
  run: MlflowRun,
  { folder, place }: { readonly folder: string; readonly place: ObjectPlace },
): Promise<void> {
  const { signal } = work;
  const task = new TaskApi(work.clearml, work.taskId);
  const upload: Upload = async (name, source, options) => {
    await uploadArtifact(task, name, source, { ...options, signal }, place);
  };
  const path = join(folder, RUN_COPY_FILE);
  const copy = new RunCopyWriter(path);
  const charts = new ChartWriter(work);
  try {
    await copy.start(work.source, work.experiment, run);
    for (const [key, address] of metricAddresses(
      run.data.metrics.map((metric) => metric.key),
      work.addressOf,
    ))
      await copyMetric(work, key, address, { folder, copy, charts });
    await charts.end();
    // Of their own, for one of them may have the copy's name.
    const downloads = join(folder, "files");
    await mkdir(downloads);
    const files: MlflowFile[] = [];
    for await (const file of work.mlflow.artifacts(work.runId, { signal })) files.push(file);
    const names = mappedNames(
      files.map((file) => file.path),
      [RUN_COPY_ARTIFACT],
    );
    for (const file of files)
      await (work.artifacts === "link"
        ? linkFile(work, upload, run, file, names.get(file.path) ?? file.path, copy)
        : copyFile(work, upload, file, names.get(file.path) ?? file.path, { folder: downloads, copy }));
    await copy.end();
  } catch (error) {
    await copy.destroy();
    throw error;
  }
  await upload(RUN_COPY_ARTIFACT, { path }, { preview: `Lossless copy of MLflow run ${work.runId}` });
}

async function copyMetric(
  work: RunWork,
  key: string,
  address: MetricAddress,
  to: { readonly folder: string; readonly copy: RunCopyWriter; readonly charts: ChartWriter },
): Promise<void> {
  const { copy, charts } = to;
  let last: SteppedPoint | undefined;
  let isSorted = true;
  for await (const page of work.mlflow.history(work.runId, key, { signal: work.signal, mayBatch: true })) {
    await copy.points(key, page);
    const chartable = chartPointsOf(page);
    for (const point of chartable) {
      if (last && !follows(last, point)) isSorted = false;
      last = point;
    }
    await charts.add(address, chartable);
    work.onPoints(page.length, page.length - chartable.length);
  }
  // Points come in the order of time from databases, so that a later page overwrites rightly. Where they do not, they are drawn
  // again, of each step the one that counts last.
  if (isSorted) return;
  await using byStep = new PointsByStep(join(to.folder, ".points"));
  for await (const page of work.mlflow.history(work.runId, key, { signal: work.signal })) await byStep.add(chartPointsOf(page));
  for await (const page of byStep.pages()) await charts.add(address, page);
}

/** True in the order of databases: time, then step, then value. */
function follows(last: SteppedPoint, next: SteppedPoint): boolean {
  if (last.timestamp !== next.timestamp) return next.timestamp > last.timestamp;
  return last.step === next.step ? next.value >= last.value : next.step > last.step;
}

/** Puts one artifact into the run's task. */
type Upload = (name: string, source: ArtifactSource, options: Pick<UploadArtifactOptions, "metadata" | "preview">) => Promise<void>;

async function copyFile(
  work: RunWork,
  upload: Upload,
  file: MlflowFile,
  name: string,
  to: { readonly folder: string; readonly copy: RunCopyWriter },
): Promise<void> {
  const { signal } = work;
  const path = join(to.folder, file.path.slice(file.path.lastIndexOf("/") + 1));
  // An empty file has no size in a listing.
  const sizeBytes = Number(file.file_size ?? 0);
  const found = await work.mlflow.download(work.runId, file.path, path, { signal, sizeBytes });
  await upload(name, { path }, { metadata: { "mlflow path": file.path } });
  await rm(path, { force: true });
  await to.copy.file(file.path, found.sizeBytes, { sha256: found.sha256 });
  work.onFile(found.sizeBytes);
}

async function linkFile(work: RunWork, upload: Upload, run: MlflowRun, file: MlflowFile, name: string, copy: RunCopyWriter): Promise<void> {
  const sizeBytes = Number(file.file_size ?? 0);
  const uri = linkedAddress(run, file.path, work.mlflow.address);
  const metadata = { "mlflow path": file.path, [LINKED_SIZE]: sizeBytes };
  await upload(name, { uri }, { metadata, preview: "Linked: the file lies in MLflow's store" });
  await copy.file(file.path, sizeBytes, { uri });
  work.onFile(sizeBytes);
}

/** Ends the task as the run ended, and puts it away when the run was deleted. */
async function finish({ clearml, signal }: RunWork, run: MlflowRun, task: TaskDocument): Promise<void> {
  const { call, reason } = endOf(run.info.status);
  if (task.status === "in_progress")
    await clearml.tasks[call]({ task: task.id, force: true, status_reason: reason, status_message: reason }, { signal });
  const isArchived = task.system_tags?.includes("archived") === true;
  const isDeleted = run.info.lifecycle_stage === "deleted";
  if (isDeleted && !isArchived) await clearml.tasks.archive({ tasks: [task.id] }, { signal });
  if (!isDeleted && isArchived) await clearml.tasks.unarchiveMany({ ids: [task.id] }, { signal });
}
