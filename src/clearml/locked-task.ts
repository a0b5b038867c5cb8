/**
 * Edits of a task that has ended. Most endpoints refuse them with 400/110 once somebody stopped or completed the task
 * (`clearml-protocol`, 3.6); `tasks.edit` with `force` does not, but replaces whole lists and maps. So the fallback
 * reads, merges and writes. Between its read and its write another writer's edit can be lost: it is taken only where
 * the atomic way is closed. A published task is left alone: publishing means that nothing changes any more.
 */
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import type { TaskCalls } from "./task-calls.js";
import { isAnswer } from "./is-answer.js";

/** What `tasks.edit` is to replace, made from the task as it is. */
type TaskEdit = Omit<RequestOf<"tasks.edit">, "task" | "force">;

export interface LockedEdit {
  /** Fields of the task that the edit is made from. */
  readonly fields: readonly string[];
  merge(task: TaskDocument): TaskEdit;
}

/**
 * Edits by the endpoint of choice, or through `tasks.edit` when the task's status closes that way.
 *
 * @throws ApiError, ConnectionError as the port does; the first refusal when the task is published or gone.
 */
export async function editTask(calls: TaskCalls, edit: () => Promise<unknown>, fallback: LockedEdit): Promise<void> {
  try {
    await edit();
  } catch (error) {
    if (!isAnswer(error, CLEARML_ERRORS.INVALID_TASK_STATUS) || calls.isReopened === false) throw error;
    const { port, taskId, signal } = calls;
    const { tasks } = await port.call("tasks.get_all", { id: [taskId], only_fields: ["id", "status", ...fallback.fields] }, { signal });
    const task = tasks.find(({ id }) => id === taskId);
    if (!task || task.status === "published" || task.status === "publishing") throw error;
    await port.call("tasks.edit", { task: taskId, force: true, ...fallback.merge(task) }, { signal });
  }
}
