/** The job as the existing backend knows it. */
import { ConfigError } from "../../../base/errors.js";
import type { OperationType } from "../../../records/facts.js";

export interface PlatformV2Job {
  readonly operation: OperationType;
  /** Number of the row in the table of its kind: training, inference or export jobs, test runs. */
  readonly jobId: number;
  /** `TASK_TYPE`. Default `detection`, as there. */
  readonly taskType: string;
  /** `CONFIG.primary_metric`. */
  readonly primaryMetric: string | undefined;
  /** From the job's configuration, for reports that name none. */
  readonly totalEpochs: number | undefined;
}

/**
 * The platform's ids are numbers of rows.
 *
 * @throws ConfigError for any other id.
 */
export function numericJobId(jobId: string | undefined): number {
  const id = Number(jobId);
  if (jobId !== undefined && /^\d+$/.test(jobId) && Number.isSafeInteger(id)) return id;
  const message = `must be a decimal number in the dialect platform-v2${jobId === undefined || jobId === "" ? ", and is missing" : `, not ${JSON.stringify(jobId)}`}`;
  throw new ConfigError(`JOB_ID ${message}.`, [{ path: "JOB_ID", message }]);
}
