/** A queue: tasks that wait for a worker, the next one first. An object of this class is the last reading of it. */
import { ValidationError } from "../base/errors.js";
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import { NAME_MIN_LENGTH } from "../protocol/clearml/limits.js";
import type { QueueDocument } from "../protocol/clearml/queue-document.js";
import { workersAndQueuesWebUrl } from "../protocol/clearml/web-urls.js";
import { nameText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { exactPattern } from "./exact-pattern.js";
import { isAnswer } from "./is-answer.js";
import type { CallOptions } from "./session.js";
import { taskIdOf, type TaskArgument } from "./task-argument.js";

/** A task that waits. */
export interface QueueEntry {
  readonly taskId: string;
  /** Milliseconds since the epoch; undefined where the server does not say. */
  readonly addedMs: number | undefined;
}

/** A queue. */
export class Queue {
  readonly #clearml: ClearML;
  #document: QueueDocument;

  /** Wraps a document that was read already; see {@link Queue.get}. */
  constructor(clearml: ClearML, document: QueueDocument) {
    this.#clearml = clearml;
    this.#document = document;
  }

  /**
   * One queue: by id, by its whole name, or the default one.
   *
   * @throws ApiError 400/701 when there is none of that id, 400/707 when there is no default; ValidationError when there
   * is none of that name; ConnectionError; the signal's reason.
   */
  static async get(
    clearml: ClearML,
    selector: { readonly id: string } | { readonly name: string } | "default",
    options: CallOptions = {},
  ): Promise<Queue> {
    if (selector === "default") return Queue.get(clearml, { id: (await clearml.queues.getDefault(options)).id }, options);
    if ("id" in selector) return new Queue(clearml, (await clearml.queues.getById({ queue: selector.id }, options)).queue);
    const found = await find(clearml, selector.name, options);
    if (found) return new Queue(clearml, found);
    const message = `there is no queue ${JSON.stringify(selector.name)}`;
    throw new ValidationError(`Queue.get: ${message}. Queue.findOrCreate makes one.`, [{ path: "name", message }]);
  }

  /**
   * The queue of this name, made where it is missing. Any number of processes may do this at once.
   *
   * @throws ValidationError for a name of fewer than 3 characters; ApiError, ConnectionError; the signal's reason.
   */
  static async findOrCreate(
    clearml: ClearML,
    name: string,
    options: CallOptions & { readonly tags?: readonly string[] } = {},
  ): Promise<Queue> {
    const { tags, ...callOptions } = options;
    const kept = nameText(name).trim();
    if (kept.length < NAME_MIN_LENGTH) {
      const message = `must have at least ${String(NAME_MIN_LENGTH)} characters, which ${JSON.stringify(name)} has not`;
      throw new ValidationError(`A queue's name ${message}.`, [{ path: "name", message }]);
    }
    const known = await find(clearml, kept, callOptions);
    if (known) return new Queue(clearml, known);
    try {
      // Names are unique: doing it twice does no harm, and who comes second finds what the first one made.
      const request = { name: kept, ...(tags === undefined ? {} : { tags: tags.map(nameText) }) };
      const { id } = await clearml.queues.create(request, { ...callOptions, repeatable: true });
      return await Queue.get(clearml, { id }, callOptions);
    } catch (error) {
      if (!isAnswer(error, CLEARML_ERRORS.NOT_UNIQUE)) throw error;
      return Queue.get(clearml, { name: kept }, callOptions);
    }
  }

  /** All queues, by name, however many. Throws while it is iterated, as {@link Queue.get}. */
  static async *query(
    clearml: ClearML,
    query: { readonly namePattern?: string; readonly tags?: readonly string[] } = {},
    options: CallOptions = {},
  ): AsyncGenerator<Queue, void, undefined> {
    const { namePattern, tags } = query;
    const request = {
      order_by: ["name"],
      ...(namePattern === undefined ? {} : { name: namePattern }),
      ...(tags === undefined || tags.length === 0 ? {} : { tags: [...tags] }),
    };
    for await (const document of clearml.queues.getAll(request, options)) yield new Queue(clearml, document);
  }

  /** The last reading, as the server gave it. */
  get document(): QueueDocument {
    return this.#document;
  }

  get id(): string {
    return this.#document.id;
  }

  get name(): string {
    return this.#document.name ?? "";
  }

  get tags(): readonly string[] {
    return this.#document.tags ?? [];
  }

  get isDefault(): boolean {
    return this.#document.system_tags?.includes("default") ?? false;
  }

  /** Tasks that wait, the next one first, as of the last reading. */
  get entries(): readonly QueueEntry[] {
    return (this.#document.entries ?? []).flatMap(({ task, added }) => {
      const addedMs = Date.parse(added ?? "");
      return task == null ? [] : [{ taskId: task, addedMs: Number.isNaN(addedMs) ? undefined : addedMs }];
    });
  }

  /** The page of all queues in the web application; undefined where that is not known. */
  get webUrl(): string | undefined {
    const { webHost } = this.#clearml.session;
    return webHost === undefined ? undefined : workersAndQueuesWebUrl(webHost, "queues");
  }

  /** Reads it again. @throws ApiError 400/701 when it was deleted meanwhile; ConnectionError; the signal's reason. */
  async reload(options: CallOptions = {}): Promise<this> {
    this.#document = (await this.#clearml.queues.getById({ queue: this.id }, options)).queue;
    return this;
  }

  /** How many tasks wait now. */
  async length(options: CallOptions = {}): Promise<number> {
    return (await this.#clearml.queues.getNumEntries({ queue: this.id }, options)).num ?? 0;
  }

  /** Id of the next task, which stays where it is; undefined when none waits. */
  async peek(options: CallOptions = {}): Promise<string | undefined> {
    return (await this.#clearml.queues.peekTask({ queue: this.id }, options)).task ?? undefined;
  }

  /** Puts a task at the end; its status becomes `queued`. @throws ApiError 400/706 when it waits here already. */
  async enqueue(task: TaskArgument, options: CallOptions = {}): Promise<void> {
    await this.#clearml.tasks.enqueue({ task: taskIdOf(task), queue: this.id }, options);
    await this.reload(options);
  }

  /** Takes a task out, whatever its place; its status becomes what it was before. @throws ApiError 400/110 when it does not wait. */
  async dequeue(task: TaskArgument, options: CallOptions = {}): Promise<void> {
    await this.#clearml.tasks.dequeue({ task: taskIdOf(task) }, options);
    await this.reload(options);
  }

  /**
   * Takes the next task, as a worker does: its status stays `queued` until the worker starts it. Undefined when none
   * waits. There is no acknowledgement: a task that was taken and not started must be queued again.
   */
  async takeNext(options: CallOptions = {}): Promise<QueueEntry | undefined> {
    const { entry } = await this.#clearml.queues.getNextTask({ queue: this.id }, options);
    if (entry?.task == null) return undefined;
    const addedMs = Date.parse(entry.added ?? "");
    return { taskId: entry.task, addedMs: Number.isNaN(addedMs) ? undefined : addedMs };
  }

  /** @returns the new place, counted from 0. @throws ApiError 400/703 when it does not wait here. */
  async moveForward(task: TaskArgument, places = 1, options: CallOptions = {}): Promise<number> {
    return this.#moved(
      await this.#clearml.queues.moveTaskForward({ queue: this.id, task: taskIdOf(task), count: places }, options),
      options,
    );
  }

  /** As {@link Queue.moveForward}. */
  async moveBackward(task: TaskArgument, places = 1, options: CallOptions = {}): Promise<number> {
    return this.#moved(
      await this.#clearml.queues.moveTaskBackward({ queue: this.id, task: taskIdOf(task), count: places }, options),
      options,
    );
  }

  /** As {@link Queue.moveForward}. */
  async moveToFront(task: TaskArgument, options: CallOptions = {}): Promise<number> {
    return this.#moved(await this.#clearml.queues.moveTaskToFront({ queue: this.id, task: taskIdOf(task) }, options), options);
  }

  /** As {@link Queue.moveForward}. */
  async moveToBack(task: TaskArgument, options: CallOptions = {}): Promise<number> {
    return this.#moved(await this.#clearml.queues.moveTaskToBack({ queue: this.id, task: taskIdOf(task) }, options), options);
  }

  /** @throws ApiError 400/801 when the name is taken. */
  async rename(name: string, options: CallOptions = {}): Promise<void> {
    await this.#clearml.queues.update({ queue: this.id, name: nameText(name) }, options);
    await this.reload(options);
  }

  async setTags(tags: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#clearml.queues.update({ queue: this.id, tags: tags.map(nameText) }, options);
    await this.reload(options);
  }

  /** @param options `force` also while tasks wait. @throws ApiError 400/702 without it. */
  async delete({ force = false, ...options }: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
    await this.#clearml.queues.delete({ queue: this.id, force }, options);
  }

  async #moved({ position }: { readonly position?: number | null | undefined }, options: CallOptions): Promise<number> {
    await this.reload(options);
    return position ?? 0;
  }
}

async function find(clearml: ClearML, name: string, options: CallOptions): Promise<QueueDocument | undefined> {
  for await (const queue of clearml.queues.getAll({ name: exactPattern(name), search_hidden: true }, options))
    if (queue.name === name) return queue;
  return undefined;
}
