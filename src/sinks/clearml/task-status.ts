/**
 * Starts and ends a task by the plans of `status-plan.ts`. Every status call overwrites the task's reason and message,
 * so ours carry a mark by which the watch tells them from another actor's.
 */
import type { ApiError } from "../../base/errors.js";
import { CLEARML_ERRORS } from "../../protocol/clearml/error-kinds.js";
import { MAX_STATUS_TEXT_LENGTH, cutText, freeText } from "../../clearml/clearml-text.js";
import type { TaskStatusView } from "../../clearml/status-verdict.js";
import type { TaskCalls } from "./clearml-port.js";
import { isAnswer } from "../../clearml/is-answer.js";
import type { StatusPlan, StatusStep } from "./status-plan.js";

/** Start of every `status_reason` that this package sets. ClearML's own stop leaves the reason to whoever asked. */
const STATUS_MARK = "trainer-sdk";

/** The task's status, or `undefined` when there is no such task any more. */
export async function readStatus({ port, taskId, signal }: TaskCalls, timeoutMs?: number): Promise<TaskStatusView | undefined> {
  const options = timeoutMs === undefined ? { signal } : { signal, timeoutMs };
  const { tasks } = await port.call(
    "tasks.get_all",
    { id: [taskId], only_fields: ["id", "status", "status_message", "status_reason"] },
    options,
  );
  const task = tasks.find(({ id }) => id === taskId);
  return task && { status: task.status ?? "unknown", message: task.status_message ?? "", reason: task.status_reason ?? "" };
}

/** True when the reason is one that this package gave. */
export function isOurs(view: TaskStatusView): boolean {
  return view.reason.startsWith(STATUS_MARK);
}

/** What is written beside a status. */
export interface StatusWords {
  /** A few words after the mark: `completed`, `started again after the watchdog`. */
  readonly reason: string;
  readonly message?: string | undefined;
}

/** `changed`: at least one call was made. `unchanged`: nothing had to be. `locked`: published. `gone`: deleted. */
export type StatusOutcome = "changed" | "unchanged" | "locked" | "gone";

/**
 * Reads the status, plans, carries the plan out. When somebody changed the status in between, reads and plans once more.
 *
 * @throws ApiError, ConnectionError as the port does.
 */
export async function applyStatus(
  calls: TaskCalls,
  planFor: (view: TaskStatusView) => StatusPlan,
  words: StatusWords,
): Promise<StatusOutcome> {
  for (let attempt = 1; ; attempt++) {
    const view = await readStatus(calls);
    if (!view) return "gone";
    const plan = planFor(view);
    if (plan === "locked") return "locked";
    try {
      for (const step of plan) await statusCall(calls, step, words);
      return plan.length > 0 ? "changed" : "unchanged";
    } catch (error) {
      if (attempt > 1 || !wasOvertaken(error)) throw error;
    }
  }
}

/** The status was another one than the plan was made for. */
function wasOvertaken(error: unknown): error is ApiError {
  return isAnswer(error, CLEARML_ERRORS.TASK_STATUS_RACE) || isAnswer(error, CLEARML_ERRORS.INVALID_TASK_STATUS);
}

async function statusCall({ port, taskId, signal }: TaskCalls, step: StatusStep, words: StatusWords): Promise<void> {
  const request = {
    task: taskId,
    force: step.force,
    status_reason: `${STATUS_MARK}: ${step.to === "in_progress" ? "started" : words.reason}`,
    status_message: freeText(cutText(words.message ?? "", MAX_STATUS_TEXT_LENGTH)),
  };
  switch (step.to) {
    case "in_progress":
      await port.call("tasks.started", request, { signal });
      return;
    case "completed":
      await port.call("tasks.completed", request, { signal });
      return;
    case "failed":
      await port.call("tasks.failed", request, { signal });
      return;
    case "stopped":
      await port.call("tasks.stopped", request, { signal });
  }
}
