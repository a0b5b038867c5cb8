/**
 * A task of ClearML under the names that users of its Python SDK know, in camel case: how one comes by it, and its life.
 * What it is made of and what is written on it stand in the classes below it. Nothing here is global: there is no current
 * task, and no process is ever ended.
 */
import { NotFoundError, TaskStatusError, ValidationError } from "../base/errors.js";
import type { TaskStatus } from "../protocol/clearml/task-document.js";
import { freeText, nameText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import type { Environment } from "./options.js";
import { detectScript } from "./script-detection.js";
import type { CallOptions } from "./session.js";
import { TaskMonitor, type AbortCallback, type TaskMonitorOptions } from "./task-monitor.js";
import { newestTask, queryTasks, type TaskQuery } from "./task-query.js";
import { removeFiles } from "./remove-files.js";
import { setScript } from "./task-script.js";
import { TaskSettings } from "./task-settings.js";
import { createTask, findOrCreateTask, isExternalKeyTag, startedTaskId, taskName, type ExternalKey, type NewTask } from "./task-start.js";
import { changeStatus, type StatusChangeOptions } from "./task-status-change.js";
import { exportTask, importAsNew, importInto, type ExportedTask } from "./task-transfer.js";
import { waitForStatus, type WaitForStatusOptions } from "./task-wait.js";
import type { TaskEditOptions } from "./task-api.js";

export interface TaskInitOptions extends Omit<NewTask, "name" | "script">, CallOptions {
  /** At least 3 characters. Needed when a task is created. */
  readonly name?: string | undefined;
  /** Continue this task. */
  readonly id?: string | undefined;
  /** Find the task of this key, or create it: one for all processes that use the key, ever. */
  readonly externalKey?: ExternalKey | undefined;
  /** Default true: what git and the lock file say of the running program (`detectScript`). Not in a remote run. */
  readonly script?: NewTask["script"] | boolean;
  /** Default true: ClearML is told that the task lives, and asked whether it is to end. */
  readonly monitor?: boolean | TaskMonitorOptions | undefined;
  /** Where `CLEARML_TASK_ID` is looked for. Default: the client's own environment. */
  readonly env?: Environment | undefined;
}

/** What a copy of a task differs in. */
export interface CloneOptions extends CallOptions {
  /** Default: the name of the original. */
  readonly name?: string | undefined;
  readonly comment?: string | undefined;
  /** Id of the parent. Default: the task's own, else the task. */
  readonly parent?: string | undefined;
  /** Full path of a project; made where it is missing. Default: the task's. */
  readonly project?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

export interface DeleteTaskOptions extends StatusChangeOptions {
  /** The models that it made, too, unless others use them. Default true. */
  readonly deleteOutputModels?: boolean | undefined;
  /** Its files on ClearML's file server, too. Default true. */
  readonly deleteFiles?: boolean | undefined;
}

export class Task extends TaskSettings {
  #monitor: TaskMonitor | undefined;
  #isOwner = false;
  #closing: Promise<void> | undefined;

  /**
   * The task of this process, in progress: the one that it was started for (`CLEARML_TASK_ID`), else the one of `id`, else
   * the one of `externalKey`, found or created, else a new one. End it with `close`.
   *
   * @throws ValidationError; NotFoundError for an `id` that is none; TaskStatusError when it is published; else as the
   * session's calls.
   */
  static async init(clearml: ClearML, options: TaskInitOptions): Promise<Task> {
    const { id, externalKey, script = true, monitor = true, env, signal, timeoutMs, retry, repeatable, ...given } = options;
    const task = (): NewTask => ({ ...given, name: given.name ?? missingName() });
    const call = { signal, timeoutMs, retry, repeatable };
    const startedId = id === undefined ? startedTaskId(env ?? clearml.env) : undefined;
    const known = id ?? startedId;
    const place =
      known !== undefined
        ? { id: known, created: false }
        : externalKey !== undefined
          ? await findOrCreateTask(clearml, externalKey, task, call)
          : { id: await createTask(clearml, task(), [], call), created: true };
    const found = await Task.get(clearml, { id: place.id, ...call });
    found.isRemoteRun = startedId !== undefined;
    await found.#begin(call);
    if (!found.isRemote && script !== false) await setScript(found.api, script === true ? await detectScript({ signal }) : script, call);
    found.#isOwner = !found.isRemote;
    if (monitor !== false) found.#watch().start(monitor === true ? {} : monitor);
    return found.reload(call);
  }

  /** A new task in status `created`, for somebody else to run. @throws ValidationError; else as the session's calls. */
  static async create(clearml: ClearML, options: NewTask & CallOptions): Promise<Task> {
    return Task.get(clearml, { id: await createTask(clearml, options, [], options), signal: options.signal });
  }

  /**
   * The task of an id, or the newest one that fits a query.
   *
   * @throws NotFoundError when there is none; ValidationError when nothing is asked for.
   */
  static async get(clearml: ClearML, query: (CallOptions & { readonly id: string }) | TaskQuery): Promise<Task> {
    if ("id" in query) {
      const found = new Task(clearml, { id: query.id });
      return found.reload(query);
    }
    if (
      query.name === undefined &&
      query.project === undefined &&
      query.filter === undefined &&
      (query.ids ?? query.tags ?? query.systemTags) === undefined
    ) {
      const message = "Task.get needs an id, or a query such as a project and a name";
      throw new ValidationError(`${message}.`, [{ path: "query", message }]);
    }
    return new Task(clearml, await newestTask(clearml, query));
  }

  /** As {@link Task.get}, with `undefined` for none. */
  static async find(clearml: ClearML, query: (CallOptions & { readonly id: string }) | TaskQuery): Promise<Task | undefined> {
    try {
      return await Task.get(clearml, query);
    } catch (error) {
      if (NotFoundError.isInstance(error)) return undefined;
      throw error;
    }
  }

  /** All tasks that fit, page after page, oldest first. @throws As the session's calls. */
  static async *query(clearml: ClearML, query: TaskQuery = {}): AsyncGenerator<Task, void, undefined> {
    for await (const document of queryTasks(clearml, query)) yield new Task(clearml, document);
  }

  /** A new task with settings that were exported, or, with `into`, the same written over a task's own. */
  static async importTask(
    clearml: ClearML,
    exported: ExportedTask,
    options: TaskEditOptions & { readonly into?: Task | undefined } = {},
  ): Promise<Task> {
    const { into, ...edit } = options;
    if (!into) return Task.get(clearml, { id: await importAsNew(clearml, exported, edit), signal: edit.signal });
    await importInto(into.api, exported, edit);
    return into.reload(edit);
  }

  /** The settings of the task as a document that `Task.importTask`, and Python's `Task.import_task`, make a task of. */
  exportTask(options: CallOptions = {}): Promise<ExportedTask> {
    return exportTask(this.api, options);
  }

  /** Aborts, with a StopRequestedError as its reason, when somebody asks this run to end. Never without `Task.init`. */
  get signal(): AbortSignal {
    return this.#watch().signal;
  }

  /**
   * Calls back when somebody asks this run to end, and waits `timeoutMs` (default 30 s) for it before the task is marked as
   * stopped; ClearML's agent waits as long before it kills the process. `undefined` takes the callback away.
   */
  async onAbort(callback: AbortCallback | undefined, options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    await this.#watch().setCallback(callback, options.timeoutMs);
  }

  /** To `in_progress`. A failed or closed task needs `force`. Erases a stop that was asked for. */
  async markStarted(options: StatusChangeOptions = {}): Promise<void> {
    await changeStatus(this.api, "tasks.started", {}, options);
    await this.reload(options);
  }

  /** To `completed`; a task that was never started is refused. */
  async markCompleted(options: StatusChangeOptions & { readonly publish?: boolean | undefined } = {}): Promise<void> {
    const { publish, ...change } = options;
    await this.#end(() => changeStatus(this.api, "tasks.completed", publish === undefined ? {} : { publish }, change), options);
  }

  async markFailed(options: StatusChangeOptions = {}): Promise<void> {
    await this.#end(() => changeStatus(this.api, "tasks.failed", {}, options), options);
  }

  async markStopped(options: StatusChangeOptions = {}): Promise<void> {
    await this.#end(() => changeStatus(this.api, "tasks.stopped", {}, options), options);
  }

  /** Asks whoever runs the task to end it, as the web page's button does; at once when nobody does. */
  async markStopRequest(options: StatusChangeOptions = {}): Promise<void> {
    await changeStatus(this.api, "tasks.stop", {}, options);
    await this.reload(options);
  }

  /** Publishes the task and its last model: nothing about them changes any more. */
  async publish(options: StatusChangeOptions & { readonly publishModel?: boolean | undefined } = {}): Promise<void> {
    const { publishModel, ...change } = options;
    await this.#end(
      () => changeStatus(this.api, "tasks.publish", publishModel === undefined ? {} : { publish_model: publishModel }, change),
      options,
    );
  }

  /** Deletes what came of the task and takes it back to `created`. */
  async reset(options: StatusChangeOptions & { readonly clearAll?: boolean | undefined } = {}): Promise<void> {
    const { clearAll, ...change } = options;
    await changeStatus(this.api, "tasks.reset", clearAll === undefined ? {} : { clear_all: clearAll }, change);
    await this.reload(options);
  }

  /** Puts the task into a queue, by its name (made where it is missing) or its id; without either into the default one. */
  async enqueue(queue: { readonly name: string } | { readonly id: string } | undefined, options: StatusChangeOptions = {}): Promise<void> {
    const target = queue === undefined ? {} : "id" in queue ? { queue: queue.id } : { queue_name: nameText(queue.name.trim()) };
    await changeStatus(this.api, "tasks.enqueue", target, options);
    await this.reload(options);
  }

  /** Takes the task out of its queue, back to the status that it had before. */
  async dequeue(options: StatusChangeOptions = {}): Promise<void> {
    await changeStatus(this.api, "tasks.dequeue", {}, options);
    await this.reload(options);
  }

  /** A copy in status `created`: settings and input models, nothing of what came of it. */
  async clone(options: CloneOptions = {}): Promise<Task> {
    const { name, comment, parent, project, tags, ...call } = options;
    const target = project === undefined ? undefined : (await this.clearml.projects.findOrCreate(project, call)).id;
    const { id } = await this.api.call(
      "tasks.clone",
      {
        task: this.id,
        ...(name === undefined ? {} : { new_task_name: taskName(name) }),
        ...(comment === undefined ? {} : { new_task_comment: freeText(comment) }),
        ...(parent === undefined ? {} : { new_task_parent: parent }),
        ...(target === undefined ? {} : { new_task_project: target }),
        ...(tags ? { new_task_tags: tags.map(nameText) } : {}),
        // A key belongs to one task: a copy that kept it would be found in the original's place.
        new_task_system_tags: ((await this.reloaded(call)).system_tags ?? []).filter(
          (tag) => !isExternalKeyTag(tag) && tag !== "development" && tag !== "archived",
        ),
      },
      call,
    );
    return Task.get(this.clearml, { id, signal: call.signal });
  }

  /** Puts the task away; a running one is stopped. */
  async archive(options?: CallOptions): Promise<void> {
    await this.api.call("tasks.archive", { tasks: [this.id] }, options);
    await this.reload(options);
  }

  async unarchive(options?: CallOptions): Promise<void> {
    await this.api.call("tasks.unarchive_many", { ids: [this.id] }, options);
    await this.reload(options);
  }

  /**
   * Deletes the task with its events. Resolves with addresses of files that it leaves behind: on S3, in folders, or those
   * that could not be deleted.
   */
  async delete(options: DeleteTaskOptions = {}): Promise<{ readonly leftFiles: readonly string[] }> {
    const { deleteOutputModels = true, deleteFiles = true, ...change } = options;
    const request = { delete_output_models: deleteOutputModels, delete_external_artifacts: false, return_file_urls: true };
    await this.#monitor?.stop();
    const { urls } = await changeStatus(this.api, "tasks.delete", request, change);
    const files = [...(urls?.artifact_urls ?? []), ...(urls?.event_urls ?? []), ...(urls?.model_urls ?? [])];
    return { leftFiles: deleteFiles ? await removeFiles(this.clearml, files, options) : files };
  }

  /** Resolves when the task has one of these statuses. @throws TaskStatusError, ConnectionError of code `TIMEOUT`. */
  async waitForStatus(options: WaitForStatusOptions = {}): Promise<TaskStatus> {
    const status = await waitForStatus(this.api, options);
    await this.reload(options);
    return status as TaskStatus;
  }

  /**
   * Ends what `init` began: what `logger` holds is delivered, then the task is completed when it is still in progress; in a remote run that is for whoever
   * started the process. All callers share one promise.
   */
  close(options: CallOptions = {}): Promise<void> {
    return (this.#closing ??= this.#close(options));
  }

  async #close(options: CallOptions): Promise<void> {
    await this.#monitor?.stop();
    // Before the end: a published task takes no more events.
    await this.reporter?.close({ signal: options.signal });
    if (!this.#isOwner) return;
    const isRunning = (await this.getStatus(options)) === "in_progress";
    if (isRunning) await this.markCompleted(options);
  }

  async #end(change: () => Promise<unknown>, options: CallOptions): Promise<void> {
    // Before, or the change would be taken for somebody else's wish.
    await this.#monitor?.stop();
    await this.reporter?.flush({ signal: options.signal });
    await change();
    await this.reload(options);
  }

  async #begin(options: CallOptions): Promise<void> {
    const { status, id } = this;
    if (status === "published" || status === "publishing")
      throw new TaskStatusError(`ClearML task ${id} is ${status} and cannot be continued. Clone it.`, { taskId: id, status });
    // A second start would erase a stop that was asked for (trap 17).
    if (status !== "in_progress") await this.markStarted({ ...options, force: status !== "created" && status !== "queued" });
  }

  #watch(): TaskMonitor {
    return (this.#monitor ??= new TaskMonitor(this.api, this.isRemote));
  }
}

function missingName(): never {
  const message = "a new task needs a name";
  throw new ValidationError(`Task.init: ${message}.`, [{ path: "name", message }]);
}
