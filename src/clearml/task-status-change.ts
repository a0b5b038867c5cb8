/**
 * A task's way from status to status (`clearml-protocol`, 3.3). The server decides; what is known here is how to say its
 * no: which status the task had, and which way leads where the caller wanted to go.
 */
import { TaskStatusError } from "../base/errors.js";
import type { RequestOf, ResponseOf, SingleEndpointName } from "../protocol/clearml/endpoints.js";
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import { freeText } from "./clearml-text.js";
import { isAnswer } from "./is-answer.js";
import type { CallOptions } from "./session.js";
import type { TaskApi } from "./task-api.js";

/** What goes along with a change of status. */
export interface StatusChangeOptions extends CallOptions {
  /** Skip the server's table of changes; even a published task then changes. Default false. */
  readonly force?: boolean | undefined;
  /** For people: why. Kept beside the status until the next change. */
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

type StatusEndpoint = Extract<
  SingleEndpointName,
  | "tasks.started"
  | "tasks.stopped"
  | "tasks.stop"
  | "tasks.failed"
  | "tasks.completed"
  | "tasks.close"
  | "tasks.publish"
  | "tasks.reset"
  | "tasks.enqueue"
  | "tasks.dequeue"
  | "tasks.delete"
>;

/** What to do instead, by the wish and the status that is in its way. */
function advice(endpoint: StatusEndpoint, status: string): string {
  if (status === "published" || status === "publishing") return "A published task changes only with force: true";
  if (endpoint === "tasks.completed" && (status === "created" || status === "queued")) return "Call markStarted first";
  if (endpoint === "tasks.started" && status === "failed") return "Pass force: true to continue a failed task";
  if (endpoint === "tasks.enqueue" && status === "completed") return "Reset it first, or enqueue a clone of it";
  if (endpoint === "tasks.publish") return "Only a task that has ended is published; end it first";
  if (endpoint === "tasks.delete") return "Archive it first, or pass force: true";
  if (endpoint === "tasks.dequeue") return "Only a queued task leaves its queue";
  return "Pass force: true to skip the server's table of changes";
}

/**
 * Makes one change. A status that somebody else changed at the same moment is read and changed once more.
 *
 * @throws TaskStatusError when the task's status does not allow it; NotFoundError; else as the session's calls.
 */
export async function changeStatus<Name extends StatusEndpoint>(
  api: TaskApi,
  endpoint: Name,
  request: Omit<RequestOf<Name>, "task" | "force" | "status_reason" | "status_message">,
  options: StatusChangeOptions,
): Promise<ResponseOf<Name>> {
  const { force, reason, message, ...callOptions } = options;
  const whole = {
    ...request,
    task: api.id,
    ...(force === undefined ? {} : { force }),
    ...(reason === undefined ? {} : { status_reason: freeText(reason) }),
    ...(message === undefined ? {} : { status_message: freeText(message) }),
  } as unknown as RequestOf<Name>;
  for (let attempt = 1; ; attempt++) {
    try {
      return await api.call(endpoint, whole, callOptions);
    } catch (error) {
      if (isAnswer(error, CLEARML_ERRORS.TASK_STATUS_RACE) && attempt === 1) continue;
      const isRefused =
        isAnswer(error, CLEARML_ERRORS.INVALID_TASK_STATUS) ||
        isAnswer(error, CLEARML_ERRORS.TASK_PUBLISHED) ||
        isAnswer(error, CLEARML_ERRORS.TASK_STATUS_RACE);
      if (!isRefused) throw error;
      const status = (await api.readFields(["status"], callOptions)).status ?? "unknown";
      throw new TaskStatusError(`ClearML task ${api.id} is ${status}, so ${endpoint} was refused. ${advice(endpoint, status)}.`, {
        taskId: api.id,
        status,
        cause: error,
      });
    }
  }
}
