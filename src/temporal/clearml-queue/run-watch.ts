/**
 * How long things about a task that is followed may stay as they are: measured between this worker's own reads, by its
 * own monotonic clock, so that neither another machine's time nor an outage of ClearML counts against an agent.
 */
import type { Clock } from "../../base/clock.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import type { TrainingEnd } from "../training-manager.js";
import type { RunTask } from "./run-task.js";

export interface WatchLimits {
  /** Without a word from a running task's agent. */
  readonly lostAfterMs: number;
  /** In the queue. */
  readonly queueLimitMs: number;
  /** Of a task that a person ended, until launcher or agent have said how it went. */
  readonly endingMs: number;
  /** Of a task whose launcher has said how it went, until its agent has. */
  readonly agentTimeoutMs: number;
}

export class RunWatch {
  readonly #clock: Clock;
  readonly #limits: WatchLimits;
  /** It has waited too long: decided once, whatever cuts its end off. */
  #overdue: TrainingEnd | undefined;
  /** Since when each thing is as it is. */
  readonly #since = new Map<string, { readonly value: string; readonly at: number }>();

  constructor(clock: Clock, limits: WatchLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** ClearML did not answer: what an agent could not say meanwhile is not held against it. */
  startAnew(): void {
    this.#since.clear();
  }

  /** An end that nobody will say, because it should have been said by now. */
  judge(run: RunTask, pending: TrainingEnd | undefined): TrainingEnd | undefined {
    const { lostAfterMs, queueLimitMs, endingMs, agentTimeoutMs } = this.#limits;
    const queuedMs = this.#lasts("queued", run.status === "queued" ? run.status : undefined);
    const pendingMs = this.#lasts("pending", pending === undefined ? undefined : run.status);
    const silentMs = this.#lasts("word", run.status === "in_progress" ? run.lastUpdate : undefined);
    if (run.status !== "queued") {
      this.#overdue = undefined;
      this.#since.delete("taken");
    } else if (queuedMs >= queueLimitMs)
      this.#overdue ??= {
        outcome: "failed",
        failure: TRAINING_FAILURES.backendUnavailable,
        message: `no agent has taken ClearML task ${run.id} from its queue for ${seconds(queuedMs)} s`,
      };
    if (this.#overdue !== undefined) return this.#overdue;
    if (pending !== undefined && pendingMs >= (run.end === undefined ? endingMs : agentTimeoutMs)) return pending;
    if (pending === undefined && silentMs >= lostAfterMs)
      return {
        outcome: "failed",
        failure: TRAINING_FAILURES.nodeLost,
        message: `nothing was heard of the agent of ClearML task ${run.id} for ${seconds(silentMs)} s`,
      };
    return undefined;
  }

  /** In no queue although its status is `queued`, for longer than an agent takes to give it another one: nobody has it. */
  isNobodys(run: RunTask): boolean {
    return this.#lasts("taken", run.status) >= this.#limits.agentTimeoutMs;
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
