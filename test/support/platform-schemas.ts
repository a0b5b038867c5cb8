/**
 * What the existing platform's backend takes, written from the facts of its wire and from nothing of ours: required fields,
 * types, ranges. Unknown fields pass, as there. Stricter than there in one thing: a number must be a number.
 */
import * as z from "zod";

const number = z.number();
const optional = <T extends z.ZodType>(type: T) => type.nullish();

const M = z.looseObject({
  loss: optional(number),
  accuracy: optional(number),
  learning_rate: optional(number),
  // null is taken by the schema there and fails in the handler: see `fails` below.
  extra_metrics: optional(z.record(z.string(), z.unknown())),
});

const progress = z.looseObject({
  job_id: z.int(),
  status: z.string(),
  current_epoch: z.int().min(0),
  total_epochs: z.int().positive(),
  progress_percent: optional(number.min(0).max(100)),
  metrics: optional(M),
  checkpoint_path: optional(z.string()),
  best_checkpoint_path: optional(z.string()),
  epoch_duration_seconds: optional(number),
  estimated_time_remaining: optional(number),
  logs: optional(z.string()),
  error_message: optional(z.string()),
  traceback: optional(z.string()),
});

const completion = z.looseObject({
  job_id: z.int(),
  status: z.string(),
  total_epochs_completed: z.int().min(0),
  final_metrics: optional(M),
  best_metrics: optional(M),
  best_epoch: optional(z.int()),
  final_checkpoint_path: optional(z.string()),
  best_checkpoint_path: optional(z.string()),
  last_checkpoint_path: optional(z.string()),
  model_artifacts_path: optional(z.string()),
  mlflow_run_id: optional(z.string()),
  total_duration_seconds: optional(number),
  error_message: optional(z.string()),
  traceback: optional(z.string()),
  exit_code: optional(z.int()),
});

const log = z.looseObject({
  job_id: z.int(),
  event_type: z.string(),
  message: z.string(),
  level: z.string().optional(),
  data: optional(z.record(z.string(), z.unknown())),
  timestamp: optional(z.string()),
});

const validation = z.looseObject({
  job_id: z.int(),
  epoch: z.int(),
  task_type: z.string(),
  primary_metric_name: optional(z.string()),
  primary_metric_value: optional(number),
  overall_loss: optional(number),
  metrics: optional(z.record(z.string(), z.unknown())),
  per_class_metrics: optional(z.record(z.string(), z.unknown())),
  confusion_matrix: optional(z.array(z.array(z.int()))),
  pr_curves: optional(z.record(z.string(), z.unknown())),
  class_names: optional(z.array(z.string())),
  visualization_urls: optional(z.record(z.string(), z.string())),
  sample_correct_images: optional(z.array(z.string())),
  sample_incorrect_images: optional(z.array(z.string())),
  image_results: optional(z.array(z.looseObject({ image_name: z.string(), is_correct: z.boolean() }))),
});

const inference = z.looseObject({
  status: z.string(),
  total_images: optional(z.int()),
  total_inference_time_ms: optional(number),
  avg_inference_time_ms: optional(number),
  results: optional(
    z.array(
      z.looseObject({
        image_path: z.string(),
        image_name: optional(z.string()),
        predictions: z.array(z.record(z.string(), z.unknown())).optional(),
        inference_time_ms: optional(number),
      }),
    ),
  ),
  error_message: optional(z.string()),
  traceback: optional(z.string()),
});

const test = z.looseObject({
  status: z.string(),
  task_type: z.string(),
  metrics: optional(z.record(z.string(), z.unknown())),
  per_class_metrics: optional(z.record(z.string(), z.unknown())),
  class_names: optional(z.array(z.string())),
  num_images: optional(z.int()),
  visualization_urls: optional(z.record(z.string(), z.unknown())),
  predictions_json_uri: optional(z.string()),
  config: optional(z.record(z.string(), z.unknown())),
  error_message: optional(z.string()),
  traceback: optional(z.string()),
});

const anyObject = z.record(z.string(), z.unknown());

/** Bodies by the kind of call. */
export const SCHEMAS = {
  progress,
  completion,
  logs: log,
  validation,
  "upload-url": z.looseObject({ checkpoint_filename: z.string(), content_type: z.string().optional() }),
  "inference-started": anyObject,
  "inference-completion": inference,
  "test-results": test,
  "export-started": anyObject,
  "export-completion": anyObject,
} as const;

/** A kind of call. */
export type CallKind = keyof typeof SCHEMAS;

/** What the schemas let pass and the handlers or PostgreSQL then fail on with a 500; undefined when all is well. */
export function fails(kind: CallKind, body: Readonly<Record<string, unknown>>): string | undefined {
  if (JSON.stringify(body).includes("\\u0000")) return "PostgreSQL text fields cannot contain NUL (0x00) bytes";
  const tooLong = (name: string, limit: number): string | undefined => {
    const value = body[name];
    return typeof value === "string" && value.length > limit
      ? `value too long for type character varying(${String(limit)}): ${name}`
      : undefined;
  };
  for (const name of ["metrics", "final_metrics", "best_metrics"]) {
    const metrics = body[name] as { extra_metrics?: unknown } | null | undefined;
    if (kind !== "validation" && kind !== "test-results" && metrics?.extra_metrics === null)
      return "'NoneType' object has no attribute 'get'";
  }
  if (kind === "inference-completion" && body["status"] === "completed") {
    const results = (body["results"] ?? []) as readonly { inference_time_ms?: unknown; predictions?: readonly { bbox?: unknown[] }[] }[];
    if (results.some(({ inference_time_ms: ms }) => typeof ms !== "number")) return "null value in column inference_time_ms";
    if (results.some(({ predictions = [] }) => predictions.some(({ bbox }) => bbox !== undefined && bbox.length < 4)))
      return "list index out of range";
  }
  return (
    tooLong("event_type", 10) ??
    tooLong("status", 20) ??
    tooLong("checkpoint_path", 500) ??
    tooLong("best_checkpoint_path", 500) ??
    tooLong("last_checkpoint_path", 500) ??
    tooLong("task_type", 50) ??
    tooLong("primary_metric_name", 100)
  );
}
