/**
 * The callback protocol in its `plan` dialect: what a trainer posts to the platform's backend, path by path, and what
 * the backend may answer. Shared by the sink that sends, the development server that receives, and any backend that
 * wants to check what it gets. Readers must let unknown fields pass: fields are added without notice, never renamed.
 */
import * as z from "zod";
import { onFirstUse } from "../base/on-first-use.js";

const schemas = onFirstUse(() => {
  /** `null` stands for NaN and the infinities, which JSON cannot say. Never 0. */
  const metricValue = z.number().nullable().describe("A finite number; null stands for NaN or an infinity.");
  const metrics = z.record(z.string(), metricValue).describe("Values by metric name, names as the trainer gave them.");
  const count = z.int().nonnegative();
  const text = z.string();

  const envelope = {
    job_id: text.nullable().describe("The platform's job (JOB_ID); a trainer that was started without one gives its run's id, or null."),
    run_id: text.describe("The trainer's own run: 32 hexadecimal characters, kept by a restart on the same journal."),
    task_id: text.nullable().describe("The ClearML task; null until it is known."),
    sequence: z.int().positive().describe("Position within the run. Grows, with gaps; a repeated delivery carries the same one."),
    reported_at: z.iso.datetime().describe("When the trainer said it, by its own clock, UTC."),
  };
  const operation = { operation_type: z.enum(["training", "inference", "evaluation", "export"]).describe("The kind of job.") };
  const position = {
    epoch: count.optional(),
    iteration: count.optional().describe("Finer than epochs; the x-axis where present."),
  };
  const storedFile = {
    key: text.describe("Object key within the store."),
    file_name: text.describe("The file's name at the trainer."),
    size_bytes: count,
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("Of the content, hexadecimal."),
    content_type: text,
  };
  return {
    started: z.looseObject({ ...operation, total_epochs: count.optional(), message: text.optional(), ...envelope }),
    progress: z.looseObject({
      ...operation,
      ...position,
      total_epochs: count.optional(),
      percent: z.number().min(0).max(100).optional().describe("For jobs that count no epochs."),
      metrics,
      message: text.optional(),
      ...envelope,
    }),
    validation: z.looseObject({
      ...operation,
      ...position,
      metrics,
      task_type: text.optional(),
      primary_metric: z.looseObject({ name: text, value: metricValue }).optional().describe("The one metric by which runs are compared."),
      per_class_metrics: z.record(z.string(), z.unknown()).optional(),
      class_names: z.array(text).optional(),
      confusion_matrix: z.array(z.array(z.number().nullable())).optional().describe("Rows are the true classes."),
      visualization_urls: z.record(z.string(), text).optional().describe("Address by name of the picture."),
      details: z.record(z.string(), z.unknown()).optional(),
      ...envelope,
    }),
    checkpoint: z.looseObject({
      ...operation,
      type: text.describe("`last`, `best`, `epoch`, or a name of the trainer's."),
      is_best: z.boolean(),
      ...position,
      uri: text.describe("Where the bytes are. Stored and verified before this is sent; what it holds never changes."),
      ...storedFile,
      metrics: metrics.optional(),
      framework: text.optional(),
      metadata: z.record(z.string(), z.unknown()).optional(),
      ...envelope,
    }),
    model: z.looseObject({
      ...operation,
      name: text,
      uri: text,
      ...z.object(storedFile).partial().shape,
      framework: text.optional(),
      tags: z.array(text),
      labels: z.record(z.string(), z.number()).optional().describe("Class name to index."),
      comment: text.optional(),
      metadata: z.record(z.string(), text).optional(),
      metrics: metrics.optional(),
      parent_model_id: text.optional().describe("ClearML model that this one was made from."),
      datasets: z.array(text).optional(),
      ...position,
      publish: z.boolean(),
      ...envelope,
    }),
    log: z.looseObject({ ...operation, level: z.enum(["debug", "info", "warning", "error", "critical"]), message: text, ...envelope }),
    completed: z.looseObject({
      ...operation,
      final_metrics: metrics.optional(),
      results: z.record(z.string(), z.unknown()).optional().describe("Results of an inference, evaluation or export job."),
      epoch: count.optional(),
      total_epochs: count.optional(),
      reason: text.optional(),
      ...envelope,
    }),
    failed: z.looseObject({
      ...operation,
      error: z.looseObject({ name: text, message: text, stack: text.optional() }),
      final_metrics: metrics.optional(),
      results: z.record(z.string(), z.unknown()).optional(),
      epoch: count.optional(),
      total_epochs: count.optional(),
      reason: text.optional(),
      ...envelope,
    }),
    stopped: z.looseObject({
      ...operation,
      reason: text.optional(),
      final_metrics: metrics.optional(),
      results: z.record(z.string(), z.unknown()).optional(),
      epoch: count.optional(),
      total_epochs: count.optional(),
      ...envelope,
    }),
    task: z.looseObject({
      ...operation,
      job_id: text,
      task_id: text.describe("The ClearML task that the worker created for the job."),
      project_id: text.optional().describe("Its ClearML project."),
      web_url: z.url().optional().describe("Its page."),
      reported_at: z.iso.datetime(),
    }),
  } as const;
});

/** The bodies by path, without the slash. `task` is posted by the platform's worker, all others by the trainer. */
export const CALLBACK_SCHEMAS = {
  get started() {
    return schemas().started;
  },
  get progress() {
    return schemas().progress;
  },
  get validation() {
    return schemas().validation;
  },
  get checkpoint() {
    return schemas().checkpoint;
  },
  get model() {
    return schemas().model;
  },
  get log() {
    return schemas().log;
  },
  get completed() {
    return schemas().completed;
  },
  get failed() {
    return schemas().failed;
  },
  get stopped() {
    return schemas().stopped;
  },
  get task() {
    return schemas().task;
  },
};

/** The paths of the protocol. */
export type CallbackPath = keyof typeof CALLBACK_SCHEMAS;

/** The body posted to a path. */
export type CallbackBody<Path extends CallbackPath> = z.infer<(typeof CALLBACK_SCHEMAS)[Path]>;

/** What a backend may answer with any 2xx; an empty or other body says nothing. */
export const callbackAnswerSchema = onFirstUse(() =>
  z.looseObject({
    action: z.literal("stop").describe("The trainer is asked to stop; it ends with `stopped`."),
    reason: z.string().optional(),
  }),
);
