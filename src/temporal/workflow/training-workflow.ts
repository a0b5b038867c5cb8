/**
 * A training from its task to its end: create, execute, finalize; and when that does not work out, an end of the task that
 * says so, in a scope that a cancellation does not reach. Workflow-safe: no time, randomness or I/O of its own.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  isCancellation,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import type { JsonObject, JsonValue } from "../../base/json.js";
import type {
  ClearmlTaskReference,
  ExecuteTrainingInput,
  ExecuteTrainingResult,
  RegisterModelInput,
  RequiredOutputs,
  TrainingFacts,
  TrainingJob,
  TrainingProgress,
} from "../contract.js";
import type { TrainingActivities } from "../create-training-activities.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import type { TrainingResources } from "../training-manager.js";
import { proxyTrainingActivities, type TrainingProxyOptions } from "./proxy-training-activities.js";
import { trainingSearchAttributes } from "./training-search-attributes.js";

/** Of a trainer that was ended for want of memory: the next one gets more. */
export interface MoreMemory {
  /** Default 2. */
  readonly factor?: number | undefined;
  /** Default 2 further trainers. */
  readonly maxRetries?: number | undefined;
  readonly maxMemoryBytes: number;
}

export interface TrainingWorkflowInput {
  readonly job: TrainingJob;
  readonly command?: readonly string[] | undefined;
  readonly image?: string | undefined;
  readonly workingDirectory?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** `CONFIG` of the trainer, and the task's hyperparameters. */
  readonly config?: JsonObject | undefined;
  readonly configurations?: Readonly<Record<string, string>> | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly resources?: TrainingResources | undefined;
  readonly stopGraceMs?: number | undefined;
  /** Without these the job does not count as completed. */
  readonly required?: RequiredOutputs | undefined;
  /** Registered when the job has completed; without `uri`, from its best checkpoint, else its last. */
  readonly model?: (Omit<RegisterModelInput, "job" | "taskId" | "uri"> & { readonly uri?: string | undefined }) | undefined;
  readonly moreMemory?: MoreMemory | undefined;
  readonly activities?: TrainingProxyOptions | undefined;
  /** Set the attributes of `trainingSearchAttributes`, which the server must know. Default false. */
  readonly searchAttributes?: boolean | undefined;
}

export interface TrainingWorkflowResult {
  readonly status: "completed" | "stopped";
  readonly message: string;
  readonly taskId: string;
  readonly webUrl?: string | undefined;
  readonly checkpoints: Readonly<Record<string, string>>;
  readonly models: readonly string[];
  readonly finalMetrics?: Readonly<Record<string, JsonValue>> | undefined;
  /** How many trainers it took, more memory each time. */
  readonly memoryRetries: number;
}

/** Answer of the query `progress`. */
export interface TrainingWorkflowProgress {
  readonly step: "creating" | "training" | "finalizing" | "registering" | "stopping" | "ended";
  readonly taskId?: string | undefined;
  readonly training?: TrainingProgress | undefined;
}

/** How far it has come. */
export const progressQuery = defineQuery<TrainingWorkflowProgress>("progress");
/** Ends the training well: the trainer is stopped, the task too, and the workflow completes with `stopped`. */
export const stopSignal = defineSignal<[reason?: string]>("stop");
/** Sent by `executeTraining`. */
const trainingProgressSignal = defineSignal<[TrainingProgress]>("trainingProgress");

/** A failure that more memory may mend. */
const DEFAULT_FACTOR = 2;
const DEFAULT_MEMORY_RETRIES = 2;

