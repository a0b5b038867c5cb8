/** Compares one run with its task: settings, points, files, and the copy. Reads both sides anew and writes nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { MlflowExperiment, MlflowRun } from "../mlflow/mlflow-documents.js";
import { lossless } from "../mlflow/mlflow-json.js";
import { otherWorkspace } from "../mlflow/workspaces.js";
import type { ArtifactDocument, TaskDocument } from "../protocol/clearml/task-document.js";
import type { AddressOf } from "../records/metric-addresses.js";
import { CopyCursor } from "./copied-points.js";
import type { Differences } from "./differences.js";
import { linkedAddress } from "./linked-address.js";
import { mappedNames, taskNameOf } from "./mapped-names.js";
import { noteRun } from "./lossy-sources.js";
import { modelKey, runKey } from "./migration-options.js";
import { asPublic, asShown as readable } from "./verify-metadata.js";
import { RUN_COPY_ARTIFACT } from "./run-copy.js";
import { verifyMetrics } from "./verify-metrics.js";

export interface RunToVerify {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly sourceId: string;
  readonly experiment: MlflowExperiment;
  readonly runId: string;
  readonly projectId: string | undefined;
  /** Run id of the parent that its task should have. */
  readonly parentRunId: string | undefined;
  /** See `MigrationOptions.metricAddress`. */
  readonly addressOf: AddressOf | undefined;
  readonly found: Differences;
  readonly signal: AbortSignal;
}

const NOTE = "mlflow.note.content";
const STATUSES: Readonly<Record<string, string>> = { FINISHED: "completed", FAILED: "failed" };

