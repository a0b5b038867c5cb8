/**
 * What the existing platform's managers inject into a trainer's container, under their names and by their rules
 * (`platform-protocol`, 1.1 to 1.4). Read by the dialect `platform-v2`; a trainer may read it too. No secret is among it.
 */
import type { OperationType } from "../records/facts.js";
import type { Environment } from "./environment.js";

/** Settings that the platform's SDK called basic, with its names and defaults. */
export interface PlatformBasicConfig {
  readonly imgsz: number;
  readonly epochs: number;
  readonly batch: number;
  readonly lr0: number;
  readonly optimizer: string;
  readonly augment: boolean;
  readonly device: string;
  readonly workers: number;
  readonly patience: number;
}

/** A job as the existing platform describes it. */
export interface PlatformEnvironment {
  /** By which of the id variables there is: `JOB_ID`, `INFERENCE_JOB_ID`, `TEST_RUN_ID` (an evaluation), `EXPORT_JOB_ID`. */
  readonly operation: OperationType;
  readonly jobId: string | undefined;
  /** The training job that a job of another kind belongs to; of a training job, its own id. */
  readonly trainingJobId: string | undefined;
  readonly modelName: string;
  /** `TASK_TYPE`, else `CONFIG.task_type`, where jobs of other kinds than training have it. Default `detection`. */
  readonly taskType: string;
  readonly framework: string;
  /** Often no `s3://` URI: see `datasetId`. */
  readonly datasetUri: string | undefined;
  /** `DATASET_ID`, else the last part of the URI's path. */
  readonly datasetId: string | undefined;
  readonly datasetVersionHash: string | undefined;
  readonly snapshotId: string | undefined;
  /** `CHECKPOINT_S3_URI` of an inference, evaluation or export job. */
  readonly checkpointUri: string | undefined;
  /** `IMAGES_S3_URI` of an inference job. */
  readonly imagesUri: string | undefined;
  /** `EXPORT_FORMAT` of an export job. */
  readonly exportFormat: string | undefined;
  /** `CONFIG`, with the keys that a variable of their own overrides or fills in: what `sdk.config` is in `platform-v2`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly basic: PlatformBasicConfig;
  /** `CONFIG.advanced_config`, else `ADVANCED_CONFIG`, else empty. */
  readonly advanced: Readonly<Record<string, unknown>>;
}

/** Key in `CONFIG`, name among the basic settings, the variable that wins, the older one that fills in, and the default. */
const SETTINGS = [
  ["imgsz", "imgsz", "IMGSZ", "CONFIG_IMGSZ", 640],
  ["epochs", "epochs", "EPOCHS", "CONFIG_EPOCHS", 100],
  ["batch", "batch", "BATCH_SIZE", "CONFIG_BATCH", 16],
  ["learning_rate", "lr0", "LEARNING_RATE", "CONFIG_LR0", 0.01],
  ["optimizer", "optimizer", "OPTIMIZER", "CONFIG_OPTIMIZER", "auto"],
  ["augment", "augment", "AUGMENT", "CONFIG_AUGMENT", true],
  ["device", "device", "DEVICE", "CONFIG_DEVICE", "0"],
  ["workers", "workers", "WORKERS", "CONFIG_WORKERS", 8],
  ["patience", "patience", "PATIENCE", "CONFIG_PATIENCE", 50],
] as const;

/** Reads it. Never throws: what cannot be read counts as absent, as there. Pure. */
export function readPlatformEnvironment(env: Environment): PlatformEnvironment {
  const value = (name: string): string | undefined => env[name]?.trim() || undefined;
  const given = jsonObject(value("CONFIG")) ?? {};
  const config: Record<string, unknown> = { ...given };
  const basic: Record<string, unknown> = {};
  for (const [key, name, variable, older, fallback] of SETTINGS) {
    const own = converted(value(variable), fallback);
    const setting = own ?? given[key] ?? converted(value(older), fallback);
    if (setting !== undefined) config[key] = setting;
    basic[name] = converted(plainText(setting), fallback) ?? fallback;
  }
  const ids: readonly (readonly [OperationType, string])[] = [
    ["inference", "INFERENCE_JOB_ID"],
    ["evaluation", "TEST_RUN_ID"],
    ["export", "EXPORT_JOB_ID"],
  ];
  const asked = value("OPERATION_TYPE");
  const [operation, idVariable] = ids.find(([kind, name]) => (asked === undefined ? value(name) !== undefined : asked === kind)) ?? [
    "training" as const,
    "JOB_ID",
  ];
  const jobId = value(idVariable) ?? value("JOB_ID");
  const datasetUri = value("DATASET_S3_URI");
  return {
    operation,
    jobId,
    trainingJobId: operation === "training" ? jobId : value("TRAINING_JOB_ID"),
    modelName: value("MODEL_NAME") ?? "",
    taskType: value("TASK_TYPE") ?? textOf(config["task_type"]) ?? "detection",
    framework: value("FRAMEWORK") ?? "",
    datasetUri,
    datasetId: value("DATASET_ID") ?? datasetUri?.split("/").findLast((part) => part !== ""),
    datasetVersionHash: value("DATASET_VERSION_HASH"),
    snapshotId: value("SNAPSHOT_ID"),
    checkpointUri: value("CHECKPOINT_S3_URI"),
    imagesUri: value("IMAGES_S3_URI"),
    exportFormat: value("EXPORT_FORMAT"),
    config,
    basic: basic as unknown as PlatformBasicConfig,
    // The key decides, even when it is empty: the managers send it always.
    advanced: ("advanced_config" in given ? asObject(given["advanced_config"]) : jsonObject(value("ADVANCED_CONFIG"))) ?? {},
  };
}

function textOf(setting: unknown): string | undefined {
  return typeof setting === "string" && setting !== "" ? setting : undefined;
}

/** A setting as a variable would say it; undefined for what no variable could. */
function plainText(setting: unknown): string | undefined {
  return typeof setting === "string" || typeof setting === "number" || typeof setting === "boolean" ? String(setting) : undefined;
}

/** A variable's text as what its default is; undefined for one that is not set or no number. */
function converted(text: string | undefined, like: number | string | boolean): number | string | boolean | undefined {
  if (text === undefined || typeof like === "string") return text;
  if (typeof like === "boolean") return text.toLowerCase() === "true";
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function jsonObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(text ?? "null"));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}
