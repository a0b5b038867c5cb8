/**
 * The life of a training in one activity: obtain the trainer, keep it in view, and at the end say how it went. A worker
 * that leaves lets go of the trainer; one that is told to cancel ends it; one that may not own it any more touches nothing.
 */
import { describeError } from "../base/errors.js";
import { deadlineAfter } from "../base/deadline.js";
import type { ActivityEdge } from "./activity-edge.js";
import { trainingFailure } from "./activity-failure.js";
import type { ExecuteTrainingInput, ExecuteTrainingResult, TrainingFacts, TrainingProgress } from "./contract.js";
import { TRAINING_FAILURES } from "./failure-types.js";
import { HEARTBEAT_SCHEMA } from "./input-schemas.js";
import { logExcerpt } from "./log-excerpt.js";
import { letWrite, obtainTrainer } from "./obtain-trainer.js";
import { ProgressSignal } from "./progress-signal.js";
import { journalPlace, settleJournal } from "./settle-journal.js";
import type { Settings } from "./settings.js";
import { followTask } from "./task-follower.js";
import { verdictOf } from "./training-verdict.js";
import { viewTask, type TaskView } from "./task-view.js";
import type { ManagedTraining, TrainingEnd } from "./training-manager.js";
import { DEFAULT_JOB_KEY, trainingKey } from "./training-key.js";
import { TrainingPulse } from "./training-pulse.js";

const DEFAULT_STOP_GRACE_MS = 60_000;
/** Of a manager that does not say how long beyond the grace its stops may take. */
const DEFAULT_STOP_MARGIN_MS = 60_000;
/** Beyond what a stop may take: for calls that are on their way. */
const LAST_DUTY_MS = 60_000;

export async function executeTraining(settings: Settings, input: ExecuteTrainingInput, edge: ActivityEdge): Promise<ExecuteTrainingResult> {
  const { clock } = settings;
  const key = trainingKey({ ...edge.workflow, jobKey: input.jobKey ?? DEFAULT_JOB_KEY });
  const parsed = HEARTBEAT_SCHEMA.safeParse(edge.heartbeatDetails);
  const inherited = parsed.success ? parsed.data : undefined;
  const pulse = new TrainingPulse(edge, clock, inherited);
  try {
    const { training, secrets } = await obtainTrainer(settings, input, key, inherited, edge);
    pulse.holds(training.handle);
    await letWrite(settings, input.taskId, training, edge.signal);
    const { end, stopReason } = await followToTheEnd(settings, input, training, pulse, edge);
    return await report(settings, input, training, end, stopReason, secrets, edge);
  } finally {
    pulse.stop();
  }
}

interface Followed {
  readonly end: TrainingEnd;
  /** Somebody asked for the end, and who. */
  readonly stopReason: string | undefined;
}

async function followToTheEnd(
  settings: Settings,
  input: ExecuteTrainingInput,
  { handle, state }: ManagedTraining,
  pulse: TrainingPulse,
  edge: ActivityEdge,
): Promise<Followed> {
  if (state.phase === "ended") return { end: state.end, stopReason: undefined };
  const { manager, clock, logger } = settings;
  const graceMs = input.stopGraceMs ?? DEFAULT_STOP_GRACE_MS;
  const over = new AbortController();
  const signal = AbortSignal.any([edge.signal, over.signal]);
  const sender = new ProgressSignal(input.progressSignal, edge, settings);
  let stopReason: string | undefined;
  let phase: TrainingProgress["phase"] = state.phase;
  const tell = (view?: TaskView): void => {
    const known = pulse.progress;
    const iteration = view?.iteration ?? known?.iteration;
    const percent = view?.percent ?? known?.percent;
    const progress: TrainingProgress = {
      phase,
      ...(iteration === undefined ? {} : { iteration }),
      ...(percent === undefined ? {} : { percent }),
      atMs: clock.now(),
    };
    pulse.tells(progress);
    sender.offer(progress);
  };
  const stopAfterGrace = async (reason: string): Promise<void> => {
    stopReason = reason;
    phase = "stopping";
    tell();
    // The trainer hears it too, by its own watch, and has this time to end in its own words.
    await clock.sleep(graceMs, { signal });
    await insistently(settings, handle, signal, () => manager.stop(handle, { signal, graceMs, reason }));
  };
  const follower = followTask(settings, {
    taskId: input.taskId,
    signal,
    onView: tell,
    onStop: (reason) => {
      logger.info(`${handle.id}: ${reason}`);
      // Ends with the training: whoever asked for the stop is told by that.
      stopAfterGrace(reason).catch(() => undefined);
    },
  });
  try {
    const end = await manager.wait(handle, {
      signal: edge.signal,
      onState: (now) => {
        if (now.phase !== "ended" && phase !== "stopping") phase = now.phase;
        tell();
      },
    });
    return { end, stopReason };
  } catch (error) {
    if (!edge.signal.aborted) throw error;
    await lastDuty(settings, handle, graceMs, edge);
    throw edge.signal.reason;
  } finally {
    over.abort(new Error("the training has ended"));
    await follower;
    await sender.settled();
  }
}

