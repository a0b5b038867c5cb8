/**
 * The few calls to ClearML that trainers in a queue need, each one attempt: how long an outage is borne is for the work to
 * say that they belong to. No answer is thrown as `OutageError`, a refusal as `BackendUnavailable`.
 */
import { ApiError, ConnectionError, describeError } from "../../base/errors.js";
import type { ClearML } from "../../clearml/create-clearml.js";
import { exactPattern } from "../../clearml/exact-pattern.js";
import { byCreation, findOrCreate } from "../../base/find-or-create.js";
import { isAnswer } from "../../clearml/is-answer.js";
import { readLog } from "../../clearml/read-log.js";
import { setRuntime } from "../../clearml/task-edits.js";
import type { RequestOf, ResponseOf, SingleEndpointName } from "../../protocol/clearml/endpoints.js";
import { CLEARML_ERRORS, type ClearMLErrorKind } from "../../protocol/clearml/error-kinds.js";
import { MAX_PAGE_SIZE } from "../../protocol/clearml/limits.js";
import { clientPort, type ClearMLPort } from "../../sinks/clearml/clearml-port.js";
import { lastBytes } from "../last-bytes.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import { OutageError } from "../outage-patience.js";
import { ManagerError, type TrainingEnd } from "../training-manager.js";
import { RUNTIME_KEYS } from "./launcher-script.js";
import { wordsFor } from "./run-reading.js";
import { forgottenTags, keyTag, QUEUED_TAG, readRun, RUN_FIELDS, RUN_TAG, type RunTask } from "./run-task.js";

/** Of a log that is read backwards until the trainer's first line. */
const LOG_PAGE = 500;
/** Characters that are read of a log at most beyond what was asked for: what the agent printed after the trainer. */
const LOG_MARGIN_LENGTH = 65_536;

export class RunCalls {
  readonly #port: ClearMLPort;

  constructor(client: ClearML) {
    this.#port = clientPort(client);
  }

