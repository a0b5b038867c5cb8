/** tasks: the calls that move a task from status to status, and the ping. @see clearml-protocol 3.3, 3.4 */
import { ACTIVE_WORKER_MS, STOPPING_MESSAGE } from "../../../protocol/clearml/limits.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { TaskDocument } from "../../store/documents.js";
import { invalidId, invalidTaskStatus } from "../api-failure.js";
import { serve } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { taskOf } from "../lookup.js";
import { changeStatus, withoutUndefined } from "../task-status.js";
import { dequeueEverywhere } from "./queue-services.js";
import type { StatusReply } from "../task-status.js";

type StatusCall = RequestOf<"tasks.stopped">;

function started(request: StatusCall, call: Call): object {
  const task = call.store.tasks.get(request.task);
  if (!task) throw invalidId({ id: request.task });
  const keeps = task.status === "in_progress" && task.started !== undefined;
  const extra = {
    started: keeps ? task.started : call.now,
    completed: undefined,
    active_duration: undefined,
  } as unknown as Partial<TaskDocument>;
  return { ...changeStatus(call, task, "in_progress", request, extra), started: 1 };
}

/** Publishes the task and, unless told otherwise, the last model it made. */
export function publishTask(call: Call, task: TaskDocument, request: Omit<RequestOf<"tasks.publish">, "task">): StatusReply {
  const allowed = ["stopped", "closed", "failed", "completed", "publishing"];
  if (request.force !== true && !allowed.includes(task.status))
    throw invalidTaskStatus({ expected: allowed.join(","), status: task.status });
  const last = task.models.output.at(-1);
  const model = last === undefined ? undefined : call.store.models.get(last.model);
  if (request.publish_model !== false && model && !model.ready) {
    call.store.models.put({ ...model, ready: true, last_update: call.now, last_change: call.now });
    call.notify(model.id, "model");
  }
  return changeStatus(call, task, "published", { ...request, force: true }, { published: call.now });
}

function completed(request: RequestOf<"tasks.completed">, call: Call): object {
  const reply = changeStatus(call, taskOf(call, request.task), "completed", request, { completed: call.now });
  if (request.publish !== true) return reply;
  const published = publishTask(call, taskOf(call, request.task), {
    status_reason: request.status_reason,
    status_message: request.status_message,
  });
  return { updated: 1, fields: { ...reply.fields, ...published.fields }, published: published.updated };
}

/** True when somebody works on the task who will see the request to stop. */
function hasLiveWorker(call: Call, task: TaskDocument): boolean {
  return task.last_worker !== undefined && call.nowMs - Date.parse(task.last_update) < ACTIVE_WORKER_MS;
}

/** Asks for a stop: at once where nobody would see the request, else by a word in the status message. */
export function stopTask(call: Call, task: TaskDocument, request: Omit<RequestOf<"tasks.stop">, "task">): StatusReply {
  const atOnce = task.status === "queued" || task.system_tags.includes("development") || !hasLiveWorker(call, task);
  if (task.status === "queued") dequeueEverywhere(call, task.id);
  if (atOnce)
    return changeStatus(
      call,
      task,
      "stopped",
      { ...request, status_message: `Stopped by ${call.identity.user_name}` },
      { completed: call.now },
    );
  const fields = {
    status_message: STOPPING_MESSAGE,
    status_reason: request.status_reason ?? "",
    last_update: call.now,
    last_change: call.now,
    last_changed_by: call.identity.user,
  };
  call.store.tasks.put({ ...task, ...fields });
  call.notify(task.id, "task");
  return { updated: 1, fields };
}

function ping(request: { task: string }, call: Call): object {
  // A wrong id is accepted without a word.
  const task = call.store.tasks.get(request.task);
  if (!task) return {};
  const active =
    task.status === "in_progress" && task.started !== undefined ? Math.floor((call.nowMs - Date.parse(task.started)) / 1000) : undefined;
  call.store.tasks.put(
    withoutUndefined({
      ...task,
      last_update: call.now,
      last_change: call.now,
      active_duration: active ?? task.active_duration,
    } as TaskDocument),
  );
  call.notify(task.id, "task");
  return {};
}

/** The endpoints of this part. */
export const TASK_STATUS_SERVICES: readonly ServedEndpoint[] = [
  serve("tasks.started", started),
  serve("tasks.stopped", (request, call) => changeStatus(call, taskOf(call, request.task), "stopped", request, { completed: call.now })),
  serve("tasks.failed", (request, call) => changeStatus(call, taskOf(call, request.task), "failed", request, { completed: call.now })),
  serve("tasks.completed", completed, { since: "2.2" }),
  serve("tasks.close", (request, call) => changeStatus(call, taskOf(call, request.task), "closed", request)),
  serve("tasks.stop", (request, call) => stopTask(call, taskOf(call, request.task), request)),
  serve("tasks.publish", (request, call) => publishTask(call, taskOf(call, request.task), request)),
  serve("tasks.ping", ping),
];
