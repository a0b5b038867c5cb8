/**
 * Finds trainers whose workflow is closed (terminated, timed out, or gone with a lost cancel) and ends them. For a
 * schedule, on each host of bound trainers. A workflow that cannot be asked about keeps its trainer.
 */
import { describeError } from "../base/errors.js";
import type { ActivityEdge } from "./activity-edge.js";
import type { SweepTrainingsResult } from "./contract.js";
import type { Settings } from "./settings.js";
import { TrainingPulse } from "./training-pulse.js";

const STOP_GRACE_MS = 30_000;

export async function sweepTrainings(settings: Settings, edge: ActivityEdge): Promise<SweepTrainingsResult> {
  // From a timer: a stop that bears an outage takes longer than any heartbeat timeout.
  const pulse = new TrainingPulse(edge, settings.clock, undefined);
  try {
    return await sweep(settings, edge);
  } finally {
    pulse.stop();
  }
}

async function sweep({ manager, logger }: Settings, edge: ActivityEdge): Promise<SweepTrainingsResult> {
  const { signal } = edge;
  const stopped: string[] = [];
  const forgotten: string[] = [];
  for await (const { handle, state, labels } of manager.list({ signal })) {
    const workflowId = labels["workflow-id"];
    if (workflowId === undefined || labels["namespace"] !== edge.workflow.namespace) continue;
    try {
      if (await edge.isOpen(workflowId)) continue;
      if (state.phase !== "ended") {
        logger.warn(`${handle.id} runs for workflow ${workflowId}, which is closed; it is stopped`);
        await manager.stop(handle, { signal, graceMs: STOP_GRACE_MS, reason: "its workflow is closed" });
        stopped.push(handle.key);
      } else {
        await manager.forget(handle, { signal });
        forgotten.push(handle.key);
      }
    } catch (error) {
      signal.throwIfAborted();
      logger.warn(`${handle.id} could not be swept: ${describeError(error)}`);
    }
  }
  return { stopped, forgotten };
}
