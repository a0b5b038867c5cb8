/** A task as the wire knows it (`clearml-protocol`, 3.1). In requests the documents inside are strict; in answers nothing is. */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { anyObject, integer, number, openText, text, textMap, texts } from "./field-types.js";

/** Kinds of task. `report` is left out of the official SDK's own list but served. */
export const TASK_TYPES = [
  "training",
  "testing",
  "inference",
  "data_processing",
  "application",
  "monitor",
  "controller",
  "report",
  "optimizer",
  "service",
  "qc",
  "custom",
] as const;
export type TaskType = (typeof TASK_TYPES)[number];

/** States of a task; which may follow which is in 3.3. */
export const TASK_STATUSES = [
  "created",
  "queued",
  "in_progress",
  "stopped",
  "publishing",
  "published",
  "closed",
  "failed",
  "completed",
  "unknown",
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

const artifactModes = ["input", "output"] as const;

/** A file attached to a task. `timestamp` is in SECONDS, unlike an event's (3.12). */
export const artifactInput = lazily(() =>
  z.strictObject({
    key: z.string(),
    type: z.string(),
    mode: z.nullish(z.enum(artifactModes)),
    uri: text(),
    /** SHA-256 of the file, hexadecimal. */
    hash: text(),
    content_size: integer(),
    timestamp: integer(),
    type_data: z.nullish(z.strictObject({ preview: text(), content_type: text(), data_hash: text() })),
    /** Rows of name and value for the web page. */
    display_data: z.nullish(z.array(z.array(z.string()))),
  }),
);

/** One hyperparameter. All values are text; `type` is a hint (3.11). */
export const parameterInput = lazily(() =>
  z.strictObject({ section: text(), name: text(), value: text(), type: text(), description: text() }),
);

/** One configuration text. */
export const configurationInput = lazily(() => z.strictObject({ name: text(), value: text(), type: text(), description: text() }));

/** A model that a task reads or made, under a name of the task's own. */
export const taskModelInput = lazily(() => z.strictObject({ name: z.string(), model: z.string(), updated: text() }));

/** What was run: code, entry point, requirements (3.13). */
export const scriptInput = lazily(() =>
  z.strictObject({
    binary: text(),
    repository: text(),
    tag: text(),
    branch: text(),
    version_num: text(),
    entry_point: text(),
    working_dir: text(),
    requirements: anyObject(),
    diff: text(),
  }),
);

/** Unknown keys are tolerated here, unlike in the other documents (1.3). */
export const executionInput = lazily(() =>
  z.looseObject({
    queue: text(),
    framework: text(),
    model_desc: anyObject(),
    model_labels: z.nullish(z.record(z.string(), z.int())),
    artifacts: z.nullish(z.array(artifactInput())),
    test_split: integer(),
    parameters: anyObject(),
  }),
);

/** Fields that `tasks.create` and `tasks.edit` share. */
export const taskFields = lazily(() => ({
  tags: texts(),
  system_tags: texts(),
  comment: text(),
  /** Task id. */
  parent: text(),
  /** Project id. */
  project: text(),
  input: z.nullish(z.unknown()),
  models: z.nullish(z.strictObject({ input: z.nullish(z.array(taskModelInput())), output: z.nullish(z.array(taskModelInput())) })),
  container: textMap(),
  /** Where artifacts and models go; read back as `output.destination`. */
  output_dest: text(),
  execution: z.nullish(executionInput()),
  /** Parameters by section and name. */
  hyperparams: z.nullish(z.record(z.string(), z.record(z.string(), parameterInput()))),
  configuration: z.nullish(z.record(z.string(), configurationInput())),
  script: z.nullish(scriptInput()),
  runtime: anyObject(),
}));

/** An attached file, as answered. */
export const artifactDocument = lazily(() =>
  z.looseObject({
    key: z.string(),
    type: text(),
    mode: openText<"input" | "output">(),
    uri: text(),
    hash: text(),
    content_size: number(),
    timestamp: number(),
    type_data: z.nullish(z.looseObject({ preview: text(), content_type: text(), data_hash: text() })),
    display_data: z.nullish(z.array(z.array(z.unknown()))),
  }),
);

/** Summary of one line of one chart (3.9). `value` is the newest batch's, which is not always the highest iteration's. */
export const lastMetric = lazily(() =>
  z.looseObject({
    metric: text(),
    variant: text(),
    value: number(),
    min_value: number(),
    min_value_iteration: number(),
    max_value: number(),
    max_value_iteration: number(),
    first_value: number(),
    first_value_iteration: number(),
    count: number(),
    mean_value: number(),
    x_axis_label: text(),
  }),
);

const parameterDocument = lazily(() => z.looseObject({ section: text(), name: text(), value: text(), type: text(), description: text() }));
const configurationDocument = lazily(() => z.looseObject({ name: text(), value: text(), type: text(), description: text() }));
const taskModelDocument = lazily(() => z.looseObject({ name: text(), model: text(), updated: text() }));

/** A task as answered. Everything but the id may be missing: `only_fields` leaves out what was not asked for. */
export const taskDocument = lazily(() =>
  z.looseObject({
    id: z.string(),
    name: text(),
    type: openText<TaskType>(),
    status: openText<TaskStatus>(),
    status_reason: text(),
    status_message: text(),
    status_changed: text(),
    user: text(),
    company: text(),
    comment: text(),
    report: text(),
    report_assets: texts(),
    parent: text(),
    project: text(),
    created: text(),
    started: text(),
    completed: text(),
    published: text(),
    last_update: text(),
    last_change: text(),
    last_changed_by: text(),
    active_duration: number(),
    last_worker: text(),
    last_worker_report: text(),
    last_iteration: number(),
    tags: texts(),
    system_tags: texts(),
    script: z.nullish(
      z.looseObject({
        binary: text(),
        repository: text(),
        tag: text(),
        branch: text(),
        version_num: text(),
        entry_point: text(),
        working_dir: text(),
        requirements: anyObject(),
        diff: text(),
      }),
    ),
    execution: z.nullish(
      z.looseObject({
        queue: text(),
        framework: text(),
        model_desc: anyObject(),
        model_labels: anyObject(),
        artifacts: z.nullish(z.array(artifactDocument())),
      }),
    ),
    hyperparams: z.nullish(z.record(z.string(), z.record(z.string(), parameterDocument()))),
    configuration: z.nullish(z.record(z.string(), configurationDocument())),
    models: z.nullish(z.looseObject({ input: z.nullish(z.array(taskModelDocument())), output: z.nullish(z.array(taskModelDocument())) })),
    container: anyObject(),
    runtime: anyObject(),
    output: z.nullish(z.looseObject({ destination: text(), error: text(), result: text() })),
    /** By hash of the metric, then of the variant. */
    last_metrics: z.nullish(z.record(z.string(), z.record(z.string(), lastMetric()))),
  }),
);

/** A task as answered. */
export type TaskDocument = z.output<ReturnType<typeof taskDocument>>;
/** An attached file, as answered. */
export type ArtifactDocument = z.output<ReturnType<typeof artifactDocument>>;
/** An attached file, as sent. */
export type ArtifactInput = z.input<ReturnType<typeof artifactInput>>;
/** A hyperparameter, as sent. */
export type ParameterInput = z.input<ReturnType<typeof parameterInput>>;
/** A configuration text, as sent. */
export type ConfigurationInput = z.input<ReturnType<typeof configurationInput>>;
/** Summary of one line of one chart. */
export type LastMetric = z.output<ReturnType<typeof lastMetric>>;
