/** tasks: reset, delete, archive and clone. @see clearml-protocol 3.7, 3.8 */
import { newId } from "../../../base/ids.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { TaskDocument } from "../../store/documents.js";
import type { EventType } from "../../store/store.js";
import { invalidTaskStatus, taskCannotBeDeleted } from "../api-failure.js";
import { serve, serveOther } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { manyRequest, runMany } from "../many.js";
import { taskOf, validName } from "../lookup.js";
import { taskChanges } from "../task-fields.js";
import type { TaskFields } from "../task-fields.js";
import { changeStatus, withoutUndefined } from "../task-status.js";
import type { StatusReply } from "../task-status.js";
import { ensureProjectNamed } from "./project-services.js";
import { dequeueEverywhere } from "./queue-services.js";
import { stopTask } from "./task-status-services.js";

const ALL_TYPES: readonly EventType[] = ["log", "plot", "training_stats_scalar", "training_stats_vector", "training_debug_image"];

interface Cleanup {
  readonly deleted_models: number;
  readonly updated_models: number;
  readonly urls?: { readonly artifact_urls: string[]; readonly event_urls: string[]; readonly model_urls: string[] };
}

/** Removes what a task made: events, and with `delete_output_models` its models that nobody else uses. */
function cleanUp(
  call: Call,
  task: TaskDocument,
  request: { readonly delete_output_models?: boolean | null | undefined; readonly return_file_urls?: boolean | null | undefined },
): Cleanup {
  const samples = call.store.events.byIteration(
    { entity: task.id, types: ["training_debug_image"] },
    { order: "asc", limit: Number.MAX_SAFE_INTEGER },
  );
  call.store.events.delete({ entity: task.id, types: ALL_TYPES });
  const modelUrls: string[] = [];
  let deleted = 0;
  let updated = 0;
  for (const model of [...call.store.models.values()].filter((one) => one.task === task.id)) {
    const isUsed = [...call.store.tasks.values()].some(
      (other) => other.id !== task.id && other.models.input.some((entry) => entry.model === model.id),
    );
    if (request.delete_output_models === false || model.ready || isUsed) {
      const { task: _gone, ...rest } = model;
      call.store.models.put(rest);
      updated += 1;
    } else {
      call.store.models.delete(model.id);
      modelUrls.push(model.uri);
      deleted += 1;
    }
    call.notify(model.id, "model");
  }
  const artifactUrls = (task.execution.artifacts ?? [])
    .filter((artifact) => artifact.mode === "output")
    .flatMap((artifact) => (typeof artifact["uri"] === "string" ? [artifact["uri"]] : []));
  const eventUrls = [...new Set(samples.flatMap((sample) => (typeof sample.extra["url"] === "string" ? [sample.extra["url"]] : [])))];
  const urls =
    request.return_file_urls === true ? { urls: { artifact_urls: artifactUrls, event_urls: eventUrls, model_urls: modelUrls } } : {};
  return { deleted_models: deleted, updated_models: updated, ...urls };
}

function reset(request: RequestOf<"tasks.reset">, call: Call): StatusReply & { readonly dequeued: { readonly removed: number } } {
  const task = taskOf(call, request.task);
  if (request.force !== true && ["published", "publishing"].includes(task.status))
    throw invalidTaskStatus({ expected: "not published", status: task.status });
  const { updated_models: _updated, ...cleaned } = cleanUp(call, task, request);
  const dequeued = dequeueEverywhere(call, task.id);
  const { queue: _queue, ...execution } = task.execution;
  const artifacts = (execution.artifacts ?? []).filter((artifact) => artifact.mode === "input");
  const reply = changeStatus(call, task, "created", { force: true, status_reason: "reset", status_message: "reset" }, {
    runtime: {},
    last_metrics: {},
    last_iteration: 0,
    models: { input: task.models.input, output: [] },
    execution: request.clear_all === true ? {} : { ...execution, artifacts },
    started: undefined,
    completed: undefined,
    active_duration: undefined,
    enqueue_status: undefined,
    last_worker: undefined,
    last_worker_report: undefined,
    ...(request.clear_all === true ? { script: undefined } : {}),
  } as unknown as Partial<TaskDocument>);
  return { ...reply, ...cleaned, dequeued: { removed: dequeued } };
}

function deleteTask(request: RequestOf<"tasks.delete">, call: Call): object {
  const task = taskOf(call, request.task);
  const isArchived = task.system_tags.includes("archived");
  if (request.force !== true) {
    if (task.status !== "created" && !isArchived) throw invalidTaskStatus({ expected: "created", status: task.status });
    const publishedChild = [...call.store.tasks.values()].find((child) => child.parent === task.id && child.status === "published");
    if (publishedChild) throw taskCannotBeDeleted("has published children, use force=True", { task: task.id, child: publishedChild.id });
    const publishedModel = [...call.store.models.values()].find((model) => model.task === task.id && model.ready);
    if (publishedModel) throw taskCannotBeDeleted("has output models, use force=True", { task: task.id, model: publishedModel.id });
  }
  let children = 0;
  for (const child of [...call.store.tasks.values()].filter((one) => one.parent === task.id)) {
    call.store.tasks.put({ ...child, parent: `__DELETED__${task.id}` });
    children += 1;
  }
  dequeueEverywhere(call, task.id);
  const cleaned = cleanUp(call, task, request);
  call.store.tasks.delete(task.id);
  call.notify(task.id, "task");
  return { deleted: true, updated_children: children, ...cleaned };
}