/** Notes what differs. @returns the run's name and the id of its task. @throws What keeps the run from being read at all. */
export async function verifyRun(given: RunToVerify): Promise<{ readonly name: string; readonly taskId: string | undefined }> {
  const { mlflow, clearml, runId, found, signal } = given;
  const run = await mlflow.run(runId, { signal });
  const name = run.info.run_name ?? "";
  const taskId = await onlyTask(given, runId);
  if (taskId === undefined) return { name, taskId };
  const { task } = await clearml.tasks.getById({ task: taskId }, { signal });
  await verifySettings(given, run, task);
  await verifyInputModels(given, run, task);
  const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-verify-"));
  try {
    await verifyContents(given, run, task, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  found.counts.runs++;
  return { name, taskId };
}

async function onlyTask({ clearml, sourceId, found, signal }: RunToVerify, runId: string): Promise<string | undefined> {
  const filter = { system_tags: [runKey(sourceId, runId)], search_hidden: true, only_fields: ["id"] };
  const { tasks } = await clearml.tasks.getPage(filter, { signal });
  if (tasks.length !== 1) found.add(runId, "its task", "1 task", `${String(tasks.length)} tasks`);
  return tasks[0]?.id;
}

/** Models that the run read and that ClearML has: of a model that is missing the comparison of models tells. */
async function verifyInputModels(given: RunToVerify, run: MlflowRun, task: TaskDocument): Promise<void> {
  const { clearml, sourceId, runId, found, signal } = given;
  const inputs = run["inputs"] as { readonly model_inputs?: readonly { readonly model_id: string }[] } | undefined;
  for (const { model_id: id } of inputs?.model_inputs ?? []) {
    const filter = { system_tags: [modelKey(sourceId, `logged:${id}`)], search_hidden: true, only_fields: ["id"] };
    const [model] = (await clearml.models.getPage(filter, { signal })).models;
    if (!model) continue;
    const isListed = task.models?.input?.some((entry) => entry.model === model.id) ?? false;
    found.value(runId, `input model ${id}, listed by its task`, "true", String(isListed));
  }
}

async function verifySettings(given: RunToVerify, run: MlflowRun, task: TaskDocument): Promise<void> {
  const { found, runId, experiment, parentRunId } = given;
  const { info, data } = run;
  noteRun(found.lossy, run);
  const same = (what: string, inMlflow: string | undefined, inClearML: string | null | undefined): void =>
    found.value(runId, what, inMlflow, inClearML ?? undefined);
  same("name", taskNameOf(info.run_name, runId), task.name);
  same("type", "training", task.type);
  same("project", given.projectId, task.project);
  same("status", STATUSES[info.status] ?? "stopped", task.status);
  same("archived", String(info.lifecycle_stage === "deleted"), String(task.system_tags?.includes("archived") ?? false));
  same("parent", parentRunId === undefined ? undefined : await onlyTask(given, parentRunId), task.parent === "" ? undefined : task.parent);
  const tags = new Map(data.tags.map(({ key, value }) => [key, key === "mlflow.source.git.diff" ? value : asPublic(value)]));
  const parentTag = tags.get("mlflow.parentRunId") ?? "";
  if (parentTag !== "" && parentRunId === undefined) found.lossy.note("parent", `run ${runId} with parent ${parentTag}`);
  same("description", readable(tags.get(NOTE) ?? ""), task.comment ?? "");
  same("repository", readable(repositoryOf(tags.get("mlflow.source.git.repoURL") ?? "")), task.script?.repository ?? "");
  same("branch", readable(tags.get("mlflow.source.git.branch") ?? ""), task.script?.branch ?? "");
  same("commit", readable(tags.get("mlflow.source.git.commit") ?? ""), task.script?.version_num ?? "");
  same("entry point", readable(tags.get("mlflow.source.name") ?? ""), task.script?.entry_point ?? "");

  const properties: Record<string, string | undefined> = {
    mlflow_run_id: runId,
    mlflow_run_name: info.run_name,
    mlflow_experiment_id: info.experiment_id,
    mlflow_experiment_name: experiment.name,
    mlflow_workspace: otherWorkspace(experiment),
    mlflow_status: info.status,
    mlflow_lifecycle_stage: info.lifecycle_stage,
    mlflow_start_time_ms: info.start_time?.toString(),
    mlflow_end_time_ms: info.end_time?.toString(),
    mlflow_user_id: info.user_id,
    mlflow_artifact_uri: asPublic(info.artifact_uri ?? "") || info.artifact_uri,
  };
  const known = Object.entries(properties).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  tags.delete(NOTE);
  const names = mappedNames(
    data.tags.map(({ key }) => key),
    known.map(([name]) => name),
  );
  noteNames(found, runId, names);
  sections(
    given,
    "property",
    [...known, ...[...tags].map(([key, value]) => [names.get(key) ?? key, value] as const)],
    task.hyperparams?.["properties"],
  );
  const parameters = mappedNames(data.params.map(({ key }) => key));
  noteNames(found, runId, parameters);
  sections(
    given,
    "parameter",
    data.params.map(({ key, value }) => [parameters.get(key) ?? key, asPublic(value)]),
    task.hyperparams?.["General"],
  );
}

function noteNames({ lossy }: Differences, runId: string, names: ReadonlyMap<string, string>): void {
  for (const [name, kept] of names)
    if (name !== kept) lossy.note("renamed", `${JSON.stringify(name)} of run ${runId} becomes ${JSON.stringify(kept)}`);
}

function sections(
  { found, runId }: RunToVerify,
  what: string,
  expected: readonly (readonly [string, string])[],
  section: Readonly<Record<string, { readonly name?: string | null | undefined; readonly value?: string | null | undefined }>> | undefined,
): void {
  const left = new Map(Object.entries(section ?? {}).map(([key, item]) => [item.name ?? key, item.value ?? ""]));
  for (const [name, value] of expected) {
    if (readable(value) !== value) found.lossy.note("iso-value", `${name} of run ${runId}: ${value}`);
    found.value(runId, `${what} ${name}`, readable(value), left.get(name));
    left.delete(name);
  }
  for (const [name, value] of left) found.add(runId, `${what} ${name}`, undefined, value);
}

async function verifyContents(given: RunToVerify, run: MlflowRun, task: TaskDocument, folder: string): Promise<void> {
  const { clearml, mlflow, runId, addressOf, found, signal, experiment } = given;
  const artifacts = new Map((task.execution?.artifacts ?? []).map((artifact) => [artifact.key, artifact]));
  const copyPath = join(folder, "copy");
  const copyDigest = await fetchArtifact(given, artifacts.get(RUN_COPY_ARTIFACT), "the copy", copyPath);
  artifacts.delete(RUN_COPY_ARTIFACT);
  await using copy = copyDigest === undefined ? undefined : new CopyCursor(copyPath);
  try {
    const head = await copy?.take("run");
    if (copy) {
      found.value(runId, "the run in the copy", JSON.stringify(run, lossless), JSON.stringify(head?.run));
      found.value(runId, "the experiment in the copy", experimentText(experiment), experimentText(head?.experiment));
    }
    await verifyMetrics({ mlflow, clearml, run, taskId: task.id, folder, copy, addressOf, found, signal });
    const files: { readonly path: string; readonly sizeBytes: number }[] = [];
    for await (const { path, file_size } of mlflow.artifacts(runId, { signal })) files.push({ path, sizeBytes: Number(file_size ?? 0) });
    const names = mappedNames(
      files.map(({ path }) => path),
      [RUN_COPY_ARTIFACT],
    );
    noteNames(found, runId, names);
    for (const { path, sizeBytes } of files) {
      const key = names.get(path) ?? path;
      const link = linkedAddress(run, path, mlflow.address);
      if (artifacts.get(key)?.uri === link) {
        artifacts.delete(key);
        found.counts.files++;
        found.counts.linkedFiles++;
        const line = await copy?.take("file");
        if (copy) found.value(runId, `file ${path} in the copy`, `${path} ${link}`, line && `${line.path} ${String(line.uri)}`);
        continue;
      }
      const original = await mlflow.download(runId, path, join(folder, "original"), { signal, sizeBytes });
      const stored = await fetchArtifact(given, artifacts.get(key), `file ${path}`, join(folder, "stored"));
      artifacts.delete(key);
      found.counts.files++;
      found.counts.fileBytes += original.sizeBytes;
      if (stored !== undefined && stored !== original.sha256) found.add(runId, `file ${path} (SHA-256)`, original.sha256, stored);
      const line = await copy?.take("file");
      if (copy) found.value(runId, `file ${path} in the copy`, `${path} ${original.sha256}`, line && `${line.path} ${String(line.sha256)}`);
    }
    if (copy && !(await copy.take("end"))) found.add(runId, "the copy", "its end", "more than the run holds");
  } catch (error) {
    if (signal.aborted) throw error;
    found.add(runId, "its contents", "readable", describeError(error));
  }
  for (const key of artifacts.keys()) found.add(runId, `artifact ${key}`, undefined, "an artifact");
}

/** Digest of the bytes as they come back now, whatever was registered. */
async function fetchArtifact(
  { clearml, runId, found, signal }: RunToVerify,
  artifact: ArtifactDocument | undefined,
  what: string,
  target: string,
): Promise<string | undefined> {
  if (artifact?.uri == null) {
    found.add(runId, what, "a file", undefined);
    return undefined;
  }
  try {
    return (await clearml.objects.fetch(artifact.uri, target, { signal })).sha256;
  } catch (error) {
    if (signal.aborted) throw error;
    found.add(runId, what, "a file", describeError(error));
    return undefined;
  }
}

/** Its time of change is left out: a tag that was set since is told by the tags. */
function experimentText(experiment: unknown): string {
  return JSON.stringify({ ...(experiment as Readonly<Record<string, unknown>> | undefined), last_update_time: undefined }, lossless);
}

/** A script's repository is the address to clone from, without what else may stand in it. */
function repositoryOf(url: string): string {
  const address = url.trim();
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address.replace(/[?#].*$/s, "") : address;
}
