/**
 * Looks after a running task from the other side: tells ClearML every half minute that the job lives, and asks every few
 * seconds whether somebody wants it to end. It never stops the training itself, and no trouble of its own reaches
 * anybody: it is counted, said once, and tried again.
 */
import type { Clock } from "../../base/clock.js";
import { describeError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { judgeStatus } from "../../clearml/status-verdict.js";
import type { ClearMLPort, TaskCalls } from "./clearml-port.js";
import { applyStatus, isOurs, readStatus } from "./task-status.js";
import { startPlan } from "./status-plan.js";

export interface TaskWatchOptions {
  readonly port: ClearMLPort;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pollIntervalMs: number;
  readonly pingIntervalMs: number;
  /** Somebody wants the job to end; `reason` says who and how. Called once for each such wish. */
  readonly onStopRequest: (reason: string) => void;
}

/** A poll that hangs must not outlive its usefulness. */
const REQUEST_TIMEOUT_MS = 10_000;

export class TaskWatch {
  readonly #options: TaskWatchOptions;
  #running: { readonly taskId: string; readonly stop: AbortController; readonly ended: Promise<unknown> } | undefined;
  #createdPolls = 0;
  /** A wish was passed on and still stands; it is not passed on again. */
  #asked = false;

  constructor(options: TaskWatchOptions) {
    this.#options = options;
  }

  /** Watches this task from now on, instead of any other. Does nothing when it is watched already. */
  start(taskId: string): void {
    if (this.#running?.taskId === taskId) return;
    this.#running?.stop.abort();
    const stop = new AbortController();
    const calls: TaskCalls = { port: this.#options.port, taskId, projectId: undefined, signal: stop.signal };
    this.#createdPolls = 0;
    this.#asked = false;
    const { pollIntervalMs, pingIntervalMs } = this.#options;
    const ended = Promise.all([
      this.#every(pollIntervalMs, calls, "asked for stop requests", () => this.#poll(calls)),
      this.#every(pingIntervalMs, calls, "told that the job lives", () => this.#ping(calls)),
    ]);
    this.#running = { taskId, stop, ended };
  }

  /** Resolves when nothing of the watch is under way any more. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    await running?.ended;
  }

  async #every(intervalMs: number, { signal }: TaskCalls, what: string, step: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.#options;
    let failures = 0;
    try {
      for (;;) {
        await clock.sleep(intervalMs, { signal });
        try {
          await step();
          if (failures > 0) logger.info(`ClearML can be ${what} again, after ${String(failures)} failures`);
          failures = 0;
        } catch (error) {
          signal.throwIfAborted();
          failures++;
          if (failures === 1) logger.warn(`ClearML cannot be ${what} at the moment: ${describeError(error)}`);
        }
      }
    } catch {
      // Stopped: the only way out of the loop.
    }
  }

  async #ping({ port, taskId, signal }: TaskCalls): Promise<void> {
    await port.call("tasks.ping", { task: taskId }, { signal, timeoutMs: REQUEST_TIMEOUT_MS });
  }

  async #poll(calls: TaskCalls): Promise<void> {
    const view = await readStatus(calls, REQUEST_TIMEOUT_MS);
    // Deleted: the next delivery finds out and binds another task.
    if (!view || calls.signal.aborted) return;
    this.#createdPolls = view.status === "created" ? this.#createdPolls + 1 : 0;
    const verdict = judgeStatus(calls.taskId, view, this.#createdPolls, isOurs(view));
    if (verdict.kind === "revive") await this.#revive(calls);
    else if (verdict.kind === "running") this.#asked &&= view.status !== "in_progress";
    else if (!this.#asked) {
      // One wish can show in several ways, first as a message, then as a status.
      this.#asked = true;
      this.#options.logger.warn(`stop requested: ${verdict.reason}`);
      this.#options.onStopRequest(verdict.reason);
    }
  }

  /** We are alive, whatever the server believes. */
  async #revive(calls: TaskCalls): Promise<void> {
    const { logger } = this.#options;
    logger.warn(
      `ClearML took task ${calls.taskId} for dead after a long silence and stopped it; the job lives, so the task is started again`,
    );
    await applyStatus(calls, (view) => (view.status === "stopped" ? startPlan(view.status) : []), {
      reason: "started",
      message: "The job was silent but alive",
    });
  }
}