function setArchived(
  call: Call,
  id: string,
  archived: boolean,
  reasons: { readonly status_reason?: string | null | undefined; readonly status_message?: string | null | undefined },
): boolean {
  const task = taskOf(call, id);
  const isArchived = task.system_tags.includes("archived");
  if (isArchived === archived) return false;
  if (archived && (task.status === "in_progress" || task.status === "queued")) {
    dequeueEverywhere(call, id);
    stopTask(call, task, { ...reasons, force: true });
  }
  const now = taskOf(call, id);
  const tags = now.system_tags.filter((tag) => tag !== "archived");
  call.store.tasks.put({
    ...now,
    system_tags: archived ? [...tags, "archived"] : tags,
    last_change: call.now,
    last_changed_by: call.identity.user,
  });
  call.notify(id, "task");
  return true;
}

/** A copy of a task, without what the task made. */
export function cloneTask(request: RequestOf<"tasks.clone">, call: Call): { readonly id: string; readonly new_project?: object } {
  const original = taskOf(call, request.task);
  const newProject = request.new_project_name && !request.new_task_project ? ensureProjectNamed(call, request.new_project_name) : undefined;
  const { queue: _queue, ...execution } = original.execution;
  const base = {
    ...original,
    execution: { ...execution, artifacts: (execution.artifacts ?? []).filter((artifact) => artifact.mode === "input") },
    models: { input: original.models.input, output: [] },
  };
  const given: TaskFields = {
    name: request.new_task_name ?? original.name,
    comment: request.new_task_comment,
    tags: request.new_task_tags,
    system_tags: request.new_task_system_tags ?? original.system_tags.filter((tag) => tag !== "development" && tag !== "archived"),
    parent: request.new_task_parent ?? original.parent ?? original.id,
    project: request.new_task_project ?? newProject?.id,
    hyperparams: request.new_task_hyperparams,
    configuration: request.new_task_configuration,
    container: request.new_task_container,
    execution: request.execution_overrides,
    models: request.new_task_input_models ? { input: request.new_task_input_models } : undefined,
  };
  const created: TaskDocument = withoutUndefined({
    ...base,
    ...taskChanges(call, given, base),
    name: validName(given.name ?? original.name),
    id: newId(),
    user: call.identity.user,
    status: "created",
    status_reason: "",
    status_message: "",
    status_changed: call.now,
    created: call.now,
    last_update: call.now,
    last_change: call.now,
    last_changed_by: call.identity.user,
    runtime: {},
    last_iteration: 0,
    last_metrics: {},
    started: undefined,
    completed: undefined,
    published: undefined,
    active_duration: undefined,
    enqueue_status: undefined,
    last_worker: undefined,
    last_worker_report: undefined,
  } as unknown as TaskDocument);
  call.store.tasks.put(created);
  call.notify(created.id, "task");
  return { id: created.id, ...(newProject ? { new_project: { id: newProject.id, name: newProject.name } } : {}) };
}

/** The endpoints of this part. */
export const TASK_LIFECYCLE_SERVICES: readonly ServedEndpoint[] = [
  serve("tasks.reset", reset),
  serve("tasks.delete", deleteTask),
  serve("tasks.clone", cloneTask, { since: "2.5" }),
  serve(
    "tasks.archive",
    (request, call) => {
      for (const id of request.tasks) taskOf(call, id);
      return { archived: request.tasks.filter((id) => setArchived(call, id, true, request)).length };
    },
    { since: "2.12" },
  ),
  serveOther(
    "tasks.archive_many",
    manyRequest,
    (request, call) => runMany(request.ids, (id) => ({ archived: setArchived(call, id, true, {}) })),
    { since: "2.13" },
  ),
  serve("tasks.unarchive_many", (request, call) => runMany(request.ids, (id) => ({ unarchived: setArchived(call, id, false, {}) })), {
    since: "2.13",
  }),
  serveOther(
    "tasks.stop_many",
    manyRequest,
    (request, call) => runMany(request.ids, (id) => stopTask(call, taskOf(call, id), { force: request.force })),
    { since: "2.13" },
  ),
  serveOther(
    "tasks.delete_many",
    manyRequest,
    (request, call) => runMany(request.ids, (id) => deleteTask({ task: id, force: request.force }, call)),
    { since: "2.13" },
  ),
  serveOther(
    "tasks.reset_many",
    manyRequest,
    (request, call) =>
      runMany(request.ids, (id) => {
        const reply = reset({ task: id, force: request.force }, call);
        return { ...reply, dequeued: reply.dequeued.removed > 0 };
      }),
    { since: "2.13" },
  ),
];
