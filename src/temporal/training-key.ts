/** The name of a training that every attempt, on every worker, makes alike. No run's id and no time in it: they change. */

/** What identifies a training. */
export interface TrainingIdentity {
  readonly namespace: string;
  /** Survives reset, retry and continue-as-new, unlike a run's id. */
  readonly workflowId: string;
  readonly jobKey: string;
}

/** Default of `jobKey`. */
export const DEFAULT_JOB_KEY = "training";

/** The key under which a manager finds the trainer again. */
export function trainingKey({ namespace, workflowId, jobKey }: TrainingIdentity): string {
  return [namespace, workflowId, jobKey].map(encodeURIComponent).join("/");
}
