/** `tasks.*`: making, finding, editing tasks and moving them from status to status (`clearml-protocol`, 3). */
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { STABLE_ORDER, allRows } from "./paging.js";
import type { CallOptions, ClearMLSession } from "./session.js";

/** Tasks. Methods are named as the endpoints; their errors are those of {@link ClearMLSession.call}. */
export class TasksService {
  readonly #session: ClearMLSession;

  constructor(session: ClearMLSession) {
    this.#session = session;
  }

  /** All tasks that fit, page after page, oldest first unless `order_by` says otherwise. Hidden ones need `search_hidden`. */
  getAll(request: RequestOf<"tasks.get_all"> = {}, options?: CallOptions): AsyncGenerator<TaskDocument, void, undefined> {
    return allRows(async (page, page_size) => {
      const { tasks } = await this.getPage({ order_by: [...STABLE_ORDER], ...request, page, page_size }, options);
      return tasks;
    });
  }

  /** One `tasks.get_all`: at most 500 rows, whatever is asked for. */
  getPage(request: RequestOf<"tasks.get_all">, options?: CallOptions): Promise<ResponseOf<"tasks.get_all">> {
    return this.#session.call("tasks.get_all", request, options);
  }

  /** Changes of many tasks in one request; an unknown id fails them all. */
  updateBatch(lines: readonly RequestOf<"tasks.update_batch">[], options?: CallOptions): Promise<ResponseOf<"tasks.update_batch">> {
    return this.#session.callBatch("tasks.update_batch", lines, options);
  }

  /** Makes a task. Not repeated after an unclear failure: search by a tag of yours first, or a second one may come to be. */
  create(request: RequestOf<"tasks.create">, options?: CallOptions): Promise<ResponseOf<"tasks.create">> {
    return this.#session.call("tasks.create", request, options);
  }

  getById(request: RequestOf<"tasks.get_by_id">, options?: CallOptions): Promise<ResponseOf<"tasks.get_by_id">> {
    return this.#session.call("tasks.get_by_id", request, options);
  }

  /** With `force` in any status. Maps (`hyperparams`, `configuration`, `container`, `runtime`) and the list of artifacts are replaced whole. */
  edit(request: RequestOf<"tasks.edit">, options?: CallOptions): Promise<ResponseOf<"tasks.edit">> {
    return this.#session.call("tasks.edit", request, options);
  }

  /** Name, comment, tags, project and `status_message`, in any status; other fields are dropped without a word. */
  update(request: RequestOf<"tasks.update">, options?: CallOptions): Promise<ResponseOf<"tasks.update">> {
    return this.#session.call("tasks.update", request, options);
  }

  /** Wipes `status_message`, and with it a stop that somebody asked for: not to be called twice. */
  started(request: RequestOf<"tasks.started">, options?: CallOptions): Promise<ResponseOf<"tasks.started">> {
    return this.#session.call("tasks.started", request, options);
  }

  stopped(request: RequestOf<"tasks.stopped">, options?: CallOptions): Promise<ResponseOf<"tasks.stopped">> {
    return this.#session.call("tasks.stopped", request, options);
  }

  /** Asks for a stop, as the button in the web application does: at once, or through `status_message` while a worker is alive. */
  stop(request: RequestOf<"tasks.stop">, options?: CallOptions): Promise<ResponseOf<"tasks.stop">> {
    return this.#session.call("tasks.stop", request, options);
  }

  failed(request: RequestOf<"tasks.failed">, options?: CallOptions): Promise<ResponseOf<"tasks.failed">> {
    return this.#session.call("tasks.failed", request, options);
  }

  /** From `in_progress` or `stopped`; a task that was never started answers 400/110. */
  completed(request: RequestOf<"tasks.completed">, options?: CallOptions): Promise<ResponseOf<"tasks.completed">> {
    return this.#session.call("tasks.completed", request, options);
  }

  close(request: RequestOf<"tasks.close">, options?: CallOptions): Promise<ResponseOf<"tasks.close">> {
    return this.#session.call("tasks.close", request, options);
  }

  /** Deletes events, output artifacts and output models, and takes the task back to `created`. */
  reset(request: RequestOf<"tasks.reset">, options?: CallOptions): Promise<ResponseOf<"tasks.reset">> {
    return this.#session.call("tasks.reset", request, options);
  }

  delete(request: RequestOf<"tasks.delete">, options?: CallOptions): Promise<ResponseOf<"tasks.delete">> {
    return this.#session.call("tasks.delete", request, options);
  }

