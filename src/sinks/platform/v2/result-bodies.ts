/** The end of an inference, an evaluation or an export job in the existing backend's words (`platform-protocol`, 2.7). */
import path from "node:path";
import type { JsonObject, JsonValue } from "../../../base/json.js";
import type { FinalFact } from "../../../records/facts.js";
import { errorMessageOf } from "./error-type.js";
import { finiteMetrics } from "./metric-columns.js";
import type { PlatformV2Job } from "./platform-v2-job.js";
import type { RunState } from "./run-state.js";
import { platformPath } from "./wire-text.js";

type Results = Readonly<Record<string, JsonValue | undefined>>;

/** The backend knows no stopped job of these kinds: a job that was stopped has failed, and says why. */
function failure(fact: FinalFact): Record<string, unknown> {
  if (fact.status === "stopped") return { status: "failed", error_message: `stopped: ${fact.reason ?? "no reason was given"}` };
  return { status: "failed", error_message: errorMessageOf(fact), traceback: fact.error?.stack };
}

/** An inference job's end, with a row for each image. Pure. */
export function inferenceBody(fact: FinalFact): Record<string, unknown> {
  if (fact.status !== "completed") return failure(fact);
  const given = fact.results ?? {};
  const images = Array.isArray(given["results"]) ? given["results"].filter(isObject) : [];
  const totalMs = numberAt(given, "total_inference_time_ms", "totalInferenceTimeMs", "total_time_ms", "totalTimeMs");
  const total = Math.round(numberAt(given, "total_images", "totalImages") ?? images.length);
  const averageMs = numberAt(given, "avg_inference_time_ms", "avgInferenceTimeMs") ?? (total > 0 ? (totalMs ?? 0) / total : 0);
  return {
    status: "completed",
    total_images: total,
    total_inference_time_ms: totalMs,
    avg_inference_time_ms: averageMs,
    results: images.flatMap((image) => imageRow(image, averageMs)),
  };
}

/** The column of the time is not nullable, and a box of fewer than four numbers fails the whole call. */
function imageRow(image: JsonObject, averageMs: number): Record<string, unknown>[] {
  const imagePath = textAt(image, "image_path", "imagePath");
  if (imagePath === undefined) return [];
  const predictions = Array.isArray(image["predictions"]) ? image["predictions"].filter(isObject) : [];
  return [
    {
      image_path: imagePath,
      image_name: textAt(image, "image_name", "imageName") ?? path.posix.basename(imagePath),
      predictions: predictions.filter(({ bbox }) => bbox === undefined || (Array.isArray(bbox) && bbox.length >= 4)),
      inference_time_ms: numberAt(image, "inference_time_ms", "inferenceTimeMs") ?? averageMs,
    },
  ];
}

/**
 * An evaluation's end: its metrics, and beside them what was given under the names of its columns. The backend takes
 * `mAP50-95`, else `mAP50`, for the primary metric. Pure.
 */
export function evaluationBody(fact: FinalFact, { taskType }: Pick<PlatformV2Job, "taskType">): Record<string, unknown> {
  if (fact.status !== "completed") return { ...failure(fact), task_type: taskType };
  const given = fact.results ?? {};
  const images = numberAt(given, "num_images", "numImages");
  return {
    status: "completed",
    task_type: textAt(given, "task_type", "taskType") ?? taskType,
    metrics: { ...objectAt(given, "metrics"), ...finiteMetrics(fact.finalMetrics) },
    per_class_metrics: objectAt(given, "per_class_metrics", "perClassMetrics"),
    class_names: textsAt(given, "class_names", "classNames"),
    num_images: images === undefined ? undefined : Math.round(images),
    visualization_urls: objectAt(given, "visualization_urls", "visualizationUrls"),
    predictions_json_uri: platformPath(textAt(given, "predictions_json_uri", "predictionsJsonUri")),
  };
}

/** An export job's end. The file is the one that was named, else the newest model or artifact of the run. Pure. */
export function exportBody(fact: FinalFact, { product }: RunState): Record<string, unknown> {
  if (fact.status !== "completed") return failure(fact);
  const given = fact.results ?? {};
  const metadata = given["metadata"];
  return {
    status: "completed",
    output_s3_uri: platformPath(textAt(given, "output_s3_uri", "outputS3Uri") ?? product?.uri),
    file_size_bytes: numberAt(given, "file_size_bytes", "fileSizeBytes") ?? product?.sizeBytes,
    metadata: isObject(metadata) ? metadata : {},
  };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function numberAt(values: Results, ...names: readonly string[]): number | undefined {
  const found = names.map((name) => values[name]).find((value) => typeof value === "number" && Number.isFinite(value));
  return found as number | undefined;
}

function objectAt(values: Results, ...names: readonly string[]): JsonObject | undefined {
  return names.map((name) => values[name]).find(isObject);
}

function textsAt(values: Results, ...names: readonly string[]): readonly string[] | undefined {
  const found = names.map((name) => values[name]).find((value) => Array.isArray(value));
  return found?.map(String);
}

function textAt(values: Results, ...names: readonly string[]): string | undefined {
  const found = names.map((name) => values[name]).find((value) => typeof value === "string" && value !== "");
  return found as string | undefined;
}
