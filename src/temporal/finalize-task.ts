/**
 * The end of a training that ran to one: delivers what was left, looks whether the outputs are there, and gives the task
 * its status. Completes nothing of which it does not know that everything has arrived.
 */
import type { ActivityEdge } from "./activity-edge.js";
import { trainingFailure } from "./activity-failure.js";
import { missingOutputs, outputsOf } from "./check-outputs.js";
import type { FinalizeTaskInput, FinalizeTaskResult } from "./contract.js";
import { endTask } from "./end-task.js";
import { TRAINING_FAILURES } from "./failure-types.js";
import { MAX_METRICS_BYTES } from "./payload-limits.js";
import type { Settings } from "./settings.js";
import { settleJournal, type Settlement } from "./settle-journal.js";
import { viewTask, type TaskView } from "./task-view.js";

export async function finalizeTask(settings: Settings, input: FinalizeTaskInput, { signal }: ActivityEdge): Promise<FinalizeTaskResult> {
  const { job, taskId, training, required = {} } = input;
  const settlement = await settleJournal(settings, job, training.journal, { fence: training.fence, signal });
  if (settlement.status === "pending")
    throw trainingFailure(TRAINING_FAILURES.recordsPending, `job ${job.jobId} still has records on their way: ${settlement.reason}`);
  const view = await viewTask({ port: settings.port, taskId, projectId: undefined, signal });
  if (view === undefined) throw trainingFailure(TRAINING_FAILURES.invalidSpec, `ClearML has no task ${taskId} any more`);
  if (view.fence > training.fence)
    throw trainingFailure(
      TRAINING_FAILURES.lostOwnership,
      `task ${taskId} is reported by attempt ${String(view.fence)}, not by ${String(training.fence)}`,
    );
  const { status, message } = ending(input, view, settlement);
  const outputs = outputsOf(view.task);
  if (status === "completed") {
    const missing = await missingOutputs(settings, outputs, required, signal);
    if (missing.length > 0)
      throw trainingFailure(TRAINING_FAILURES.outputMissing, `the job completed without what it must have: ${missing.join(", ")}`, {
        details: [training],
      });
  }
  const asked = status === "journalUnreachable" ? "failed" : status;
  await endTask(settings, {
    job,
    taskId,
    status: asked,
    message,
    ...(status === "journalUnreachable" ? { errorName: TRAINING_FAILURES.journalUnreachable } : {}),
    view,
    settlement,
    signal,
  });
  const finalMetrics = view.outcome?.final_metrics;
  if (finalMetrics !== undefined && Buffer.byteLength(JSON.stringify(finalMetrics)) > MAX_METRICS_BYTES) {
    settings.logger.warn(`the final metrics of job ${job.jobId} are too many for the workflow's result; ClearML has them`);
    return { status, message, ...outputs };
  }
  return {
    status,
    message,
    ...outputs,
    ...(finalMetrics === undefined ? {} : { finalMetrics }),
  };
}

function ending(
  { training }: FinalizeTaskInput,
  { outcome }: TaskView,
  settlement: Settlement,
): Pick<FinalizeTaskResult, "status" | "message"> {
  if (training.outcome === "stopped") return { status: "stopped", message: training.message };
  if (!isWhole(training, outcome !== undefined, settlement))
    return {
      status: "journalUnreachable",
      message: "the trainer ended well, but its journal is gone with its disk: nobody knows what it still had to say",
    };
  if (outcome?.status === "failed")
    return { status: "failed", message: outcome.error?.message ?? outcome.reason ?? "the trainer reported a failure" };
  if (outcome?.status === "stopped") return { status: "stopped", message: outcome.reason ?? "the trainer reported that it was stopped" };
  return {
    status: "completed",
    message: outcome === undefined ? "the trainer ended with code 0" : "the trainer reported that it completed",
  };
}

/**
 * The outcome on the task is a barrier: what was said before it is at ClearML. With a hand-over configured, a trainer that
 * ended by itself has left there whatever other destinations were still owed.
 */
function isWhole(training: FinalizeTaskInput["training"], hasOutcome: boolean, settlement: Settlement): boolean {
  if (settlement.status === "settled") return true;
  return settlement.status === "absent" && training.journal.handoverUri !== undefined && hasOutcome;
}
