/** The state machine of a task: which change of status the server allows, and what every change stamps. @see clearml-protocol 3.3 */
import type { TaskDocument, TaskStatus } from "../store/documents.js";
import { invalidTaskStatus } from "./api-failure.js";
import type { Call } from "./call.js";

/** Changes allowed without `force`. The same status again always is. */
const TRANSITIONS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  created: ["queued", "in_progress"],
  queued: ["created", "in_progress", "stopped"],
  in_progress: ["stopped", "failed", "created", "completed"],
  stopped: ["closed", "created", "failed", "queued", "in_progress", "published", "publishing", "completed"],
  closed: ["created", "failed", "published", "publishing", "stopped"],
  failed: ["created", "stopped", "published", "queued"],
  completed: ["published", "in_progress", "created"],
  publishing: ["published"],
  published: [],
  unknown: [],
};

/** True when the change needs no `force`. */
export function isAllowed(from: TaskStatus, to: TaskStatus): boolean {
  return from === to || TRANSITIONS[from].includes(to);
}

/** What a status call may bring along. */
export interface StatusRequest {
  readonly force?: boolean | null | undefined;
  readonly status_reason?: string | null | undefined;
  readonly status_message?: string | null | undefined;
}

/** Answer of a status call: how many tasks changed, and what changed, by dotted name. */
export interface StatusReply {
  readonly updated: number;
  readonly fields: Record<string, unknown>;
}

/**
 * Moves the task, stores it, and says what changed. Reason and message are overwritten by every call, also by empty ones.
 * @throws ApiFailure 400/110 when the change is not allowed and not forced.
 */
export function changeStatus(
  call: Call,
  task: TaskDocument,
  to: TaskStatus,
  request: StatusRequest,
  extra: Partial<TaskDocument> = {},
): StatusReply {
  if (request.force !== true && !isAllowed(task.status, to)) {
    throw invalidTaskStatus({
      expected: to === "published" ? "stopped,closed,failed,completed" : "a status that can change to the new one",
      current_status: task.status,
      new_status: to,
    });
  }
  const stamped = {
    status: to,
    status_reason: request.status_reason ?? "",
    status_message: request.status_message ?? "",
    status_changed: call.now,
    last_update: call.now,
    last_change: call.now,
    last_changed_by: call.identity.user,
    ...(to === "queued" ? { system_tags: task.system_tags.filter((tag) => tag !== "development") } : {}),
    ...extra,
  };
  call.store.tasks.put(withoutUndefined({ ...task, ...stamped }));
  call.notify(task.id, "task");
  return { updated: 1, fields: { ...stamped } };
}

/** A copy without the fields that are undefined: how a field is unset. */
export function withoutUndefined<T extends object>(document: T): T {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined)) as T;
}
