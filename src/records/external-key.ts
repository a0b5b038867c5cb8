/** The name by which a job's task is found again: by a restarted container, another process, or the platform's worker. */
import type { OperationType } from "./facts.js";

/** What identifies a job across processes. */
export interface JobIdentity {
  readonly operation: OperationType;
  /** `JOB_ID`. */
  readonly jobId: string;
  /** `PROJECT_ID`, where there is one. */
  readonly projectId?: string | undefined;
}

/**
 * The key of a job's task in ClearML, kept as a system tag: `trainer-sdk:training:<project or ->:<job>`. The same
 * inputs give the same key for ever; changing the form would start a second task for every job.
 */
export function taskExternalKey(job: JobIdentity): string {
  return `trainer-sdk:${job.operation}:${encodeURIComponent(job.projectId ?? "-")}:${encodeURIComponent(job.jobId)}`;
}
