/**
 * How long things about a task that is followed may stay as they are: measured between this worker's own reads, by its
 * own monotonic clock, so that neither another machine's time nor an outage of ClearML counts against an agent.
 */
import type { Clock } from "../../base/clock.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import { ManagerError, type TrainingEnd, type TrainingHandle } from "../training-manager.js";
import type { RunCalls } from "./run-calls.js";
import type { RunTask } from "./run-task.js";

export interface WatchLimits {
  /** Without a word from a running task's agent. */
  readonly lostAfterMs: number;
  /** In the queue. */
  readonly queueLimitMs: number;
  /** Without an answer of ClearML. */
  readonly outageMs: number;
  /** Of a task that a person ended, until launcher or agent have said how it went. */
  readonly endingMs: number;
  /** Of a task whose launcher has said how it went, until its agent has. */
  readonly agentTimeoutMs: number;
}

export class RunWatch {
  readonly #calls: RunCalls;
  readonly #clock: Clock;
  readonly #limits: WatchLimits;
  #reachedAt: number;
  /** Since when each thing is as it is. */
  readonly #since = new Map<string, { readonly value: string; readonly at: number }>();

  constructor(calls: RunCalls, clock: Clock, limits: WatchLimits) {
    this.#calls = calls;
    this.#clock = clock;
    this.#limits = limits;
    this.#reachedAt = clock.monotonic();
  }

  /**
   * The task; undefined while ClearML does not answer.
   *
   * @throws ManagerError `BackendUnavailable` when it has not for too long; the signal's reason.
   */
  async look({ id }: TrainingHandle, signal: AbortSignal): Promise<RunTask | "gone" | undefined> {
    signal.throwIfAborted();
    try {
      const run = await this.#calls.run(id, signal);
      this.#reachedAt = this.#clock.monotonic();
      return run ?? "gone";
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ManagerError) || error.type !== TRAINING_FAILURES.backendUnavailable) throw error;
      if (this.#clock.monotonic() - this.#reachedAt >= this.#limits.outageMs) throw error;
      // What its agent could not say meanwhile is not held against it.
      this.#since.clear();
      return undefined;
    }
  }

  /** An end that nobody will say, because it should have been said by now. */
  judge(run: RunTask, pending: TrainingEnd | undefined): TrainingEnd | undefined {
    const { lostAfterMs, queueLimitMs, endingMs, agentTimeoutMs } = this.#limits;
    const queuedMs = this.#lasts("queued", run.status === "queued" ? run.status : undefined);
    const pendingMs = this.#lasts("pending", pending === undefined ? undefined : run.status);
    const silentMs = this.#lasts("word", run.status === "in_progress" ? run.lastUpdate : undefined);
    if (queuedMs >= queueLimitMs)
      return {
        outcome: "failed",
        failure: TRAINING_FAILURES.backendUnavailable,
        message: `no agent has taken ClearML task ${run.id} from its queue for ${seconds(queuedMs)} s`,
      };
    if (pending !== undefined && pendingMs >= (run.end === undefined ? endingMs : agentTimeoutMs)) return pending;
    if (pending === undefined && silentMs >= lostAfterMs)
      return {
        outcome: "failed",
        failure: TRAINING_FAILURES.nodeLost,
        message: `nothing was heard of the agent of ClearML task ${run.id} for ${seconds(silentMs)} s`,
      };
    return undefined;
  }

  /** How long the value has been this one; less than nothing without a value. */
  #lasts(what: string, value: string | undefined): number {
    if (value === undefined) {
      this.#since.delete(what);
      return Number.NEGATIVE_INFINITY;
    }
    const now = this.#clock.monotonic();
    const known = this.#since.get(what);
    if (known?.value === value) return now - known.at;
    this.#since.set(what, { value, at: now });
    return 0;
  }
}

function seconds(milliseconds: number): string {
  return String(Math.round(milliseconds / 1000));
}
