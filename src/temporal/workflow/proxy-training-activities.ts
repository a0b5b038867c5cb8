/** The activities as a workflow calls them, with timeouts and retry policies that suit what they do. Workflow-safe. */
import { ActivityCancellationType, proxyActivities } from "@temporalio/workflow";
import type { TrainingActivities } from "../create-training-activities.js";

/** Where the activities run and how long they may take. Durations in milliseconds. */
export interface TrainingProxyOptions {
  /** Of `executeTraining`: a queue of its own, so that trainings of days do not take the slots of quick activities. Default: the workflow's. */
  readonly trainingTaskQueue?: string | undefined;
  /** Of the others. Default: the workflow's. */
  readonly taskQueue?: string | undefined;
  /** A worker that was not heard of for so long is taken for dead, and another adopts the trainer. Default 2 minutes. */
  readonly heartbeatTimeoutMs?: number | undefined;
  /** From the start to the end of a training, waiting for a place and every retry included. Default 30 days. */
  readonly maxTrainingMs?: number | undefined;
  /** How long the quick activities try, through an outage of ClearML or the backend. Default 1 day. */
  readonly maxOutageMs?: number | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Typed proxies. Failures carry by themselves whether they are to be retried; the number of attempts is unlimited, because
 * every deploy of a worker takes one, and bounded by time.
 */
export function proxyTrainingActivities(options: TrainingProxyOptions = {}): TrainingActivities {
  const { heartbeatTimeoutMs = 2 * MINUTE_MS, maxTrainingMs = 30 * DAY_MS, maxOutageMs = DAY_MS } = options;
  const queue = options.taskQueue === undefined ? {} : { taskQueue: options.taskQueue };
  const quick = proxyActivities<TrainingActivities>({
    ...queue,
    startToCloseTimeout: 10 * MINUTE_MS,
    scheduleToCloseTimeout: maxOutageMs,
    retry: { initialInterval: 1_000, backoffCoefficient: 2, maximumInterval: MINUTE_MS },
  });
  const long = proxyActivities<TrainingActivities>({
    ...(options.trainingTaskQueue === undefined ? queue : { taskQueue: options.trainingTaskQueue }),
    startToCloseTimeout: maxTrainingMs,
    scheduleToCloseTimeout: maxTrainingMs,
    heartbeatTimeout: heartbeatTimeoutMs,
    // The workflow goes on when the trainer is really gone.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: 5_000, backoffCoefficient: 2, maximumInterval: 2 * MINUTE_MS },
  });
  const sweep = proxyActivities<TrainingActivities>({
    ...queue,
    startToCloseTimeout: 60 * MINUTE_MS,
    heartbeatTimeout: 5 * MINUTE_MS,
    retry: { maximumAttempts: 3 },
  });
  const { createClearmlTask, finalizeTask, failTask, stopTask, registerModel, syncOutbox } = quick;
  return {
    createClearmlTask,
    executeTraining: long.executeTraining,
    finalizeTask,
    failTask,
    stopTask,
    registerModel,
    syncOutbox,
    sweepTrainings: sweep.sweepTrainings,
  };
}
