/**
 * The worker's own words to the platform's backend: the task's id, a model, an end that no trainer could tell. They go
 * through the sink that trainers use, so that tokens, dialect and the reading of answers are the same.
 */
import { createHash } from "node:crypto";
import type { Delivery } from "../outbox/sink.js";
import type { CallbackBody } from "../protocol/callbacks.js";
import type { Fact } from "../records/facts.js";
import type { TrainerRecord } from "../records/record.js";
import type { CallbackDialectFunction } from "../sinks/platform/dialect.js";
import { Fence } from "../sinks/fence.js";
import { createPlatformSink } from "../sinks/platform/platform-sink.js";
import { trainingFailure } from "./activity-failure.js";
import type { TrainingJob } from "./contract.js";
import { TRAINING_FAILURES } from "./failure-types.js";
import type { Settings } from "./settings.js";

export interface BackendWord {
  readonly job: TrainingJob;
  readonly taskId: string;
  /** Of the trainer whose word this stands for; 0: none was numbered. */
  readonly fence: number;
  /** What makes the record's id, so that a repetition carries the same one. */
  readonly identity: string;
}

/**
 * Tells a fact. Resolves when the backend has it, when it will never take it (which is logged), or when there is none.
 *
 * @throws ApplicationFailure `BackendUnavailable`.
 */
export function tellFact(settings: Settings, word: BackendWord, fact: Fact, signal: AbortSignal): Promise<void> {
  return tell(settings, word, fact, undefined, signal);
}

/** Tells the task's id (`/task`). As {@link tellFact}. */
export function tellTask(
  settings: Settings,
  word: BackendWord,
  facts: Pick<CallbackBody<"task">, "project_id" | "web_url">,
  signal: AbortSignal,
): Promise<void> {
  const { job, taskId } = word;
  const body: CallbackBody<"task"> = {
    operation_type: job.operation ?? "training",
    job_id: job.jobId,
    task_id: taskId,
    ...facts,
    reported_at: new Date(settings.clock.now()).toISOString(),
  };
  const dialect: CallbackDialectFunction = () => ({ path: "/task", body: JSON.parse(JSON.stringify(body)) as Record<string, string> });
  return tell(settings, word, { kind: "tags", add: [], remove: [] }, dialect, signal);
}

async function tell(
  settings: Settings,
  word: BackendWord,
  fact: Fact,
  dialect: CallbackDialectFunction | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { job, taskId, fence } = word;
  const { transport, clock, logger } = settings;
  const callback = settings.callback(job);
  if (callback === undefined) return;
  const sink = createPlatformSink({
    ...callback,
    dialect,
    job: { operation: job.operation ?? "training", jobId: job.jobId },
    taskId: () => taskId,
    fence: fence > 0 ? new Fence(fence, () => undefined) : undefined,
    transport,
    clock,
    logger,
  });
  const outcome = await sink.deliver([workerRecord(settings, word, fact)], {
    signal,
    memory: { get: () => undefined, set: () => Promise.resolve() },
    // An earlier attempt may have sent it: a backend that knows the key has it.
    ambiguous: true,
  });
  const delivery = (Array.isArray(outcome) ? outcome[0] : outcome) as Delivery | undefined;
  if (delivery?.status === "delivered" || delivery === undefined) return;
  if (delivery.status === "rejected") {
    logger.warn(`the backend does not take ${fact.kind} of job ${job.jobId}: ${delivery.reason}`);
    return;
  }
  signal.throwIfAborted();
  throw trainingFailure(TRAINING_FAILURES.backendUnavailable, `the backend cannot be told: ${delivery.reason}`);
}

/** A record of the worker's: its run is the task's, its id the same in every attempt. */
export function workerRecord(
  { clock }: Pick<Settings, "clock">,
  { taskId, identity }: Pick<BackendWord, "taskId" | "identity">,
  fact: Fact,
): TrainerRecord {
  const runId = createHash("sha256").update(`worker:${taskId}`).digest("hex").slice(0, 32);
  const id = `${runId}-${createHash("sha256").update(identity).digest("hex").slice(0, 12)}`;
  return { id, runId, sequence: 1, createdAtMs: clock.now(), fact, traits: {} };
}
