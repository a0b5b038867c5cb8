/**
 * Facts in the words of the existing platform's backend (`platform-protocol`, section 2): its paths, its bodies, number-typed
 * job ids. Pure; when something may be sent at all is the sink's to know.
 */
import type { FinalFact, ProgressFact } from "../../../records/facts.js";
import type { TrainerRecord } from "../../../records/record.js";
import type { CallbackRequest } from "../dialect.js";
import { errorMessageOf } from "./error-type.js";
import { metricColumns } from "./metric-columns.js";
import type { PlatformV2Job } from "./platform-v2-job.js";
import { evaluationBody, exportBody, inferenceBody } from "./result-bodies.js";
import type { RunState } from "./run-state.js";
import { validationBody } from "./validation-body.js";
import { eventType, platformPath, storable } from "./wire-text.js";

/** What the words depend on beside the record. */
export interface PlatformV2Context {
  readonly job: PlatformV2Job;
  readonly state: RunState;
  /** The user's own mark at the backend, which an end that is no success must not wipe out. */
  readonly userMark?: "cancelled" | "stopped" | undefined;
}

/** True for what the backend has a report for: its files it hears of through progress and end. Pure. */
export function isReported({ fact }: TrainerRecord, job: Pick<PlatformV2Job, "operation">): boolean {
  switch (fact.kind) {
    case "started":
      // An evaluation has one callback, for its result.
      return job.operation !== "evaluation";
    case "final":
      return true;
    case "progress":
      // The backend counts epochs: points between them are ClearML's.
      return job.operation === "training" && fact.epoch !== undefined;
    case "validation":
      return job.operation === "training";
    default:
      return false;
  }
}

/** True for what the backend shows as a line of the job's log. Other kinds of job have no log there: their ids are other jobs'. Pure. */
export function isLogged({ fact }: TrainerRecord, job: Pick<PlatformV2Job, "operation">): boolean {
  // What the process printed is for ClearML's console alone.
  const isSaid = fact.kind === "log" && fact.source === undefined;
  return job.operation === "training" && (isSaid || fact.kind === "checkpoint" || fact.kind === "model");
}

/** The request for a record that is reported or logged; undefined for any other. Pure. */
export function toPlatformV2Request(record: TrainerRecord, context: PlatformV2Context): CallbackRequest | undefined {
  const { fact } = record;
  const { job, state } = context;
  const training = `/training/jobs/${String(job.jobId)}/callback`;
  switch (fact.kind) {
    case "started":
      if (job.operation !== "training") return request(`${ofOtherKind(job)}/started`, { job_id: job.jobId, status: "running" });
      return request(`${training}/progress`, {
        ...progress(job, state, { epoch: 0, totalEpochs: fact.totalEpochs }),
        progress_percent: 0,
        metrics: null,
      });
    case "progress":
      return request(`${training}/progress`, progressBody(fact, context));
    case "validation":
      return request(`/validation/jobs/${String(job.jobId)}/results`, validationBody(fact, job, state));
    case "final":
      if (job.operation === "training") return request(`${training}/completion`, completionBody(fact, record, context));
      if (job.operation === "evaluation") return request(`/test_inference/test/${String(job.jobId)}/results`, evaluationBody(fact, job));
      return request(`${ofOtherKind(job)}/completion`, job.operation === "inference" ? inferenceBody(fact) : exportBody(fact, state));
    default:
      return isLogged(record, job) ? request(`${training}/logs`, logBody(record, job)) : undefined;
  }
}

function request(path: string, body: Record<string, unknown>): CallbackRequest {
  return { path, body: storable(body) };
}

/** Inference and export jobs have tables, ids and callbacks of their own. */
function ofOtherKind({ operation, jobId }: PlatformV2Job): string {
  return operation === "inference" ? `/test_inference/inference/jobs/${String(jobId)}/callback` : `/export/jobs/${String(jobId)}/callback`;
}