/** Runs a training. Cancel it with `handle.cancel()`, or let it end well with the signal `stop`; never terminate it. */
export async function trainingWorkflow(input: TrainingWorkflowInput): Promise<TrainingWorkflowResult> {
  const { job } = input;
  const activities = proxyTrainingActivities(input.activities);
  let step: TrainingWorkflowProgress["step"] = "creating";
  let training: TrainingProgress | undefined;
  const known: { task?: ClearmlTaskReference } = {};
  let stopReason: string | undefined;
  let scope: CancellationScope | undefined;
  // The first execution's: a reset goes on with the same trainer, another workflow of this id gets one of its own.
  let jobKey = `training/${workflowInfo().firstExecutionRunId}`;

  setHandler(progressQuery, () => ({
    step,
    ...(known.task === undefined ? {} : { taskId: known.task.taskId }),
    ...(training === undefined ? {} : { training }),
  }));
  setHandler(trainingProgressSignal, (progress) => {
    training = progress;
  });
  setHandler(stopSignal, (reason) => {
    stopReason ??= reason ?? "asked for by signal";
    scope?.cancel();
  });
  const enter = (next: TrainingWorkflowProgress["step"]): void => {
    step = next;
    if (input.searchAttributes === true)
      upsertSearchAttributes([
        { key: trainingSearchAttributes.jobId, value: job.jobId },
        { key: trainingSearchAttributes.step, value: next },
        ...(known.task === undefined ? [] : [{ key: trainingSearchAttributes.taskId, value: known.task.taskId }]),
      ]);
  };

  enter("creating");
  const created = await activities.createClearmlTask({ job, config: input.config, configurations: input.configurations, tags: input.tags });
  known.task = created;
  const { taskId, webUrl } = created;
  const ended = (status: TrainingWorkflowResult["status"], message: string, memoryRetries: number) => ({
    status,
    message,
    taskId,
    ...(webUrl === undefined ? {} : { webUrl }),
    memoryRetries,
  });
  let memoryRetries = 0;
  try {
    let resources = input.resources;
    let result: ExecuteTrainingResult | undefined;
    while (result === undefined) {
      try {
        enter("training");
        scope = new CancellationScope();
        if (stopReason !== undefined) scope.cancel();
        result = await scope.run(() => activities.executeTraining(executeInput(input, taskId, jobKey, resources)));
      } catch (error) {
        const more = isOutOfMemory(error) ? withMoreMemory(resources, input.moreMemory, memoryRetries) : undefined;
        if (more === undefined) throw error;
        resources = more;
        memoryRetries++;
        jobKey = `training/${workflowInfo().firstExecutionRunId}/${String(memoryRetries)}`;
      } finally {
        scope = undefined;
      }
    }
    enter("finalizing");
    const final = await activities.finalizeTask({ job, taskId, training: result, required: input.required });
    if (final.status === "failed") throw ApplicationFailure.nonRetryable(final.message, TRAINING_FAILURES.trainerError, result);
    if (final.status === "journalUnreachable")
      throw ApplicationFailure.nonRetryable(final.message, TRAINING_FAILURES.journalUnreachable, result);
    let models = final.models;
    if (final.status === "completed" && input.model !== undefined) {
      enter("registering");
      const { modelId } = await registerModel(activities, input.model, { job, taskId }, final.checkpoints);
      if (!models.includes(modelId)) models = [...models, modelId];
    }
    enter("ended");
    await condition(allHandlersFinished);
    return {
      ...ended(final.status, final.message, memoryRetries),
      checkpoints: final.checkpoints,
      models,
      ...(final.finalMetrics === undefined ? {} : { finalMetrics: final.finalMetrics }),
    };
  } catch (error) {
    enter("stopping");
    const reason = stopReason;
    const cancelled = isCancellation(error) || isCutShort(error);
    await CancellationScope.nonCancellable(async () => {
      if (cancelled) await activities.stopTask({ job, taskId, jobKey, reason: reason ?? "the workflow was cancelled" });
      else await activities.failTask({ job, taskId, jobKey, failure: failureOf(error), training: factsOf(error) });
    });
    enter("ended");
    // A signal is a wish that was fulfilled; only a request to cancel ends as cancelled.
    if (cancelled && reason !== undefined && !CancellationScope.current().consideredCancelled)
      return { ...ended("stopped", reason, memoryRetries), checkpoints: {}, models: [] };
    throw cancelled && !isCancellation(error) ? new CancelledFailure("the workflow was cancelled", [], error as Error) : error;
  }
}

function executeInput(
  input: TrainingWorkflowInput,
  taskId: string,
  jobKey: string,
  resources: TrainingResources | undefined,
): ExecuteTrainingInput {
  const { job, command, image, workingDirectory, env, config, stopGraceMs } = input;
  return { job, taskId, command, image, workingDirectory, env, config, resources, jobKey, stopGraceMs, progressSignal: "trainingProgress" };
}

async function registerModel(
  activities: TrainingActivities,
  model: NonNullable<TrainingWorkflowInput["model"]>,
  task: { readonly job: TrainingJob; readonly taskId: string },
  checkpoints: Readonly<Record<string, string>>,
): Promise<{ readonly modelId: string }> {
  const uri = model.uri ?? checkpoints["best"] ?? checkpoints["last"];
  if (uri === undefined)
    throw ApplicationFailure.nonRetryable(`there is no checkpoint to register as model ${model.name}`, TRAINING_FAILURES.outputMissing);
  return activities.registerModel({ ...model, ...task, uri });
}

function applicationFailureOf(error: unknown): ApplicationFailure | undefined {
  if (error instanceof ApplicationFailure) return error;
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure ? error.cause : undefined;
}

/** It was to be cancelled, and its worker died, or something was down: what would be tried again otherwise is not, any more. */
function isCutShort(error: unknown): boolean {
  return error instanceof ActivityFailure && error.retryState === "CANCEL_REQUESTED";
}

function isOutOfMemory(error: unknown): boolean {
  return applicationFailureOf(error)?.type === TRAINING_FAILURES.outOfMemory;
}

/** Undefined: there is nothing more to be had. */
function withMoreMemory(
  resources: TrainingResources | undefined,
  more: MoreMemory | undefined,
  retries: number,
): TrainingResources | undefined {
  const before = resources?.memoryBytes;
  if (more === undefined || before === undefined || retries >= (more.maxRetries ?? DEFAULT_MEMORY_RETRIES)) return undefined;
  const memoryBytes = Math.min(Math.ceil(before * (more.factor ?? DEFAULT_FACTOR)), more.maxMemoryBytes);
  return memoryBytes > before ? { ...resources, memoryBytes } : undefined;
}

function failureOf(error: unknown): { readonly type: string; readonly message: string } {
  const failure = applicationFailureOf(error);
  if (failure) return { type: failure.type ?? "Error", message: failure.message };
  if (error instanceof ActivityFailure)
    return {
      type: TRAINING_FAILURES.deadlineExceeded,
      message: `${error.activityType} did not end in time: ${error.cause?.message ?? error.message}`,
    };
  return { type: "Error", message: error instanceof Error ? error.message : String(error) };
}

/** What `executeTraining` put beside its failure. */
function factsOf(error: unknown): TrainingFacts | undefined {
  const [facts] = (applicationFailureOf(error)?.details ?? []) as readonly unknown[];
  return typeof facts === "object" && facts !== null && "fence" in facts && "journal" in facts ? (facts as TrainingFacts) : undefined;
}
