/** tasks: artifacts and models of a task. Only until it ends. @see clearml-protocol 3.6, 3.7 */
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { Artifact, TaskDocument, TaskModel } from "../../store/documents.js";
import { invalidTaskStatus } from "../api-failure.js";
import { serve } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { modelOf, taskOf } from "../lookup.js";
import { keptArtifacts } from "../task-fields.js";

function openTask(call: Call, id: string): TaskDocument {
  const task = taskOf(call, id);
  const allowed = ["created", "queued", "in_progress"];
  if (!allowed.includes(task.status)) throw invalidTaskStatus({ expected: allowed.join(","), status: task.status });
  return task;
}

function save(call: Call, task: TaskDocument, changes: Partial<TaskDocument>): void {
  call.store.tasks.put({ ...task, ...changes, last_update: call.now, last_change: call.now, last_changed_by: call.identity.user });
  call.notify(task.id, "task");
}

const identity = (artifact: { readonly key: string; readonly mode?: string | null | undefined }): string =>
  JSON.stringify([artifact.key, artifact.mode ?? "output"]);

function addArtifacts(request: RequestOf<"tasks.add_or_update_artifacts">, call: Call): object {
  const task = openTask(call, request.task);
  const merged = new Map<string, Artifact>((task.execution.artifacts ?? []).map((artifact) => [identity(artifact), artifact]));
  for (const artifact of keptArtifacts(request.artifacts)) merged.set(identity(artifact), artifact);
  save(call, task, { execution: { ...task.execution, artifacts: keptArtifacts([...merged.values()]) } });
  return { updated: 1 };
}

function deleteArtifacts(request: RequestOf<"tasks.delete_artifacts">, call: Call): object {
  const task = openTask(call, request.task);
  const gone = new Set(request.artifacts.map(identity));
  save(call, task, {
    execution: { ...task.execution, artifacts: (task.execution.artifacts ?? []).filter((artifact) => !gone.has(identity(artifact))) },
  });
  return { deleted: 1 };
}

function addModel(request: RequestOf<"tasks.add_or_update_model">, call: Call): object {
  const task = openTask(call, request.task);
  modelOf(call, request.model);
  const entry: TaskModel = { name: request.name, model: request.model, updated: call.now };
  const list = task.models[request.type];
  const replaced = list.some((old) => old.name === entry.name)
    ? list.map((old) => (old.name === entry.name ? entry : old))
    : [...list, entry];
  save(call, task, {
    models: { ...task.models, [request.type]: replaced },
    last_iteration: Math.max(task.last_iteration, request.iteration ?? 0),
  });
  return { updated: 1 };
}

function deleteModels(request: RequestOf<"tasks.delete_models">, call: Call): object {
  const task = openTask(call, request.task);
  const without = (type: "input" | "output"): TaskModel[] =>
    task.models[type].filter((entry) => !request.models.some((gone) => gone.type === type && gone.name === entry.name));
  const models = { input: without("input"), output: without("output") };
  save(call, task, { models });
  return { updated: 1 };
}

/** The endpoints of this part. */
export const TASK_ARTIFACT_SERVICES: readonly ServedEndpoint[] = [
  serve("tasks.add_or_update_artifacts", addArtifacts, { since: "2.10" }),
  serve("tasks.delete_artifacts", deleteArtifacts, { since: "2.10" }),
  serve("tasks.add_or_update_model", addModel, { since: "2.13" }),
  serve("tasks.delete_models", deleteModels, { since: "2.13" }),
];
