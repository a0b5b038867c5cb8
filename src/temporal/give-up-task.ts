/**
 * `failTask` and `stopTask`: the end of a job that did not run to one, and the compensation of a workflow. A trainer that
 * is still there is ended first; what it left is delivered as far as that goes, and does not keep the end back.
 */
import { deadlineAfter } from "../base/deadline.js";
import { describeError } from "../base/errors.js";
import type { ActivityEdge } from "./activity-edge.js";
import { trainingFailure } from "./activity-failure.js";
import type { EndTaskResult, FailTaskInput, StopTaskInput, TrainingFacts, TrainingJob } from "./contract.js";
import { endTask } from "./end-task.js";
import { TRAINING_FAILURES } from "./failure-types.js";
import type { Settings } from "./settings.js";
import { journalPlace, settleJournal, type Settlement } from "./settle-journal.js";
import { viewTask } from "./task-view.js";
import { DEFAULT_JOB_KEY, trainingKey } from "./training-key.js";

const STOP_GRACE_MS = 30_000;
/**
 * Of an attempt, with whatever outage its manager bears: shorter than the start-to-close timeout of the proxies (10 minutes),
 * of which no attempt without a heartbeat hears. Temporal tries again for a day.
 */
const STOP_LIMIT_MS = 8 * 60_000;
/** The end is more urgent than the last records, which `sync` can still deliver. */
const MAX_DRAIN_MS = 15_000;

export async function failTask(settings: Settings, input: FailTaskInput, edge: ActivityEdge): Promise<EndTaskResult> {
  const { failure, training } = input;
  const tail = training?.logTail ?? "";
  const message = [`${failure.type}: ${failure.message}`, ...(tail === "" ? [] : ["", "Last lines:", tail])].join("\n");
  return giveUp(settings, input, { status: "failed", message, errorName: failure.type }, edge);
}

export async function stopTask(settings: Settings, input: StopTaskInput, edge: ActivityEdge): Promise<EndTaskResult> {
  return giveUp(settings, input, { status: "stopped", message: input.reason }, edge);
}

interface GivenUp {
  readonly job: TrainingJob;
  readonly taskId: string;
  readonly training?: TrainingFacts | undefined;
  readonly jobKey?: string | undefined;
}

async function giveUp(
  settings: Settings,
  { job, taskId, training, jobKey = DEFAULT_JOB_KEY }: GivenUp,
  end: { readonly status: "failed" | "stopped"; readonly message: string; readonly errorName?: string },
  edge: ActivityEdge,
): Promise<EndTaskResult> {
  const { signal } = edge;
  await stopWhatRuns(settings, trainingKey({ ...edge.workflow, jobKey }), end.message, signal);
  const before = await viewTask({ port: settings.port, taskId, projectId: undefined, signal });
  const fence = training?.fence ?? before?.fence ?? 0;
  const settlement: Settlement = await settleJournal(settings, job, training?.journal ?? journalPlace(settings, job), {
    fence,
    signal,
    deadlineMs: Math.min(MAX_DRAIN_MS, settings.drainMs),
  });
  if (settlement.status === "pending")
    settings.logger.warn(`job ${job.jobId} ends with records on their way: ${settlement.reason}. \`trainer-sdk sync\` delivers them.`);
  const view = await viewTask({ port: settings.port, taskId, projectId: undefined, signal });
  const outcome = await endTask(settings, { job, taskId, ...end, view, settlement, signal });
  return { status: outcome === "gone" ? "gone" : outcome === "locked" ? "published" : end.status };
}

async function stopWhatRuns(settings: Settings, key: string, reason: string, signal: AbortSignal): Promise<void> {
  const { manager, logger, clock } = settings;
  using deadline = deadlineAfter(STOP_LIMIT_MS, clock, signal);
  let name = key;
  try {
    const found = await manager.find(key, { signal: deadline.signal });
    if (!found || found.state.phase === "ended") return;
    name = found.handle.id;
    await manager.stop(found.handle, { signal: deadline.signal, graceMs: STOP_GRACE_MS, reason: reason.slice(0, 200) });
  } catch (error) {
    signal.throwIfAborted();
    logger.error(`${name} may still run: ${describeError(error)}`);
    if (!deadline.signal.aborted) throw error;
    throw trainingFailure(TRAINING_FAILURES.backendUnavailable, `${name} could not be stopped so far. ${describeError(error)}`);
  }
}
