/**
 * Gives a job's task its final status and the backend the job's end, when the worker owns it. Safe to repeat: a task that
 * has the status already is not stamped anew, and what the trainer told the backend itself is not told again.
 */
import { MAX_STATUS_TEXT_LENGTH, cutText } from "../clearml/clearml-text.js";
import type { FinalFact, FinalStatus, Metrics } from "../records/facts.js";
import { finalPlan } from "../sinks/clearml/status-plan.js";
import { applyStatus, isOurs, type StatusOutcome } from "../sinks/clearml/task-status.js";
import type { TrainingJob } from "./contract.js";
import type { Settings } from "./settings.js";
import type { Settlement } from "./settle-journal.js";
import type { TaskView } from "./task-view.js";
import { tellFact } from "./tell-backend.js";

export interface TaskEnding {
  readonly job: TrainingJob;
  readonly taskId: string;
  readonly status: FinalStatus;
  /** For a person, and the error's message of a failed job. */
  readonly message: string;
  /** Name of a failed job's error. */
  readonly errorName?: string;
  readonly view: TaskView | undefined;
  readonly settlement: Settlement;
  readonly signal: AbortSignal;
}

/** @throws ApiError, ConnectionError; ApplicationFailure `BackendUnavailable`. */
export async function endTask(settings: Settings, ending: TaskEnding): Promise<StatusOutcome> {
  const { job, taskId, status, message, view, signal } = ending;
  const calls = { port: settings.port, taskId, projectId: undefined, signal };
  const outcome = await applyStatus(
    calls,
    (now) => (now.status === status && isOurs(now) && now.message === statusText(message) ? [] : finalPlan(status, now.status)),
    { reason: status, message: statusText(message) },
  );
  if (outcome === "locked")
    settings.logger.warn(`ClearML task ${taskId} is published, so its status stays; the job's own end was "${status}"`);
  if (!wasToldByTrainer(ending))
    await tellFact(
      settings,
      { job, taskId, fence: view?.fence ?? 0, identity: `end:${status}:${String(view?.fence ?? 0)}` },
      factOf(ending),
      signal,
    );
  return outcome;
}

/** Its word was the same, and everything that it had to say has arrived everywhere. */
function wasToldByTrainer({ view, status, settlement }: TaskEnding): boolean {
  return view?.outcome?.status === status && settlement.status === "settled";
}

function factOf({ job, status, message, errorName, view }: TaskEnding): FinalFact {
  const metrics = view?.outcome?.final_metrics as Metrics | undefined;
  return {
    kind: "final",
    operation: job.operation ?? "training",
    status,
    reason: message,
    ...(status === "failed" ? { error: { name: errorName ?? "Error", message } } : {}),
    ...(metrics === undefined ? {} : { finalMetrics: metrics }),
  };
}

function statusText(message: string): string {
  return cutText(message, MAX_STATUS_TEXT_LENGTH);
}
