/** How a training went, from its process's end, the trainer's own word and what others wished. Pure. */
import { judgeStatus } from "../clearml/status-verdict.js";
import { isOurs } from "../sinks/clearml/task-status.js";
import { TRAINING_FAILURES, type TrainingFailureType } from "./failure-types.js";
import type { TaskView } from "./task-view.js";
import type { TrainingEnd } from "./training-manager.js";

export interface TrainingVerdict {
  readonly outcome: "completed" | "stopped" | "failed";
  readonly failure?: TrainingFailureType | undefined;
  readonly message: string;
}

/**
 * The trainer's word wins over its exit code: it knows whether its work was done. But a stop that somebody asked for makes
 * an end by signal a stop, and a trainer that was interrupted by nobody's wish is to go on elsewhere.
 *
 * @param view The task, when it can be had and is this trainer's.
 */
export function verdictOf(end: TrainingEnd, view: TaskView | undefined, taskId: string, stopReason: string | undefined): TrainingVerdict {
  const word = view?.outcome;
  const wish = stopReason ?? wishOf(view, taskId);
  if (word?.status === "completed") return { outcome: "completed", message: "the trainer reported that it completed" };
  if (word?.status === "failed")
    return {
      outcome: "failed",
      failure: end.failure ?? TRAINING_FAILURES.trainerError,
      message: `the trainer reported ${word.error === undefined ? "a failure" : `${word.error.name}: ${word.error.message}`}`,
    };
  if (end.failure === TRAINING_FAILURES.outOfMemory) return { outcome: "failed", failure: end.failure, message: end.message };
  if (end.outcome === "stopped") return { outcome: "stopped", message: wish ?? word?.reason ?? end.message };
  const isInterrupted = end.failure === TRAINING_FAILURES.preempted || end.failure === TRAINING_FAILURES.killed;
  if (wish !== undefined && (word?.status === "stopped" || end.outcome === "completed" || isInterrupted))
    return { outcome: "stopped", message: wish };
  if (word?.status === "stopped" && end.outcome === "completed")
    return { outcome: "stopped", message: word.reason ?? "the trainer reported that it was stopped" };
  return { outcome: end.outcome, ...(end.failure === undefined ? {} : { failure: end.failure }), message: end.message };
}

function wishOf(view: TaskView | undefined, taskId: string): string | undefined {
  if (view === undefined) return undefined;
  const verdict = judgeStatus(taskId, view, 0, isOurs(view));
  return verdict.kind === "stop" ? verdict.reason : undefined;
}
