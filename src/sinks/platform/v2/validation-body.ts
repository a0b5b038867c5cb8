/** A validation result in the existing backend's words (`platform-protocol`, 2.6). */
import type { ValidationFact } from "../../../records/facts.js";
import { finiteMetrics, metricColumn } from "./metric-columns.js";
import type { PlatformV2Job } from "./platform-v2-job.js";
import type { RunState } from "./run-state.js";

/** Without a word of the job's configuration, what the platform compares by task (1.3). */
function defaultMetric(taskType: string): string {
  if (/classification$/.test(taskType)) return "accuracy";
  return /detection$|segmentation$|pose(_estimation)?$/.test(taskType) ? "mAP50" : "loss";
}

/** The body. Pure. */
export function validationBody(fact: ValidationFact, job: PlatformV2Job, state: RunState): Record<string, unknown> {
  const metrics = finiteMetrics(fact.metrics);
  const taskType = fact.taskType ?? job.taskType;
  const { details = {} } = fact;
  return {
    ...details,
    job_id: job.jobId,
    // The backend keys results by epoch: one without counts for the newest epoch that it has heard of.
    epoch: fact.epoch ?? state.epoch ?? 0,
    task_type: taskType.slice(0, 50),
    ...primaryMetric(fact, job.primaryMetric ?? defaultMetric(taskType), metrics),
    overall_loss: metricColumn(metrics, "loss"),
    metrics,
    per_class_metrics: fact.perClassMetrics,
    confusion_matrix: wholeNumbers(fact.confusionMatrix),
    class_names: fact.classNames,
    visualization_urls: fact.visualizationUrls,
  };
}

function primaryMetric(fact: ValidationFact, name: string, metrics: Readonly<Record<string, number>>): Record<string, unknown> {
  if (fact.primaryMetric) {
    const { name: given, value } = fact.primaryMetric;
    return { primary_metric_name: given.slice(0, 100), primary_metric_value: typeof value === "number" ? value : undefined };
  }
  // `val_mAP50` and `val/mAP50` are the job's `mAP50`.
  const found =
    Object.keys(metrics).find((key) => key === name) ?? Object.keys(metrics).find((key) => new RegExp(`[_/]${escaped(name)}$`).test(key));
  return found === undefined ? {} : { primary_metric_name: name.slice(0, 100), primary_metric_value: metrics[found] };
}

/** The backend takes counts alone; a matrix of shares would be refused with everything around it. */
function wholeNumbers(matrix: ValidationFact["confusionMatrix"]): ValidationFact["confusionMatrix"] {
  return matrix?.every((row) => row.every((cell) => Number.isInteger(cell))) === true ? matrix : undefined;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
