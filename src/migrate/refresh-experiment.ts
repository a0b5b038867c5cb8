/**
 * Brings the task of a run that has not changed up to date with its experiment, which has: tags, note and name of an experiment are in
 * the copy of each of its runs, its name is a property of their tasks, and its project is where they are. Nothing is read from MLflow for
 * it: of the copy the first line is another, and the rest goes through as it is.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { freeText } from "../clearml/clearml-text.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { Task } from "../clearml/task.js";
import type { MlflowExperiment } from "../mlflow/mlflow-documents.js";
import { lossless } from "../mlflow/mlflow-json.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { RUN_COPY_ARTIFACT, RUN_COPY_FILE } from "./run-copy.js";
import { withoutPasswords } from "./shown-text.js";

/** Runtime key of a digest of the experiment and the project with which a run was migrated. */
export const EXPERIMENT_KEY = "trainer_sdk_mlflow_experiment";

export interface ExperimentOfTask {
  readonly clearml: ClearML;
  readonly taskId: string;
  readonly runId: string;
  readonly experiment: MlflowExperiment;
  readonly project: { readonly id: string };
  readonly signal: AbortSignal;
}

/** Value of {@link EXPERIMENT_KEY}. When it changed is left out: that moves with every run that is begun. */
export function experimentMark({ experiment, project }: Pick<ExperimentOfTask, "experiment" | "project">): string {
  const text = JSON.stringify([{ ...experiment, last_update_time: undefined }, project.id], lossless);
  return `1:${createHash("sha256").update(text).digest("hex")}`;
}

/** The mark last: cut off before, it is done again. @returns false when there was nothing to do. */
export async function refreshExperiment(work: ExperimentOfTask, before: TaskDocument): Promise<boolean> {
  const { clearml, taskId, runId, experiment, project, signal } = work;
  const mark = experimentMark(work);
  if (before.runtime?.[EXPERIMENT_KEY] === mark) return false;
  const address = before.execution?.artifacts?.find(({ key }) => key === RUN_COPY_ARTIFACT)?.uri;
  const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-refresh-"));
  try {
    if (address != null) {
      const [copy, path] = [join(folder, "copy"), join(folder, RUN_COPY_FILE)];
      await clearml.objects.fetch(address, copy, { signal });
      await pipeline(
        createReadStream(copy),
        createGunzip(),
        (bytes: AsyncIterable<Buffer>) => withExperiment(bytes, experiment),
        createGzip(),
        createWriteStream(path),
        { signal },
      );
      const task = await Task.get(clearml, { id: taskId, signal });
      await task.uploadArtifact(RUN_COPY_ARTIFACT, { path }, { signal, force: true, preview: `Lossless copy of MLflow run ${runId}` });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const name = { section: "properties", name: "mlflow_experiment_name", value: freeText(withoutPasswords(experiment.name)) };
  await clearml.tasks.editHyperParams({ task: taskId, hyperparams: [name], replace_hyperparams: "none", force: true }, { signal });
  // A task that has ended takes no single runtime keys: the map goes whole.
  const runtime = { ...before.runtime, [EXPERIMENT_KEY]: mark };
  await clearml.tasks.edit({ task: taskId, force: true, project: project.id, runtime }, { signal });
  return true;
}

/** The lines of a copy, of which the first tells of this experiment. */
async function* withExperiment(bytes: AsyncIterable<Buffer>, experiment: MlflowExperiment): AsyncGenerator<Buffer, void, undefined> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of bytes) {
    if (!head) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\n");
    if (end < 0) continue;
    const line = JSON.parse(head.toString("utf8", 0, end)) as object;
    yield Buffer.from(JSON.stringify({ ...line, experiment }, lossless));
    yield head.subarray(end);
    head = undefined;
  }
}
