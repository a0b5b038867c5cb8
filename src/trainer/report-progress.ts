/** The verbs of a training loop: start, progress, validation, console lines. Each takes one fact and returns. */
import type { JsonObject } from "../base/json.js";
import type { LogLevel, OperationType, ProgressFact } from "../records/facts.js";
import { checkObject, checkOptionalText, countProblem, wrongType } from "./check.js";
import type { MetricReading } from "./metric-values.js";
import { present } from "./present.js";
import type { Receipt } from "./receipt.js";
import type { Run } from "./run.js";
import { validationDetails } from "./validation-details.js";

/** Metrics by name, such as `{ train_loss: 0.31, "val/accuracy": 0.94 }`. `undefined` values are passed over. */
export type MetricsInput = Readonly<Record<string, number | undefined>>;

export interface StartedInput {
  readonly totalEpochs?: number;
  readonly message?: string;
}

export interface ProgressInput {
  /** A whole number of 0 or more; the x-axis unless `iteration` is given. */
  readonly epoch?: number;
  readonly totalEpochs?: number;
  /** A whole number of 0 or more; the x-axis when given. Absolute: no offset is ever added. */
  readonly iteration?: number;
  /** 0 to 100; for jobs without epochs. Default: from `epoch` and `totalEpochs`. */
  readonly percent?: number;
  readonly metrics?: MetricsInput;
  readonly message?: string;
}

export interface ValidationInput {
  readonly epoch?: number;
  readonly iteration?: number;
  readonly metrics: MetricsInput;
  /** Such as `object_detection`. Default in the dialect `platform-v2`: `TASK_TYPE`. */
  readonly taskType?: string;
  /** The one metric by which runs are compared. Default in `platform-v2`: the metric that the job's configuration names. */
  readonly primaryMetric?: { readonly name: string; readonly value: number };
  /** Plain JSON, by class name. */
  readonly perClassMetrics?: JsonObject;
  readonly classNames?: readonly string[];
  /** Counts; rows are the true classes. */
  readonly confusionMatrix?: readonly (readonly number[])[];
  /** Addresses of pictures by name, such as `{ confusion_matrix: "s3://..." }`. */
  readonly visualizationUrls?: Readonly<Record<string, string>>;
  /** Further fields of the callback in the dialect `platform-v2`, in the backend's words: `pr_curves`, `image_results`, ... */
  readonly details?: JsonObject;
}

/** A console line's level; `warn` is taken as `warning`. */
export type LogLevelInput = LogLevel | "warn";

const LEVELS: ReadonlySet<string> = new Set<LogLevel>(["debug", "info", "warning", "error", "critical"]);

export function reportStarted(run: Run, input: StartedInput): Promise<Receipt> {
  const verb = "reportStarted";
  checkObject(verb, "input", input);
  checkOptionalText(verb, "message", input.message);
  const problem = countProblem(verb, "totalEpochs", input.totalEpochs);
  if (problem !== undefined) return Promise.resolve(run.refusal(verb) ?? run.reject(verb, problem));
  return run.say(
    verb,
    { kind: "started", operation: run.parts.operation, ...present({ totalEpochs: input.totalEpochs, message: input.message }) },
    {},
  );
}

export function reportProgress(run: Run, input: ProgressInput): Promise<Receipt> {
  const verb = "reportProgress";
  checkObject(verb, "input", input);
  checkOptionalText(verb, "message", input.message);
  const { epoch, totalEpochs, iteration, percent, message } = input;
  if (percent !== undefined && typeof percent !== "number") wrongType(verb, "percent", "a number", percent);
  const problem =
    countProblem(verb, "epoch", epoch) ??
    countProblem(verb, "totalEpochs", totalEpochs) ??
    countProblem(verb, "iteration", iteration) ??
    (percent === undefined || (percent >= 0 && percent <= 100) ? undefined : `percent must be from 0 to 100, not ${String(percent)}`);
  const refusal = run.refusal(verb);
  if (refusal) return Promise.resolve(refusal);
  if (problem !== undefined) return Promise.resolve(run.reject(verb, problem));

  const x = iteration ?? epoch;
  const reading = run.metricValues.read(verb, "progress", input.metrics ?? {}, x);
  if (reading.problem !== undefined) return Promise.resolve(run.reject(verb, reading.problem, reading.rejectedItems));
  run.noteIteration(x);
  run.parts.resume?.noteProgress(epoch, iteration);
  run.drawHealth();
  const fact: ProgressFact = {
    kind: "progress",
    operation: run.parts.operation,
    ...present({ epoch, totalEpochs, iteration, percent: percent ?? percentOf(run.parts.operation, epoch, totalEpochs), message }),
    metrics: reading.metrics,
  };
  return run.say(verb, fact, { shed: "scalar" }, reading.rejectedItems);
}

export function reportValidation(run: Run, input: ValidationInput): Promise<Receipt> {
  const verb = "reportValidation";
  checkObject(verb, "input", input);
  const { epoch, iteration } = input;
  const details = validationDetails(verb, input);
  const problem = countProblem(verb, "epoch", epoch) ?? countProblem(verb, "iteration", iteration);
  const refusal = run.refusal(verb);
  if (refusal) return Promise.resolve(refusal);
  if (problem !== undefined) return Promise.resolve(run.reject(verb, problem));
  const reading = run.metricValues.read(verb, "validation", input.metrics, iteration ?? epoch);
  if (reading.problem !== undefined) return Promise.resolve(run.reject(verb, reading.problem, reading.rejectedItems));
  return run.say(
    verb,
    { kind: "validation", ...present({ epoch, iteration }), metrics: reading.metrics, ...details },
    { shed: "scalar" },
    reading.rejectedItems,
  );
}

export function log(run: Run, level: LogLevelInput, message: string): Promise<Receipt> {
  const verb = "log";
  if (typeof message !== "string") wrongType(verb, "message", "a text", message);
  const kept = level === "warn" ? "warning" : level;
  if (!LEVELS.has(kept)) wrongType(verb, "level", `one of ${[...LEVELS].join(", ")}`, level);
  return run.say(verb, { kind: "log", level: kept, message }, { shed: "console" });
}

/** Epochs count from 1 in the platform's reports, so the last one is 100 %. */
function percentOf(operation: OperationType, epoch: number | undefined, totalEpochs: number | undefined): number | undefined {
  if (operation !== "training" || epoch === undefined || totalEpochs === undefined || totalEpochs === 0) return undefined;
  return Math.min(100, (100 * epoch) / totalEpochs);
}

/** Metrics that belong to a checkpoint, a model or the end: read by the same rules, but no point of a chart. */
export function metricsFrom(run: Run, verb: string, input: MetricsInput): MetricReading {
  return run.metricValues.read(verb, verb, input, undefined);
}
