/**
 * Calls about one task, with refusals said in its own words: that it is gone, that its status forbids what was asked.
 * What the rest of `Task` is written on; it keeps nothing but the id.
 */
import { NotFoundError, TaskStatusError } from "../base/errors.js";
import type { RequestOf, ResponseOf, SingleEndpointName } from "../protocol/clearml/endpoints.js";
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import type { ClearML } from "./create-clearml.js";
import { isAnswer } from "./is-answer.js";
import type { CallOptions } from "./session.js";
import type { TaskCalls } from "./task-calls.js";

/** How a task is edited. */
export interface TaskEditOptions extends CallOptions {
  /**
   * Edit a task that has ended. Such an edit reads, merges and writes, so one that somebody else makes at the same moment
   * can be lost. A published task stays closed. Default false.
   */
  readonly force?: boolean | undefined;
}

/** From here on most edits are refused by the server (`clearml-protocol`, 3.6). */
const OPEN: ReadonlySet<string> = new Set(["created", "queued", "in_progress"]);

/** One task at one ClearML. */
export class TaskApi {
  readonly clearml: ClearML;
  readonly id: string;

  constructor(clearml: ClearML, id: string) {
    this.clearml = clearml;
    this.id = id;
  }

  /**
   * An endpoint of the session.
   *
   * @throws NotFoundError when there is no such task; else as {@link ClearMLSession.call}.
   */
  async call<Name extends SingleEndpointName>(endpoint: Name, request: RequestOf<Name>, options?: CallOptions): Promise<ResponseOf<Name>> {
    try {
      return await this.clearml.session.call(endpoint, request, options);
    } catch (error) {
      throw this.#isGone(endpoint, error) ? this.#gone(error) : error;
    }
  }

  /** The task as it is now, whole. @throws NotFoundError. */
  async read(options?: CallOptions): Promise<TaskDocument> {
    return (await this.call("tasks.get_by_id", { task: this.id }, options)).task;
  }

  /** Some fields of the task; the id comes always. @throws NotFoundError. */
  async readFields(fields: readonly string[], options?: CallOptions): Promise<TaskDocument> {
    const { tasks } = await this.call("tasks.get_all", { id: [this.id], only_fields: ["id", ...fields] }, options);
    const task = tasks.find(({ id }) => id === this.id);
    if (!task) throw this.#gone(undefined);
    return task;
  }

  /**
   * Edits by endpoints that close when the task ends.
   *
   * @param what names the edited thing in a refusal: `its parameters`.
   * @throws TaskStatusError when the task has ended and `force` was not given, or it is published.
   */
  async edit(what: string, options: TaskEditOptions, work: (calls: TaskCalls) => Promise<unknown>): Promise<void> {
    const { force = false, ...callOptions } = options;
    const signal = options.signal ?? new AbortController().signal;
    const port: TaskCalls["port"] = { call: (endpoint, request) => this.call(endpoint, request, { ...callOptions, signal }) };
    try {
      await work({ port, taskId: this.id, signal, isReopened: force });
    } catch (error) {
      if (!isAnswer(error, CLEARML_ERRORS.INVALID_TASK_STATUS)) throw error;
      throw await this.#closed(what, error, callOptions);
    }
  }

  /**
   * Edits by `tasks.edit`, which the server takes in any status: the rule of the other endpoints is kept here.
   *
   * @throws As {@link TaskApi.edit}.
   */
  async editWhole(
    what: string,
    options: TaskEditOptions,
    fields: readonly string[],
    change: (task: TaskDocument) => Omit<RequestOf<"tasks.edit">, "task" | "force">,
  ): Promise<void> {
    const { force = false, ...callOptions } = options;
    const task = await this.readFields(["status", ...fields], callOptions);
    const status = task.status ?? "unknown";
    if (isLocked(status) || (!OPEN.has(status) && !force)) throw this.#refusal(what, status, undefined);
    await this.call("tasks.edit", { task: this.id, force: true, ...change(task) }, callOptions);
  }

  async #closed(what: string, cause: unknown, options: CallOptions): Promise<TaskStatusError> {
    const { status } = await this.readFields(["status"], options);
    return this.#refusal(what, status ?? "unknown", cause);
  }

  #refusal(what: string, status: string, cause: unknown): TaskStatusError {
    const advice = isLocked(status) ? "Nothing about a published task changes any more" : "Pass force: true to edit a task that has ended";
    return new TaskStatusError(`ClearML task ${this.id} is ${status}, so ${what} cannot be edited. ${advice}.`, {
      taskId: this.id,
      status,
      cause,
    });
  }

  #isGone(endpoint: string, error: unknown): boolean {
    return (
      isAnswer(error, CLEARML_ERRORS.INVALID_TASK_ID) ||
      isAnswer(error, CLEARML_ERRORS.TASK_NOT_FOUND) ||
      // This one endpoint has a code of its own for it.
      (endpoint === "tasks.started" && isAnswer(error, CLEARML_ERRORS.INVALID_ID))
    );
  }

  #gone(cause: unknown): NotFoundError {
    return new NotFoundError(
      `There is no ClearML task ${this.id} (any more), or these credentials cannot see it. Check the id and the access key.`,
      cause,
    );
  }
}

function isLocked(status: string): boolean {
  return status === "published" || status === "publishing";
}
