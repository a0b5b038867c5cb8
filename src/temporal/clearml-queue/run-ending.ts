/**
 * How a trainer's task comes to its end, step by step and from whichever worker: each step reads from the task how far the ones
 * before it came.
 */
import { STOPPING_MESSAGE } from "../../protocol/clearml/limits.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import type { TrainingEnd, TrainingHandle } from "../training-manager.js";
import { RUNTIME_KEYS } from "./launcher-script.js";
import type { RunCalls } from "./run-calls.js";
import { readState, type RunReading } from "./run-reading.js";
import { agentPatience, isPristine, type RunTask, type StopMark } from "./run-task.js";

export class RunEnding {
  readonly #calls: RunCalls;

  constructor(calls: RunCalls) {
    this.#calls = calls;
  }

  /** One look of a stop, and what has to be done about it; its end when that is certain. */
  async urged(handle: TrainingHandle, mark: StopMark, hasTime: boolean, signal: AbortSignal): Promise<TrainingEnd | undefined> {
    const run = await this.#calls.run(handle.id, signal);
    if (run === undefined) return vanished(handle);
    const reading = readState(run);
    if (reading.state.phase === "ended") return this.settled(run, reading.state.end, signal);
    const end = await this.#urge(run, reading, mark, signal);
    if (end !== undefined || hasTime) return end;
    return this.close(run, reading.pending ?? stopped("its agent did not answer, and may be gone"), signal);
  }

  /** One step of a stop; its end when that is certain. Repeated, it goes on where another worker was. */
  async #urge(run: RunTask, { pending }: RunReading, mark: StopMark, signal: AbortSignal): Promise<TrainingEnd | undefined> {
    // An agent that takes a task over rewrites its runtime, and may wipe the mark.
    if (run.stop === undefined || run.stop.graceMs > mark.graceMs)
      await this.#calls.note(run.id, { [RUNTIME_KEYS.stop]: JSON.stringify(mark) }, signal);
    const patience = agentPatience(mark.graceMs);
    if (run.agentPatience < patience) await this.#calls.setAgentPatience(run.id, patience, signal);
    if (run.status === "queued" || isPristine(run)) {
      const isTaken = isPristine(run) || (await this.#calls.takeFromQueue(run, signal));
      return isTaken
        ? this.close(run, { outcome: "stopped", message: "the trainer was stopped before it was started" }, signal)
        : undefined;
    }
    // An agent that takes a task over writes over the wish, too.
    if (pending === undefined && !run.message.includes(STOPPING_MESSAGE)) await this.#calls.askToStop(run.id, mark.reason, signal);
    return undefined;
  }

  /** An end that was read; the task is told where it does not say so yet, and a launcher that comes late starts nothing. */
  async settled(run: RunTask, end: TrainingEnd, signal: AbortSignal): Promise<TrainingEnd> {
    if (run.status === "in_progress") return this.close(run, end, signal);
    if (end.outcome === "stopped" && run.end === undefined && run.stop === undefined)
      await this.noteLate(run, "it had been stopped", signal);
    return end;
  }

  /** A launcher that comes late reads this first, and starts nothing. */
  async noteLate(run: RunTask, reason: string, signal: AbortSignal): Promise<void> {
    await this.#calls.note(run.id, { [RUNTIME_KEYS.stop]: JSON.stringify({ reason, graceMs: 0 }) }, signal);
  }

  /** Gives the task its end in the place of its agent: a launcher that lives after all sees that, and ends its trainer. */
  async close(run: RunTask, end: TrainingEnd, signal: AbortSignal): Promise<TrainingEnd> {
    await this.#calls.settle(run.id, end, signal);
    return end;
  }
}

function stopped(message: string): TrainingEnd {
  return { outcome: "stopped", message: `the trainer was stopped; ${message}` };
}

/** Of a task that somebody deleted. */
export function vanished({ id }: TrainingHandle): TrainingEnd {
  return { outcome: "failed", failure: TRAINING_FAILURES.jobVanished, message: `ClearML task ${id} is gone: somebody deleted it` };
}