  /** Keeps a silent task from being stopped after two hours. */
  ping(request: RequestOf<"tasks.ping">, options?: CallOptions): Promise<ResponseOf<"tasks.ping">> {
    return this.#session.call("tasks.ping", request, options);
  }

  editHyperParams(request: RequestOf<"tasks.edit_hyper_params">, options?: CallOptions): Promise<ResponseOf<"tasks.edit_hyper_params">> {
    return this.#session.call("tasks.edit_hyper_params", request, options);
  }

  deleteHyperParams(
    request: RequestOf<"tasks.delete_hyper_params">,
    options?: CallOptions,
  ): Promise<ResponseOf<"tasks.delete_hyper_params">> {
    return this.#session.call("tasks.delete_hyper_params", request, options);
  }

  editConfiguration(
    request: RequestOf<"tasks.edit_configuration">,
    options?: CallOptions,
  ): Promise<ResponseOf<"tasks.edit_configuration">> {
    return this.#session.call("tasks.edit_configuration", request, options);
  }

  deleteConfiguration(
    request: RequestOf<"tasks.delete_configuration">,
    options?: CallOptions,
  ): Promise<ResponseOf<"tasks.delete_configuration">> {
    return this.#session.call("tasks.delete_configuration", request, options);
  }

  /** While the task is created, queued or in progress. The same key takes the old one's place. `timestamp` is in seconds. */
  addOrUpdateArtifacts(
    request: RequestOf<"tasks.add_or_update_artifacts">,
    options?: CallOptions,
  ): Promise<ResponseOf<"tasks.add_or_update_artifacts">> {
    return this.#session.call("tasks.add_or_update_artifacts", request, options);
  }

  deleteArtifacts(request: RequestOf<"tasks.delete_artifacts">, options?: CallOptions): Promise<ResponseOf<"tasks.delete_artifacts">> {
    return this.#session.call("tasks.delete_artifacts", request, options);
  }

  addOrUpdateModel(
    request: RequestOf<"tasks.add_or_update_model">,
    options?: CallOptions,
  ): Promise<ResponseOf<"tasks.add_or_update_model">> {
    return this.#session.call("tasks.add_or_update_model", request, options);
  }

  deleteModels(request: RequestOf<"tasks.delete_models">, options?: CallOptions): Promise<ResponseOf<"tasks.delete_models">> {
    return this.#session.call("tasks.delete_models", request, options);
  }

  /** Merges by key. Avoid dots, `$` and double underscores in keys. */
  editRuntime(request: RequestOf<"tasks.edit_runtime">, options?: CallOptions): Promise<ResponseOf<"tasks.edit_runtime">> {
    return this.#session.call("tasks.edit_runtime", request, options);
  }

  /** Adds and removes tags in one step. */
  updateTags(request: RequestOf<"tasks.update_tags">, options?: CallOptions): Promise<ResponseOf<"tasks.update_tags">> {
    return this.#session.call("tasks.update_tags", request, options);
  }

  setRequirements(request: RequestOf<"tasks.set_requirements">, options?: CallOptions): Promise<ResponseOf<"tasks.set_requirements">> {
    return this.#session.call("tasks.set_requirements", request, options);
  }

  /** A copy in status `created`. Not repeated after an unclear failure. */
  clone(request: RequestOf<"tasks.clone">, options?: CallOptions): Promise<ResponseOf<"tasks.clone">> {
    return this.#session.call("tasks.clone", request, options);
  }

  enqueue(request: RequestOf<"tasks.enqueue">, options?: CallOptions): Promise<ResponseOf<"tasks.enqueue">> {
    return this.#session.call("tasks.enqueue", request, options);
  }

  dequeue(request: RequestOf<"tasks.dequeue">, options?: CallOptions): Promise<ResponseOf<"tasks.dequeue">> {
    return this.#session.call("tasks.dequeue", request, options);
  }

  publish(request: RequestOf<"tasks.publish">, options?: CallOptions): Promise<ResponseOf<"tasks.publish">> {
    return this.#session.call("tasks.publish", request, options);
  }

  archive(request: RequestOf<"tasks.archive">, options?: CallOptions): Promise<ResponseOf<"tasks.archive">> {
    return this.#session.call("tasks.archive", request, options);
  }

  unarchiveMany(request: RequestOf<"tasks.unarchive_many">, options?: CallOptions): Promise<ResponseOf<"tasks.unarchive_many">> {
    return this.#session.call("tasks.unarchive_many", request, options);
  }
}
