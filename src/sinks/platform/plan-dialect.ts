/** The default dialect: the bodies of `protocol/callbacks.ts`, one path a kind of fact. Pure. */
import type { JsonObject } from "../../base/json.js";
import { callbackAnswerSchema, type CallbackBody, type CallbackPath } from "../../protocol/callbacks.js";
import type { CheckpointFact, Fact, FinalFact, Metrics, ModelFact, ProgressFact, StoredFile, ValidationFact } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import type { CallbackContext, CallbackDialect, CallbackInstruction, CallbackRequest } from "./dialect.js";

type Envelope = Pick<CallbackBody<"progress">, "job_id" | "run_id" | "task_id" | "sequence" | "reported_at">;
/** A body before operation type and envelope are put around it. */
type Own<Path extends CallbackPath> = Omit<CallbackBody<Path>, keyof Envelope | "operation_type">;

/** Kinds of fact that have no callback: they are ClearML's own, or parts of what a progress report says. */
const SILENT: ReadonlySet<Fact["kind"]> = new Set([
  "scalar",
  "plot",
  "media",
  "resources",
  "artifact",
  "tags",
  "hyperparameters",
  "configuration",
]);

/** The dialect of the migration plan: snake_case, the plan's own fields first. */
export const planDialect: CallbackDialect = {
  name: "plan",
  accepts: ({ fact }) => !SILENT.has(fact.kind) && !(fact.kind === "log" && fact.source !== undefined),
  toRequest,
  readAnswer: readStopAnswer,
};

/** Understands `{"action":"stop","reason":"..."}`; anything else asks for nothing. */
export function readStopAnswer(body: unknown): CallbackInstruction | undefined {
  const answer = callbackAnswerSchema().safeParse(body);
  if (!answer.success) return undefined;
  return { action: "stop", reason: answer.data.reason ?? "the backend asked the job to stop" };
}

function toRequest(record: TrainerRecord, context: CallbackContext): CallbackRequest | undefined {
  const { fact } = record;
  switch (fact.kind) {
    case "started":
      return request("started", { total_epochs: fact.totalEpochs, message: fact.message }, record, context);
    case "progress":
      return request("progress", progressBody(fact), record, context);
    case "validation":
      return request("validation", validationBody(fact), record, context);
    case "checkpoint":
      return request("checkpoint", checkpointBody(fact), record, context);
    case "model":
      return request("model", modelBody(fact), record, context);
    case "log":
      return request("log", { level: fact.level, message: fact.message }, record, context);
    case "final":
      return finalRequest(fact, record, context);
    default:
      return undefined;
  }
}

function request<Path extends CallbackPath>(path: Path, own: Own<Path>, record: TrainerRecord, context: CallbackContext): CallbackRequest {
  const { fact } = record;
  const envelope: Envelope = {
    job_id: context.jobId ?? null,
    run_id: record.runId,
    task_id: context.taskId ?? null,
    sequence: record.sequence,
    reported_at: new Date(record.createdAtMs).toISOString(),
  };
  const body = { operation_type: "operation" in fact ? fact.operation : context.operation, ...own, ...envelope };
  return { path: `/${path}`, body: body as JsonObject };
}

function progressBody(fact: ProgressFact): Own<"progress"> {
  return {
    epoch: fact.epoch,
    total_epochs: fact.totalEpochs,
    iteration: fact.iteration,
    percent: fact.percent,
    metrics: finite(fact.metrics),
    message: fact.message,
  };
}

function validationBody(fact: ValidationFact): Own<"validation"> {
  const { primaryMetric } = fact;
  return {
    epoch: fact.epoch,
    iteration: fact.iteration,
    metrics: finite(fact.metrics),
    task_type: fact.taskType,
    primary_metric: primaryMetric && {
      name: primaryMetric.name,
      value: typeof primaryMetric.value === "number" ? primaryMetric.value : null,
    },
    per_class_metrics: fact.perClassMetrics,
    class_names: fact.classNames && [...fact.classNames],
    confusion_matrix: fact.confusionMatrix?.map((row) => [...row]),
    visualization_urls: fact.visualizationUrls,
    details: fact.details,
  };
}

function checkpointBody(fact: CheckpointFact): Own<"checkpoint"> {
  return {
    type: fact.type,
    is_best: fact.isBest,
    epoch: fact.epoch,
    iteration: fact.iteration,
    uri: fact.file.uri,
    ...fileBody(fact.file),
    metrics: fact.metrics && finite(fact.metrics),
    framework: fact.framework,
    metadata: fact.metadata,
  };
}

function modelBody(fact: ModelFact): Own<"model"> {
  return {
    name: fact.name,
    uri: fact.uri,
    ...(fact.file ? fileBody(fact.file) : {}),
    framework: fact.framework,
    tags: [...fact.tags],
    labels: fact.labels,
    comment: fact.comment,
    metadata: fact.metadata,
    metrics: fact.metrics && finite(fact.metrics),
    parent_model_id: fact.parentModelId,
    datasets: fact.datasets && [...fact.datasets],
    epoch: fact.epoch,
    iteration: fact.iteration,
    publish: fact.publish,
  };
}

function finalRequest(fact: FinalFact, record: TrainerRecord, context: CallbackContext): CallbackRequest {
  const common = {
    final_metrics: fact.finalMetrics && finite(fact.finalMetrics),
    results: fact.results,
    epoch: fact.epoch,
    total_epochs: fact.totalEpochs,
    reason: fact.reason,
  };
  if (fact.status !== "failed") return request(fact.status, common, record, context);
  // A backend that reads `error.message` must find one, also when the trainer could only give a reason.
  const error = fact.error ?? { name: "Error", message: fact.reason ?? "the trainer gave no reason" };
  return request("failed", { error, ...common }, record, context);
}

function fileBody(file: StoredFile): Pick<CallbackBody<"checkpoint">, "key" | "file_name" | "size_bytes" | "sha256" | "content_type"> {
  return { key: file.key, file_name: file.fileName, size_bytes: file.sizeBytes, sha256: file.sha256, content_type: file.contentType };
}

/** JSON has no NaN and no infinities: they become null, never 0. */
function finite(metrics: Metrics): Record<string, number | null> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, typeof value === "number" ? value : null]));
}
