/** A worker: a process that takes tasks from queues and runs them, as the server last heard of it. It cannot be told anything through this. */
import type { WorkerDocument } from "../protocol/clearml/queue-document.js";
import { workersAndQueuesWebUrl } from "../protocol/clearml/web-urls.js";
import type { ClearML } from "./create-clearml.js";
import type { CallOptions } from "./session.js";

/** Which workers. */
export interface WorkerQuery {
  /** Heard of within so many milliseconds. Default an hour; the server forgets silent workers after ten minutes unless they asked for more. */
  readonly lastSeenMs?: number;
  /** A name in which `*` stands for anything. */
  readonly pattern?: string;
  /** Any of these. */
  readonly tags?: readonly string[];
}

/** A worker. */
export class Worker {
  readonly #clearml: ClearML;
  readonly #document: WorkerDocument;

  /** Wraps a document that was read already; see {@link Worker.query}. */
  constructor(clearml: ClearML, document: WorkerDocument) {
    this.#clearml = clearml;
    this.#document = document;
  }

  /** Workers that fit. @throws ApiError, ConnectionError; the signal's reason. */
  static async query(clearml: ClearML, query: WorkerQuery = {}, options: CallOptions = {}): Promise<readonly Worker[]> {
    const { lastSeenMs, pattern, tags } = query;
    const { workers } = await clearml.workers.getAll(
      {
        ...(lastSeenMs === undefined ? {} : { last_seen: Math.ceil(lastSeenMs / 1000) }),
        ...(pattern === undefined ? {} : { worker_pattern: pattern }),
        ...(tags === undefined || tags.length === 0 ? {} : { tags: [...tags] }),
      },
      options,
    );
    return (workers ?? []).map((document) => new Worker(clearml, document));
  }

  /** The last reading, as the server gave it. */
  get document(): WorkerDocument {
    return this.#document;
  }

  /** Its name, usually `machine:device`. */
  get id(): string {
    return this.#document.id;
  }

  get tags(): readonly string[] {
    return this.#document.tags ?? [];
  }

  /** The task that it runs; undefined for none. `runningMs` is 0 where the server does not say. */
  get task(): { readonly id: string; readonly name: string; readonly runningMs: number; readonly lastIteration: number } | undefined {
    const { task } = this.#document;
    if (task?.id == null) return undefined;
    return { id: task.id, name: task.name ?? "", runningMs: task.running_time ?? 0, lastIteration: task.last_iteration ?? 0 };
  }

  get isBusy(): boolean {
    return this.task !== undefined;
  }

  /** The queues that it takes tasks from, with how many wait there. */
  get queues(): readonly { readonly id: string; readonly name: string; readonly waiting: number }[] {
    return (this.#document.queues ?? []).flatMap(({ id, name, num_tasks }) =>
      id == null ? [] : [{ id, name: name ?? "", waiting: num_tasks ?? 0 }],
    );
  }

  /** When the server last heard of it, milliseconds since the epoch. */
  get lastSeenMs(): number | undefined {
    const at = Date.parse(this.#document.last_activity_time ?? "");
    return Number.isNaN(at) ? undefined : at;
  }

  /** The page of all workers in the web application; undefined where that is not known. */
  get webUrl(): string | undefined {
    const { webHost } = this.#clearml.session;
    return webHost === undefined ? undefined : workersAndQueuesWebUrl(webHost, "workers");
  }
}