function progress(job: PlatformV2Job, state: RunState, { epoch, totalEpochs }: { epoch: number; totalEpochs: number | undefined }) {
  return {
    job_id: job.jobId,
    status: "running",
    current_epoch: epoch,
    total_epochs: Math.max(1, totalEpochs ?? state.totalEpochs ?? job.totalEpochs ?? epoch),
  };
}

function progressBody(fact: ProgressFact, { job, state }: PlatformV2Context): Record<string, unknown> {
  const { epoch = 0, totalEpochs, percent } = fact;
  const common = progress(job, state, { epoch, totalEpochs });
  return {
    ...common,
    // Past its range the backend refuses the whole report.
    progress_percent: Math.min(100, Math.max(0, percent ?? (100 * epoch) / common.total_epochs)),
    metrics: metricColumns(fact.metrics) ?? null,
    // The row is this epoch's: a checkpoint of another one does not belong there.
    checkpoint_path: state.last?.epoch === epoch ? platformPath(state.last.uri) : undefined,
    best_checkpoint_path: platformPath(state.best?.uri),
  };
}

function completionBody(
  fact: FinalFact,
  { createdAtMs }: TrainerRecord,
  { job, state, userMark }: PlatformV2Context,
): Record<string, unknown> {
  const { best, begunAtMs } = state;
  const allEpochs = fact.status === "completed" ? (fact.totalEpochs ?? state.totalEpochs ?? job.totalEpochs) : undefined;
  return {
    job_id: job.jobId,
    ...outcome(fact, userMark),
    total_epochs_completed: fact.epoch ?? state.epoch ?? allEpochs ?? 0,
    final_metrics: metricColumns(fact.finalMetrics),
    best_metrics: metricColumns(best?.metrics),
    best_epoch: best?.epoch,
    best_checkpoint_path: platformPath(best?.uri),
    last_checkpoint_path: platformPath(state.last?.uri),
    total_duration_seconds: begunAtMs === undefined ? undefined : Math.max(0, (createdAtMs - begunAtMs) / 1000),
  };
}

/** `exit_code` beats `status` there, so an end that is neither success nor failure carries none. */
function outcome(fact: FinalFact, userMark: PlatformV2Context["userMark"]): Record<string, unknown> {
  if (fact.status === "completed") return { status: "completed", exit_code: 0 };
  if (fact.status === "stopped") return { status: userMark ?? "stopped", error_message: fact.reason };
  const failed = { error_message: errorMessageOf(fact), traceback: fact.error?.stack };
  return userMark === undefined ? { status: "failed", exit_code: 1, ...failed } : { status: userMark, ...failed };
}

const LEVELS = { debug: "DEBUG", info: "INFO", warning: "WARNING", error: "ERROR", critical: "ERROR" } as const;

function logBody({ fact, createdAtMs }: TrainerRecord, job: PlatformV2Job): Record<string, unknown> {
  const line = (event: string, level: string, message: string, data?: Record<string, unknown>) => ({
    job_id: job.jobId,
    event_type: eventType(event),
    message,
    level,
    data,
    timestamp: new Date(createdAtMs).toISOString(),
  });
  if (fact.kind === "checkpoint") {
    const { type, epoch, isBest, file, metrics } = fact;
    const where = `checkpoint ${type}${epoch === undefined ? "" : ` of epoch ${String(epoch)}`} is stored at ${platformPath(file.uri) ?? file.uri}`;
    return line("checkpoint", "INFO", where, {
      checkpoint_type: type,
      epoch,
      is_best: isBest,
      uri: platformPath(file.uri),
      size_bytes: file.sizeBytes,
      sha256: file.sha256,
      metrics: metricColumns(metrics)?.extra_metrics,
    });
  }
  if (fact.kind === "model") {
    const { name, uri, tags, framework } = fact;
    return line("model", "INFO", `model ${name} is registered from ${platformPath(uri) ?? uri}`, { name, uri, tags, framework });
  }
  if (fact.kind !== "log") return {};
  return line("trainer", LEVELS[fact.level], fact.message);
}