/**
 * What an attempt that is told to end still has to do, by the reason why. Temporal sets no limit to that while the heartbeat
 * goes on, which it does. So the limit is the longest that a stop can take where the trainers run: sooner nobody knows that
 * nothing runs any more, and the workflow must not go on as if it were so.
 */
async function lastDuty(settings: Settings, handle: ManagedTraining["handle"], graceMs: number, edge: ActivityEdge): Promise<void> {
  const { manager, logger, clock } = settings;
  const reason = edge.endingReason();
  using deadline = deadlineAfter(graceMs + (manager.stopMarginMs ?? DEFAULT_STOP_MARGIN_MS) + LAST_DUTY_MS, clock);
  const { signal } = deadline;
  const stop = (why: string): Promise<void> =>
    insistently(settings, handle, signal, () => manager.stop(handle, { signal, graceMs, reason: why }));
  try {
    if (reason === "CANCELLED") await stop("the workflow was cancelled");
    // Closed, or only not ours any more: the difference is a training that somebody else owns.
    else if (reason === "NOT_FOUND" && !(await edge.isOpen(edge.workflow.workflowId))) await stop("the workflow was closed");
    else logger.info(`${handle.id} is left running: this attempt ends because of ${reason ?? "nothing"}`);
  } catch (error) {
    logger.error(`${handle.id} may still run: ${describeError(error)}`);
  }
}

/** Asks again until it is done, or the signal aborts: nobody else would. @throws the signal's reason. */
async function insistently(
  { clock, logger, pollIntervalMs }: Settings,
  handle: ManagedTraining["handle"],
  signal: AbortSignal,
  work: () => Promise<unknown>,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      await work();
      return;
    } catch (error) {
      signal.throwIfAborted();
      logger.error(`${handle.id} could not be stopped, which is tried again: ${describeError(error)}`);
    }
    await clock.sleep(pollIntervalMs, { signal });
  }
}

/** The task as the trainer left it: its word may change what an end means. Asked for as long as an attempt delivers. */
async function lastView(settings: Settings, taskId: string, signal: AbortSignal): Promise<TaskView | undefined> {
  const { port, clock, drainMs, pollIntervalMs, logger } = settings;
  using deadline = deadlineAfter(drainMs, clock, signal);
  for (;;) {
    try {
      return await viewTask({ port, taskId, projectId: undefined, signal: deadline.signal });
    } catch (error) {
      if (deadline.signal.aborted) {
        signal.throwIfAborted();
        logger.warn(`the end of ${taskId} is told without what its trainer said: ClearML did not answer`);
        return undefined;
      }
      logger.warn(`ClearML cannot be asked how task ${taskId} ended, which is tried again: ${describeError(error)}`);
    }
    await clock.sleep(pollIntervalMs, { signal: deadline.signal }).catch(() => undefined);
  }
}

async function report(
  settings: Settings,
  input: ExecuteTrainingInput,
  { handle }: ManagedTraining,
  end: TrainingEnd,
  stopReason: string | undefined,
  secrets: readonly string[],
  edge: ActivityEdge,
): Promise<ExecuteTrainingResult> {
  const { signal } = edge;
  const { job, taskId } = input;
  const place = journalPlace(settings, job);
  // Here, on the machine where the folder is; whoever finalizes may be on another one.
  const settlement = await settleJournal(settings, job, place, { fence: handle.fence, signal });
  const view = await lastView(settings, taskId, signal);
  const facts: TrainingFacts = {
    fence: handle.fence,
    backend: handle.backend,
    journal: { ...place, settled: settlement.status === "settled" },
    ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
    ...(end.signal === undefined ? {} : { signal: end.signal }),
    ...(await logExcerpt(settings, handle, secrets, signal)),
  };
  signal.throwIfAborted();
  const verdict = verdictOf(end, view?.fence === handle.fence ? view : undefined, taskId, stopReason);
  if (verdict.outcome !== "failed") return { outcome: verdict.outcome, message: verdict.message, ...facts };
  const lastLine = facts.logTail.split("\n").at(-1) ?? "";
  const type = verdict.failure ?? TRAINING_FAILURES.trainerError;
  throw trainingFailure(type, lastLine === "" ? verdict.message : `${verdict.message}; its last line: ${lastLine}`, { details: [facts] });
}
