/**
 * Which trainer an attempt of `executeTraining` goes on with: the one that runs, the end of one that has ended, or a new
 * one. Decided by what the manager knows; the heartbeat of an earlier attempt only helps where the manager cannot.
 */
import { describeError } from "../base/errors.js";
import { raiseFence, readFence } from "../sinks/clearml/task-fence.js";
import type { ActivityEdge } from "./activity-edge.js";
import { trainingFailure } from "./activity-failure.js";
import type { ExecuteTrainingInput } from "./contract.js";
import { isRetryableFailure, TRAINING_FAILURES } from "./failure-types.js";
import type { HeartbeatDetails } from "./input-schemas.js";
import { assertFits } from "./payload-limits.js";
import { clearmlHosts, present, type Settings } from "./settings.js";
import type { ManagedTraining, TrainingSpec } from "./training-manager.js";

/** How often a trainer that another machine holds is asked for. */
const MAX_HELD_RETRY_MS = 60_000;

/** The trainer that this attempt answers for, and the values that must not stand in its log. */
export interface ObtainedTrainer {
  readonly training: ManagedTraining;
  readonly secrets: readonly string[];
}

/**
 * @throws ApplicationFailure `HeldElsewhere` while another machine's lease has not lapsed.
 * @throws ManagerError as the manager does.
 */
export async function obtainTrainer(
  settings: Settings,
  input: ExecuteTrainingInput,
  key: string,
  inherited: HeartbeatDetails | undefined,
  edge: ActivityEdge,
): Promise<ObtainedTrainer> {
  const { manager, port, logger, clock } = settings;
  const { signal } = edge;
  const secretEnv = await settings.trainerSecrets(input.job);
  const secrets = Object.values(secretEnv);
  const found = await manager.find(key, { signal });
  if (found && isLastWord(found)) return { training: found, secrets };
  const known = inherited?.handle?.backend === manager.backend && inherited.handle.key === key ? inherited.handle : undefined;
  if (manager.hostBound && known?.host !== undefined && known.host !== manager.host) {
    const remainingMs = (inherited?.seenAtMs ?? 0) + manager.leaseMs - clock.now();
    if (remainingMs > 0)
      throw trainingFailure(
        TRAINING_FAILURES.heldElsewhere,
        `the trainer runs on ${known.host}; it is started on ${manager.host ?? "this host"} when its lease has lapsed, in ${String(Math.ceil(remainingMs / 1000))} s`,
        { nextRetryDelayMs: Math.min(remainingMs, MAX_HELD_RETRY_MS) },
      );
  }
  const calls = { port, taskId: input.taskId, projectId: undefined, signal };
  const mark = await readFence(calls).catch((error: unknown) => {
    signal.throwIfAborted();
    logger.warn(`ClearML cannot be asked which attempt of task ${input.taskId} was the last: ${describeError(error)}`);
    return undefined;
  });
  const fence = 1 + Math.max(found?.handle.fence ?? 0, known?.fence ?? 0, mark?.epoch ?? 0);
  const spec = trainerSpec(settings, input, fence);
  assertFits(spec);
  const training = await manager.start(
    {
      key,
      fence,
      spec,
      secretEnv,
      labels: {
        namespace: edge.workflow.namespace,
        "workflow-id": edge.workflow.workflowId,
        "run-id": edge.workflow.runId,
        "job-id": input.job.jobId,
        "task-id": input.taskId,
      },
    },
    { signal },
  );
  return { training, secrets };
}

/** From now on ClearML takes the writes of this trainer alone. A ClearML that is down hears it from the trainer itself. */
export async function letWrite(settings: Settings, taskId: string, { handle }: ManagedTraining, signal: AbortSignal): Promise<void> {
  try {
    await raiseFence({ port: settings.port, taskId, projectId: undefined, signal }, handle.fence);
  } catch (error) {
    signal.throwIfAborted();
    settings.logger.warn(`ClearML could not be told which attempt of task ${taskId} reports: ${describeError(error)}`);
  }
}

/** It runs, or has ended in a way that another one would not mend. */
function isLastWord({ state }: ManagedTraining): boolean {
  return state.phase !== "ended" || state.end.failure === undefined || !isRetryableFailure(state.end.failure);
}

function trainerSpec(settings: Settings, input: ExecuteTrainingInput, fence: number): TrainingSpec {
  const { job } = input;
  const environment = {
    ...clearmlHosts(settings.clearml),
    ...settings.trainerEnv(job),
    ...input.env,
    ...present({
      JOB_ID: job.jobId,
      PROJECT_ID: job.projectId,
      OPERATION_TYPE: job.operation ?? "training",
      CLEARML_TASK_ID: input.taskId,
      CALLBACK_URL: settings.callback(job)?.url,
      CHECKPOINT_URI: settings.storage,
      CONFIG: input.config === undefined ? undefined : JSON.stringify(input.config),
      TRAINER_JOURNAL_DIR: settings.journal(job)?.trainer,
      TRAINER_HANDOVER_URI: settings.handoverUri,
      TRAINER_TASK_OWNER: "worker",
      TRAINER_FENCE: String(fence),
    }),
  };
  return {
    command: input.command ?? [],
    env: environment,
    ...(input.image === undefined ? {} : { image: input.image }),
    ...(input.workingDirectory === undefined ? {} : { workingDirectory: input.workingDirectory }),
    ...(input.resources === undefined ? {} : { resources: input.resources }),
  };
}
