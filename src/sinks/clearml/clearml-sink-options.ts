/** What the ClearML sink is made of. */
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { OperationType } from "../../records/facts.js";
import type { AddressRule } from "./metric-lines.js";
import type { Fence } from "../fence.js";
import type { NonFinitePolicy } from "./record-events.js";

/** The task that a job reports to, for whoever wants to show it. */
export interface BoundTaskInfo {
  readonly id: string;
  readonly projectId: string | undefined;
  /** The task's page in ClearML's web application. */
  readonly webUrl: string | undefined;
}

export interface ClearMLSinkOptions {
  readonly job: { readonly operation: OperationType; readonly jobId?: string | undefined; readonly projectId?: string | undefined };
  /** The journal's run. */
  readonly runId: string;
  /** `CLEARML_TASK_ID`: report to this task, made by somebody else. */
  readonly taskId?: string | undefined;
  /** Full path; made where it is missing. */
  readonly projectName: string;
  readonly taskName: string;
  /** From `taskExternalKey`: the same for every process of the job. */
  readonly externalKey: string;
  /** Where the task's files go, shown by ClearML. */
  readonly outputUri?: string | undefined;
  /** Who announces the end: this sink, or the platform's worker, to which the outcome is then left in the task's runtime. */
  readonly owner: "trainer" | "worker";
  /** The right to write, where the worker numbers its trainers. Without effect on a drain, which a journal's lock protects. */
  readonly fence?: Fence | undefined;
  /** `live`: the job runs in this process. `drain`: its records are delivered later, by somebody else; no status but the final one is touched. */
  readonly mode: "live" | "drain";
  /** Default: the rule of `metricAddress`. */
  readonly metricAddress?: AddressRule | undefined;
  /** Default `companion`. */
  readonly nonFinite?: NonFinitePolicy | undefined;
  /** How often a wish to stop is asked for. Default 5,000 ms. */
  readonly pollIntervalMs?: number | undefined;
  /** How often the task is kept from looking dead. Default 30,000 ms, as ClearML's own client does. */
  readonly pingIntervalMs?: number | undefined;
  /** The task is known: at each start, and again should it be deleted and replaced. */
  readonly onBound: (task: BoundTaskInfo) => void;
  readonly onStopRequest: (reason: string) => void;
  /** Names this process in the task's status message. */
  readonly workerName?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}