  /** The queue's id; undefined when there is none of the name. */
  async queueId(name: string, signal: AbortSignal): Promise<string | undefined> {
    const { queues } = await this.#ask(
      "queues.get_all",
      { name: exactPattern(name), only_fields: ["id", "name"], search_hidden: true },
      signal,
    );
    return queues.find((queue) => queue.name === name)?.id;
  }

  async run(id: string, signal: AbortSignal): Promise<RunTask | undefined> {
    const { tasks } = await this.#ask("tasks.get_all", { id: [id], only_fields: RUN_FIELDS, search_hidden: true }, signal);
    const task = tasks.find((one) => one.id === id);
    return task && readRun(task);
  }

  /** All of a key, the highest number first, of one number the oldest first. */
  async runsOf(key: string, signal: AbortSignal): Promise<RunTask[]> {
    const { tasks } = await this.#ask("tasks.get_all", { ...searchFor(keyTag(key)), page: 0, page_size: MAX_PAGE_SIZE }, signal);
    const runs = tasks.flatMap((task) => readRun(task) ?? []).filter((run) => run.key === key);
    return runs.sort((one, other) => other.fence - one.fence || byCreation(one, other));
  }

  /** A page of all keys' tasks. */
  async page(number: number, signal: AbortSignal): Promise<{ readonly runs: readonly RunTask[]; readonly isLast: boolean }> {
    const { tasks } = await this.#ask("tasks.get_all", { ...searchFor(RUN_TAG), page: number, page_size: MAX_PAGE_SIZE }, signal);
    return { runs: tasks.flatMap((task) => readRun(task) ?? []), isLast: tasks.length < MAX_PAGE_SIZE };
  }

  /** One task for each number of a key, whoever asks how often. */
  async create(
    { key, fence }: Pick<RunTask, "key" | "fence">,
    request: (project: string) => RequestOf<"tasks.create">,
    project: string,
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly isOurs: boolean }> {
    const projectId = await this.#reached(`make the project ${project}`, signal, () => this.#port.findOrCreateProject(project, { signal }));
    const { found, created } = await findOrCreate({
      search: async () => {
        const { tasks } = await this.#ask("tasks.get_all", { ...searchFor(keyTag(key, fence)), only_fields: ["id", "created"] }, signal);
        return tasks;
      },
      create: async () => (await this.#create(request(projectId), signal)).id,
      remove: (id) => this.delete(id, signal),
      // Never queued, so never run; the sweeper forgets it with the others.
      onNotRemoved: () => undefined,
    });
    return { id: found.id, isOurs: created };
  }

  /** @throws ManagerError `InvalidSpec` for a queue that is gone. */
  async enqueue({ id }: RunTask, queue: string, signal: AbortSignal): Promise<void> {
    await this.#unless([CLEARML_ERRORS.TASK_ALREADY_QUEUED, CLEARML_ERRORS.INVALID_TASK_STATUS], () =>
      this.#ask("tasks.enqueue", { task: id, queue }, signal),
    );
  }

  /** Says that it was queued, so that one of status `created` is known as taken back by a person. */
  async markQueued({ id, systemTags }: RunTask, signal: AbortSignal): Promise<void> {
    await this.#ask("tasks.update", { task: id, system_tags: [...systemTags.filter((tag) => tag !== QUEUED_TAG), QUEUED_TAG] }, signal);
  }

  /** False when it is not in the queue any more: an agent has it. */
  async takeFromQueue({ id, queue }: RunTask, signal: AbortSignal): Promise<boolean> {
    if (queue === undefined) return false;
    const answer = await this.#unless([CLEARML_ERRORS.TASK_NOT_IN_QUEUE, CLEARML_ERRORS.INVALID_QUEUE_ID], () =>
      this.#ask("queues.remove_task", { queue, task: id }, signal),
    );
    return (answer?.removed ?? 0) > 0;
  }

  async note(id: string, values: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    await this.#unless(GONE, () =>
      this.#reached(`write to task ${id}`, signal, () => setRuntime({ port: this.#port, taskId: id, signal }, values)),
    );
  }

  /**
   * `tasks.edit_runtime` would escape the key's first character, and the agent would not find it (`clearml-protocol`, 3.10).
   * Between this read and this write a word of the launcher can be lost; then its agent's words count.
   */
  async setAgentPatience(id: string, seconds: number, signal: AbortSignal): Promise<void> {
    const { tasks } = await this.#ask("tasks.get_all", { id: [id], only_fields: ["id", "runtime"], search_hidden: true }, signal);
    const runtime = { ...tasks[0]?.runtime, [RUNTIME_KEYS.agentPatience]: String(seconds) };
    await this.#unless(GONE, () => this.#ask("tasks.edit", { task: id, force: true, runtime }, signal));
  }

  /** Asks the agent, by ClearML's own word. */
  async askToStop(id: string, reason: string, signal: AbortSignal): Promise<void> {
    await this.#unless([...GONE, CLEARML_ERRORS.INVALID_TASK_STATUS, CLEARML_ERRORS.TASK_STATUS_RACE], () =>
      this.#ask("tasks.stop", { task: id, status_reason: reason }, signal),
    );
  }

  /** Gives the task the status of an end that its agent did not give. */
  async settle(id: string, end: TrainingEnd, signal: AbortSignal): Promise<void> {
    const request = { task: id, force: true, ...wordsFor(end) };
    const endpoint = ({ completed: "tasks.completed", stopped: "tasks.stopped", failed: "tasks.failed" } as const)[end.outcome];
    await this.#unless(GONE, () => this.#ask(endpoint, request, signal));
  }

  /** Into the archive, with no tag of ours. */
  async forget(run: RunTask, signal: AbortSignal): Promise<void> {
    await this.#unless(GONE, () => this.#ask("tasks.update", { task: run.id, system_tags: forgottenTags(run) }, signal));
  }

  async delete(id: string, signal: AbortSignal): Promise<void> {
    await this.#unless(GONE, () => this.#ask("tasks.delete", { task: id, force: true }, signal));
  }

  /** The console's end, back to the line `begin`, and of it so many bytes at most. */
  async logTail(
    id: string,
    marks: { readonly begin: string; readonly end: string },
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<string> {
    let text = "";
    const fetch = (request: RequestOf<"events.get_task_log">) => this.#ask("events.get_task_log", request, signal);
    // An event holds as many lines as the agent read at once.
    for await (const { msg } of readLog(fetch, { task: id, newestFirst: true, pageSize: LOG_PAGE })) {
      text = `${typeof msg === "string" ? msg.replace(/\n$/, "") : ""}\n${text}`;
      if (text.includes(marks.begin) || text.length > maxBytes + LOG_MARGIN_LENGTH) break;
    }
    const [, whole = text] = text.split(`${marks.begin}\n`);
    const [trainers = ""] = whole.split(marks.end);
    return lastBytes(Buffer.from(trainers.trimEnd()), maxBytes);
  }

  async #create(request: RequestOf<"tasks.create">, signal: AbortSignal): Promise<{ readonly id: string }> {
    try {
      return await this.#ask("tasks.create", request, signal);
    } catch (error) {
      // The job's task was deleted: its trainer finds that out, and binds another one.
      if (request.parent === undefined || !isRefusal(error, CLEARML_ERRORS.INVALID_TASK_ID)) throw error;
      const { parent: _gone, ...orphan } = request;
      return this.#ask("tasks.create", orphan, signal);
    }
  }

  #ask<Name extends SingleEndpointName>(endpoint: Name, request: RequestOf<Name>, signal: AbortSignal): Promise<ResponseOf<Name>> {
    return this.#reached(`answer ${endpoint}`, signal, () => this.#port.call(endpoint, request, { signal }));
  }

  async #reached<T>(what: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (isAnswer(error, CLEARML_ERRORS.INVALID_QUEUE_ID))
        throw new ManagerError(TRAINING_FAILURES.invalidSpec, `ClearML has no such queue any more: ${describeError(error)}`, error);
      const message = `ClearML did not ${what}: ${describeError(error)}`;
      throw isOutage(error) ? new OutageError(message, error) : new ManagerError(TRAINING_FAILURES.backendUnavailable, message, error);
    }
  }

  /** Undefined in the place of these refusals. */
  async #unless<T>(kinds: readonly ClearMLErrorKind[], call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (kinds.some((kind) => isRefusal(error, kind))) return undefined;
      throw error;
    }
  }
}

const GONE = [CLEARML_ERRORS.INVALID_TASK_ID, CLEARML_ERRORS.INVALID_ID, CLEARML_ERRORS.TASK_NOT_FOUND, CLEARML_ERRORS.TASK_PUBLISHED];

function isRefusal(error: unknown, kind: ClearMLErrorKind): error is ManagerError & { readonly cause: ApiError } {
  return error instanceof ManagerError && isAnswer(error.cause, kind);
}

/** Its database being away is a 500 of ClearML's own (`clearml-protocol`, 1.4). */
function isOutage(error: unknown): boolean {
  return ConnectionError.isInstance(error) || (ApiError.isInstance(error) && (error.retryable || error.status >= 500));
}

function searchFor(tag: string): RequestOf<"tasks.get_all"> {
  return { system_tags: [tag], search_hidden: true, only_fields: RUN_FIELDS, order_by: ["-created"] };
}
