/**
 * Looks after a task that this process runs: tells ClearML that it lives, so that nobody takes it for dead, and asks
 * whether somebody wants it to end. It ends nothing itself: a wish becomes an aborted signal and a call of the program's
 * own. Its timers do not keep the process alive, and its own trouble reaches the logger alone.
 */
import type { Clock } from "../base/clock.js";
import { StopRequestedError, describeError } from "../base/errors.js";
import { judgeStatus } from "./status-verdict.js";
import type { TaskApi } from "./task-api.js";

export interface TaskMonitorOptions {
  /** How often the task is asked whether it is to end. Default 5 s. */
  readonly pollIntervalMs?: number | undefined;
  /** How often ClearML is told that the task lives. Default 30 s. */
  readonly pingIntervalMs?: number | undefined;
}

/** Called once when somebody asks the task to end. What it returns is waited for. */
export type AbortCallback = (reason: StopRequestedError) => void | Promise<void>;

const DEFAULT_POLL_INTERVAL_MS = 5_000;
const DEFAULT_PING_INTERVAL_MS = 30_000;
/** As ClearML's own client has it. */
const DEFAULT_CALLBACK_TIMEOUT_MS = 30_000;
/** A question that hangs must not outlive its usefulness. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Runtime keys by which ClearML's agent knows of a callback and how long to wait for it (3.4). */
const CALLBACK_TIMEOUT_KEY = "_abort_callback_timeout";
const POLL_KEY = "_abort_poll_freq";
const CALLBACK_DONE_KEY = "_abort_callback_completed";

export class TaskMonitor {
  readonly #api: TaskApi;
  readonly #clock: Clock;
  readonly #isRemote: boolean;
  readonly #abort = new AbortController();
  readonly #end = new AbortController();
  #callback: { readonly call: AbortCallback; readonly timeoutMs: number } | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #createdPolls = 0;
  #isInCallback = false;

  constructor(api: TaskApi, isRemote: boolean) {
    this.#api = api;
    this.#clock = api.clearml.clock;
    this.#isRemote = isRemote;
  }

  /** Aborts, with a StopRequestedError as its reason, when somebody asks the task to end. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  start(options: TaskMonitorOptions): void {
    const { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, pingIntervalMs = DEFAULT_PING_INTERVAL_MS } = options;
    this.#ended = Promise.all([
      this.#every(pollIntervalMs, "asked whether the task is to end", () => this.#poll()),
      this.#every(pingIntervalMs, "told that the task lives", () => this.#ping()),
    ]);
  }

  /** Resolves when nothing is under way any more, a callback included; from within the callback, at once. */
  async stop(): Promise<void> {
    this.#end.abort();
    if (!this.#isInCallback) await this.#ended;
  }

  /** Sets the callback, or takes it away; ClearML's agent is told to wait for it. */
  async setCallback(call: AbortCallback | undefined, timeoutMs = DEFAULT_CALLBACK_TIMEOUT_MS): Promise<void> {
    this.#callback = call && { call, timeoutMs };
    const runtime = call
      ? { [CALLBACK_TIMEOUT_KEY]: String(timeoutMs / 1000), [POLL_KEY]: "15.0", [CALLBACK_DONE_KEY]: "" }
      : { [CALLBACK_TIMEOUT_KEY]: "-1.0" };
    await this.#setRuntime(runtime);
  }

  async #every(intervalMs: number, what: string, step: () => Promise<void>): Promise<void> {
    const { signal } = this.#end;
    const { logger } = this.#api.clearml;
    let failures = 0;
    for (;;) {
      try {
        await this.#clock.sleep(intervalMs, { signal });
        await step();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ === 0) logger.warn(`ClearML cannot be ${what} at the moment: ${describeError(error)}`);
      }
    }
  }

  async #ping(): Promise<void> {
    await this.#api.clearml.tasks.ping({ task: this.#api.id }, this.#call());
  }

  async #poll(): Promise<void> {
    const { id } = this.#api;
    const task = await this.#api.readFields(["status", "status_message", "status_reason"], this.#call());
    const view = { status: task.status ?? "unknown", message: task.status_message ?? "", reason: task.status_reason ?? "" };
    this.#createdPolls = view.status === "created" ? this.#createdPolls + 1 : 0;
    const verdict = judgeStatus(id, view, this.#createdPolls, false);
    if (verdict.kind === "revive") {
      this.#api.clearml.logger.warn(`ClearML took task ${id} for dead and stopped it; it lives, so it is started again`);
      await this.#api.call("tasks.started", { task: id, status_message: "The task was silent but alive" }, this.#call());
    } else if (verdict.kind === "stop")
      await this.#onStop(new StopRequestedError("clearml", verdict.reason), view.status === "in_progress");
  }

  /** Asked once; what comes after the callback is ClearML's agent's business in a remote run. */
  async #onStop(reason: StopRequestedError, isStillRunning: boolean): Promise<void> {
    const { clearml, id } = this.#api;
    clearml.logger.warn(`stop requested: ${reason.message}`);
    this.#abort.abort(reason);
    await this.#runCallback(reason);
    if (isStillRunning && !this.#isRemote && !this.#end.signal.aborted)
      await this.#api.call("tasks.stopped", { task: id, status_reason: "USER ABORTED" }, { timeoutMs: REQUEST_TIMEOUT_MS });
    this.#end.abort();
  }

  async #runCallback(reason: StopRequestedError): Promise<void> {
    const callback = this.#callback;
    if (!callback) return;
    const { logger } = this.#api.clearml;
    const late = new AbortController();
    this.#isInCallback = true;
    try {
      const inTime = await Promise.race([
        Promise.resolve(callback.call(reason)).then(() => true),
        this.#clock.sleep(callback.timeoutMs, { signal: late.signal }).then(() => false),
      ]);
      if (!inTime) logger.warn(`the abort callback took longer than ${String(callback.timeoutMs)} ms and is not waited for`);
    } catch (error) {
      logger.warn(`the abort callback failed: ${describeError(error)}`);
    } finally {
      late.abort();
      this.#isInCallback = false;
    }
    try {
      await this.#setRuntime({ [CALLBACK_DONE_KEY]: "1" });
    } catch (error) {
      // A task that was stopped at once takes no more edits; its agent has nothing to wait for then.
      logger.debug(`ClearML could not be told that the abort callback is done: ${describeError(error)}`);
    }
  }

  /** By the whole map: the endpoint for single keys would escape their underscores, and the agent looks for them as they are. */
  async #setRuntime(values: Readonly<Record<string, string>>): Promise<void> {
    await this.#api.editWhole("its abort callback", {}, ["runtime"], (task) => ({ runtime: { ...task.runtime, ...values } }));
  }

  #call(): { readonly signal: AbortSignal; readonly timeoutMs: number } {
    return { signal: this.#end.signal, timeoutMs: REQUEST_TIMEOUT_MS };
  }
}
