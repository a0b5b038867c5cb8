/** The one place where the activities touch Temporal's context: beneath it everything runs and is tested without it. */
import { Context } from "@temporalio/activity";
import { asFailure } from "./activity-failure.js";
import type { TrainingIdentity } from "./training-key.js";

/** Why an activity is to end: the messages of its cancellation. */
export type EndingReason = "CANCELLED" | "WORKER_SHUTDOWN" | "TIMED_OUT" | "NOT_FOUND" | "PAUSED" | "RESET" | "OTHER";

/** One attempt of an activity, as its body sees it. */
export interface ActivityEdge {
  /** Its reason is what must be thrown once the activity has done its last duty. */
  readonly signal: AbortSignal;
  readonly workflow: Pick<TrainingIdentity, "namespace" | "workflowId"> & { readonly runId: string };
  readonly attempt: number;
  readonly heartbeatTimeoutMs: number | undefined;
  /** What an earlier attempt beat last; anything may stand there. */
  readonly heartbeatDetails: unknown;
  heartbeat(details: unknown): void;
  endingReason(): EndingReason | undefined;
  /** @throws what the client throws; an Error where there is none. */
  signalWorkflow(name: string, argument: unknown): Promise<void>;
  /** False: closed, or never heard of. @throws what the client throws. */
  isOpen(workflowId: string, runId?: string): Promise<boolean>;
}

const REASONS = ["CANCELLED", "WORKER_SHUTDOWN", "TIMED_OUT", "NOT_FOUND", "PAUSED", "RESET"] as const;

/** The edge of the activity that is running. @throws Error outside of one. */
export function currentEdge(): ActivityEdge {
  const context = Context.current();
  const { info, cancellationSignal } = context;
  return {
    signal: cancellationSignal,
    workflow: {
      namespace: info.namespace,
      workflowId: info.workflowExecution?.workflowId ?? info.activityId,
      runId: info.workflowExecution?.runId ?? "",
    },
    attempt: info.attempt,
    heartbeatTimeoutMs: info.heartbeatTimeoutMs,
    heartbeatDetails: info.heartbeatDetails as unknown,
    heartbeat: (details) => {
      context.heartbeat(details);
    },
    endingReason: () => {
      if (!cancellationSignal.aborted) return undefined;
      const message = (cancellationSignal.reason as Error | undefined)?.message ?? "";
      return REASONS.find((reason) => message === reason) ?? "OTHER";
    },
    signalWorkflow: async (name, argument) => {
      const { workflowId, runId } = info.workflowExecution ?? { workflowId: "", runId: "" };
      await context.client.workflow.getHandle(workflowId, runId).signal(name, argument);
    },
    isOpen: async (workflowId, runId) => {
      try {
        const { status } = await context.client.workflow.getHandle(workflowId, runId).describe();
        return status.name === "RUNNING" || status.name === "PAUSED";
      } catch (error) {
        if ((error as Error).name === "WorkflowNotFoundError") return false;
        throw error;
      }
    },
  };
}

/** Runs an activity's body with its failures put into the published types. */
export async function atTheEdge<T>(body: (edge: ActivityEdge) => Promise<T>): Promise<T> {
  const edge = currentEdge();
  try {
    return await body(edge);
  } catch (error) {
    throw asFailure(error, edge.signal);
  }
}
