/**
 * What MLflow's REST API answers, as this package reads it (2.9 to 3.x). Empty lists are absent in an answer, 64-bit
 * integers may be `bigint`, and fields that are not named here stay where they are. In answers nothing is strict.
 */
import * as z from "zod/mini";

const text = () => z.optional(z.string());
const integer = z.union([z.number(), z.bigint()]);
/** Absent for an empty one. */
const list = <T extends z.ZodMiniType>(item: T) => z._default(z.array(item), []);
const pair = z.looseObject({ key: z.string(), value: z._default(z.string(), "") });

/** A double; the three that JSON has no word for come as texts. */
const double = z.pipe(
  z.union([z.number(), z.bigint(), z.enum(["NaN", "Infinity", "-Infinity"])]),
  z.transform((value) => Number(value)),
);

/** An experiment. */
export const experimentDocument = z.looseObject({
  experiment_id: z.string(),
  name: z.string(),
  artifact_location: text(),
  lifecycle_stage: text(),
  creation_time: z.optional(integer),
  last_update_time: z.optional(integer),
  /** Absent or empty: the default one. */
  workspace: text(),
  tags: list(pair),
});

/** One point of a metric's history. Several of one step are legal; time and step are 0 where the client gave none. */
export const metricPoint = z.looseObject({
  value: z._default(double, 0),
  timestamp: z._default(integer, 0),
  step: z._default(integer, 0),
});

function isPlainPoint(point: unknown): boolean {
  const { value, timestamp, step } = (point ?? {}) as { readonly value?: unknown; readonly timestamp?: unknown; readonly step?: unknown };
  return typeof value === "number" && typeof timestamp === "number" && typeof step === "number";
}

/** A point as nearly all are, of which the schema would change nothing: they come by the million, and it takes ten times as long. */
const plainPoint = z.custom<z.output<typeof metricPoint>>(isPlainPoint);

const plainBulkPoint = z.custom<z.output<typeof metricPoint> & { readonly run_id: string }>(
  (point: unknown) => typeof (point as { readonly run_id?: unknown } | null)?.run_id === "string" && isPlainPoint(point),
);

/** A run. `data.metrics` holds the latest point of each key. */
export const runDocument = z.looseObject({
  info: z.looseObject({
    run_id: z.string(),
    experiment_id: z.string(),
    run_name: text(),
    user_id: text(),
    status: z._default(z.string(), "RUNNING"),
    start_time: z.optional(integer),
    end_time: z.optional(integer),
    artifact_uri: text(),
    lifecycle_stage: text(),
  }),
  data: z._default(
    z.looseObject({
      metrics: list(z.looseObject({ key: z.string() })),
      params: list(pair),
      tags: list(pair),
    }),
    { metrics: [], params: [], tags: [] },
  ),
});

/** A file or folder of a run; `path` is relative to the run's root. */
export const fileInfo = z.looseObject({
  path: z.string(),
  is_dir: z._default(z.boolean(), false),
  file_size: z.optional(integer),
});

/** A registered model; the answers of a search may leave its aliases out. */
export const registeredModelDocument = z.looseObject({
  name: z.string(),
  creation_timestamp: z.optional(integer),
  last_updated_timestamp: z.optional(integer),
  description: text(),
  /** Absent or empty: the default one. */
  workspace: text(),
  tags: list(pair),
  aliases: list(z.looseObject({ alias: z.string(), version: z.union([z.string(), z.number()]) })),
});

/** A version of a registered model. */
export const modelVersionDocument = z.looseObject({
  name: z.string(),
  version: z.pipe(
    z.union([z.string(), z.number()]),
    z.transform((value) => String(value)),
  ),
  creation_timestamp: z.optional(integer),
  last_updated_timestamp: z.optional(integer),
  current_stage: text(),
  description: text(),
  source: text(),
  run_id: text(),
  user_id: text(),
  status: text(),
  tags: list(pair),
  aliases: list(z.string()),
});

/** A model that a run logged (MLflow 3); its files lie beside the run's, not among them. */
export const loggedModelDocument = z.looseObject({
  info: z.looseObject({
    model_id: z.string(),
    experiment_id: z.string(),
    name: text(),
    artifact_uri: text(),
    source_run_id: text(),
    model_type: text(),
    status: z.optional(z.union([z.string(), z.number()])),
    creation_timestamp_ms: z.optional(integer),
    last_updated_timestamp_ms: z.optional(integer),
    tags: list(pair),
  }),
  data: z._default(z.looseObject({ params: list(pair), metrics: list(z.looseObject({ key: z.string() })) }), { params: [], metrics: [] }),
});

export const experimentsPage = z.looseObject({ experiments: list(experimentDocument), next_page_token: text() });
export const runsPage = z.looseObject({ runs: list(runDocument), next_page_token: text() });
export const runAnswer = z.looseObject({ run: runDocument });
export const historyPage = z.looseObject({ metrics: list(z.union([plainPoint, metricPoint])), next_page_token: text() });
export const historiesAnswer = z.looseObject({
  metrics: list(z.union([plainBulkPoint, z.extend(metricPoint, { run_id: z.string() })])),
});
export const filesPage = z.looseObject({ files: list(fileInfo), next_page_token: text() });
export const registeredModelsPage = z.looseObject({ registered_models: list(registeredModelDocument), next_page_token: text() });
export const registeredModelAnswer = z.looseObject({ registered_model: registeredModelDocument });
export const loggedModelsPage = z.looseObject({ models: list(loggedModelDocument), next_page_token: text() });
export const loggedModelAnswer = z.looseObject({ model: loggedModelDocument });
export const modelVersionAnswer = z.looseObject({ model_version: modelVersionDocument });
export const downloadUriAnswer = z.looseObject({ artifact_uri: text() });
export const modelVersionsPage = z.looseObject({ model_versions: list(modelVersionDocument), next_page_token: text() });

export type MlflowExperiment = z.output<typeof experimentDocument>;
export type MlflowRun = z.output<typeof runDocument>;
export type MlflowPoint = z.output<typeof metricPoint>;
export type MlflowFile = z.output<typeof fileInfo>;
export type MlflowRegisteredModel = z.output<typeof registeredModelDocument>;
export type MlflowLoggedModel = z.output<typeof loggedModelDocument>;
export type MlflowModelVersion = z.output<typeof modelVersionDocument>;

/** A document of the REST API leaves out what a store keeps as null. */
export function withoutNulls(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}

/** True for a prompt, which MLflow keeps among its registered models. */
export function isPrompt({ tags }: Pick<MlflowRegisteredModel, "tags">): boolean {
  return tags.some(({ key, value }) => key === "mlflow.prompt.is_prompt" && value.toLowerCase() === "true");
}
