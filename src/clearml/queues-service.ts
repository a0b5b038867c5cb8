/** `queues.*`: tasks that wait for a worker (`clearml-protocol`, 7). */
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";
import type { QueueDocument } from "../protocol/clearml/queue-document.js";
import { STABLE_ORDER, allRows } from "./paging.js";
import type { CallOptions, ClearMLSession } from "./session.js";

/** Queues. Methods are named as the endpoints; their errors are those of {@link ClearMLSession.call}. */
export class QueuesService {
  readonly #session: ClearMLSession;

  constructor(session: ClearMLSession) {
    this.#session = session;
  }

  create(request: RequestOf<"queues.create">, options?: CallOptions): Promise<ResponseOf<"queues.create">> {
    return this.#session.call("queues.create", request, options);
  }

  /** All queues that fit, page after page, oldest first unless `order_by` says otherwise. `name` is a regular expression. */
  getAll(request: RequestOf<"queues.get_all"> = {}, options?: CallOptions): AsyncGenerator<QueueDocument, void, undefined> {
    return allRows(async (page, page_size) => {
      const { queues } = await this.getPage({ order_by: [...STABLE_ORDER], ...request, page, page_size }, options);
      return queues;
    });
  }

  /** One `queues.get_all`: at most 500 rows, whatever is asked for. */
  getPage(request: RequestOf<"queues.get_all">, options?: CallOptions): Promise<ResponseOf<"queues.get_all">> {
    return this.#session.call("queues.get_all", request, options);
  }

  getById(request: RequestOf<"queues.get_by_id">, options?: CallOptions): Promise<ResponseOf<"queues.get_by_id">> {
    return this.#session.call("queues.get_by_id", request, options);
  }

  getDefault(options?: CallOptions): Promise<ResponseOf<"queues.get_default">> {
    return this.#session.call("queues.get_default", {}, options);
  }

  update(request: RequestOf<"queues.update">, options?: CallOptions): Promise<ResponseOf<"queues.update">> {
    return this.#session.call("queues.update", request, options);
  }

  delete(request: RequestOf<"queues.delete">, options?: CallOptions): Promise<ResponseOf<"queues.delete">> {
    return this.#session.call("queues.delete", request, options);
  }

  getNumEntries(request: RequestOf<"queues.get_num_entries">, options?: CallOptions): Promise<ResponseOf<"queues.get_num_entries">> {
    return this.#session.call("queues.get_num_entries", request, options);
  }

  /** Id of the first task, which stays where it is. */
  peekTask(request: RequestOf<"queues.peek_task">, options?: CallOptions): Promise<ResponseOf<"queues.peek_task">> {
    return this.#session.call("queues.peek_task", request, options);
  }

  /**
   * Takes the first task out; its status stays as it is. There is no acknowledgement, so it is not repeated after an
   * unclear failure: the answer that got lost may have held a task.
   */
  getNextTask(request: RequestOf<"queues.get_next_task">, options?: CallOptions): Promise<ResponseOf<"queues.get_next_task">> {
    return this.#session.call("queues.get_next_task", request, options);
  }

  /** Puts a task in without touching its status; see `tasks.enqueue`. */
  addTask(request: RequestOf<"queues.add_task">, options?: CallOptions): Promise<ResponseOf<"queues.add_task">> {
    return this.#session.call("queues.add_task", request, options);
  }

  /** Takes a task out without touching its status; see `tasks.dequeue`. */
  removeTask(request: RequestOf<"queues.remove_task">, options?: CallOptions): Promise<ResponseOf<"queues.remove_task">> {
    return this.#session.call("queues.remove_task", request, options);
  }

  moveTaskForward(request: RequestOf<"queues.move_task_forward">, options?: CallOptions): Promise<ResponseOf<"queues.move_task_forward">> {
    return this.#session.call("queues.move_task_forward", request, options);
  }

  moveTaskBackward(
    request: RequestOf<"queues.move_task_backward">,
    options?: CallOptions,
  ): Promise<ResponseOf<"queues.move_task_backward">> {
    return this.#session.call("queues.move_task_backward", request, options);
  }

  moveTaskToFront(
    request: RequestOf<"queues.move_task_to_front">,
    options?: CallOptions,
  ): Promise<ResponseOf<"queues.move_task_to_front">> {
    return this.#session.call("queues.move_task_to_front", request, options);
  }

  moveTaskToBack(request: RequestOf<"queues.move_task_to_back">, options?: CallOptions): Promise<ResponseOf<"queues.move_task_to_back">> {
    return this.#session.call("queues.move_task_to_back", request, options);
  }
}
