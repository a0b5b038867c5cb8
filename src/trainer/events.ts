/** What the SDK tells those who listen. A listener that throws is logged and hurts nobody. */
import { EventEmitter } from "node:events";
import { describeError, type StopRequestedError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { LossReason } from "../outbox/receipts.js";
import type { DownloadProgress } from "../storage/download/fetch-set.js";
import type { UploadProgress } from "../storage/object-store.js";

/** The ClearML task that the run reports to. */
export interface BoundTask {
  readonly id: string;
  readonly projectId: string | undefined;
  /** The task's page. */
  readonly webUrl: string | undefined;
}

/** Events by name, with their one argument. */
export interface TrainerEvents {
  /** Something was given up, for one sink or for all. */
  loss: [loss: { readonly reason: LossReason; readonly sink: string | undefined; readonly detail: string }];
  /** Somebody asked the job to stop; `sdk.signal` aborts with the same error. */
  stop: [request: StopRequestedError];
  /** The ClearML task is known. */
  bound: [task: BoundTask];
  /** Bytes of an upload have gone out. */
  uploadProgress: [progress: UploadProgress];
  /** Bytes of a data set or checkpoint have come in. */
  downloadProgress: [progress: DownloadProgress];
}

/** Listeners by event. */
export class TrainerEmitter {
  readonly #emitter = new EventEmitter<TrainerEvents>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Listens; the answer ends it. */
  on<Name extends keyof TrainerEvents>(name: Name, listener: (...values: TrainerEvents[Name]) => void): () => void {
    const guarded = (...values: TrainerEvents[Name]): void => {
      const say = (error: unknown): void => this.#logger.warn(`a listener of ${name} threw: ${describeError(error)}`);
      try {
        // An async function fits the type too, and its rejection would end the process.
        const answer: unknown = listener(...values);
        if (answer instanceof Promise) answer.catch(say);
      } catch (error) {
        say(error);
      }
    };
    const emitter = this.#emitter as EventEmitter;
    emitter.on(name, guarded as (...values: unknown[]) => void);
    return () => emitter.off(name, guarded as (...values: unknown[]) => void);
  }

  emit<Name extends keyof TrainerEvents>(name: Name, ...values: TrainerEvents[Name]): void {
    (this.#emitter as EventEmitter).emit(name, ...values);
  }
}
