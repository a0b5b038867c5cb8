/**
 * What a trainer can say: one immutable fact per verb. Plain JSON data, no I/O. A fact lies in the journal in this very
 * form, so a change here is a change of the journal format: fields may be added as optional, never renamed or reused.
 */
import type { JsonObject, JsonValue } from "../base/json.js";

/** The kinds of job. Each is one ClearML task. */
export type OperationType = "training" | "inference" | "evaluation" | "export";

/** A metric's value. JSON has no NaN and no infinities, so they travel by name and are never turned into 0 or null here. */
export type MetricValue = number | "NaN" | "Infinity" | "-Infinity";

/** Values by metric name. */
export type Metrics = Readonly<Record<string, MetricValue>>;

/** Levels of a console line, as ClearML spells them. */
export type LogLevel = "debug" | "info" | "warning" | "error" | "critical";

/** Bytes that belong to a fact: where they will be found for ever, and what they are. Where they wait is the record's `attachment`. */
export interface StoredFile {
  /** Final address, known before the upload: `s3://...`, `https://...`, `file:///...`. */
  readonly uri: string;
  /** Object key within the store. */
  readonly key: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
  readonly contentType: string;
  /** A second key under which the newest of its kind is found; it is overwritten, so it is never announced. */
  readonly aliasKey?: string;
}

export interface StartedFact {
  readonly kind: "started";
  readonly operation: OperationType;
  readonly totalEpochs?: number;
  readonly message?: string;
}

export interface ProgressFact {
  readonly kind: "progress";
  readonly operation: OperationType;
  /** 0 or more; the x-axis when `iteration` is absent. Inference and export may report a percentage alone. */
  readonly epoch?: number;
  readonly totalEpochs?: number;
  /** 0 or more; the x-axis when present. */
  readonly iteration?: number;
  /** 0 to 100. */
  readonly percent?: number;
  readonly metrics: Metrics;
  readonly message?: string;
}

export interface ValidationFact {
  readonly kind: "validation";
  readonly epoch?: number;
  readonly iteration?: number;
  readonly metrics: Metrics;
  /** Such as `object_detection`. */
  readonly taskType?: string;
  /** The one metric by which runs are compared. */
  readonly primaryMetric?: { readonly name: string; readonly value: MetricValue };
  readonly perClassMetrics?: JsonObject;
  readonly classNames?: readonly string[];
  /** Rows are the true classes. */
  readonly confusionMatrix?: readonly (readonly number[])[];
  /** Address by name of the picture. */
  readonly visualizationUrls?: Readonly<Record<string, string>>;
  /** Further fields for the backend, in its own words. */
  readonly details?: JsonObject;
}

/** One point of one line of one chart, as `logger.reportScalar` gives it. */
export interface ScalarFact {
  readonly kind: "scalar";
  readonly title: string;
  readonly series: string;
  readonly value: MetricValue;
  /** Absent: a single value, shown in the summary table. */
  readonly iteration?: number;
}

/** A figure, as `logger.reportHistogram` and its like draw it. */
export interface PlotFact {
  readonly kind: "plot";
  readonly title: string;
  /** Empty for a plot of several named lines. */
  readonly series: string;
  readonly iteration: number;
  /** JSON text of a Plotly figure. */
  readonly figure: string;
}

/** A sample: an image, a video, a sound, a page. ClearML calls it a debug sample. */
export interface MediaFact {
  readonly kind: "media";
  readonly title: string;
  readonly series: string;
  readonly iteration: number;
  readonly uri: string;
  /** Absent when something that lies elsewhere is shown. */
  readonly file?: StoredFile;
}

/** What the machine bears, under ClearML's own series names: `cpu_usage`, `memory_used_gb`, `gpu_0_utilization`, ... */
export interface ResourcesFact {
  readonly kind: "resources";
  readonly iteration: number;
  readonly readings: Readonly<Record<string, number>>;
}

export interface LogFact {
  readonly kind: "log";
  readonly level: LogLevel;
  readonly message: string;
  /** Captured from what the process printed: for ClearML's console alone, no callback. */
  readonly source?: "stdout" | "stderr";
}

export interface CheckpointFact {
  readonly kind: "checkpoint";
  /** `last`, `best`, `epoch`, or a name of the caller's. */
  readonly type: string;
  readonly isBest: boolean;
  readonly epoch?: number;
  readonly iteration?: number;
  readonly metrics?: Metrics;
  readonly file: StoredFile;
  readonly framework?: string;
  readonly metadata?: JsonObject;
}

export interface ModelFact {
  readonly kind: "model";
  readonly name: string;
  readonly uri: string;
  /** Absent when an existing URI is registered. */
  readonly file?: StoredFile;
  readonly framework?: string;
  readonly tags: readonly string[];
  /** Class name to index. */
  readonly labels?: Readonly<Record<string, number>>;
  readonly comment?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly metrics?: Metrics;
  /** The model that this one was made from, by ClearML id. */
  readonly parentModelId?: string;
  /** Data sets that it was trained on. */
  readonly datasets?: readonly string[];
  readonly epoch?: number;
  readonly iteration?: number;
  readonly publish: boolean;
}

export interface ArtifactFact {
  readonly kind: "artifact";
  readonly name: string;
  /** ClearML's artifact type: `custom`, `dict`, `string`, `archive`, `image`, ... */
  readonly type: string;
  readonly uri: string;
  readonly file?: StoredFile;
  /** Text shown in the web UI, at most 65,536 characters. */
  readonly preview?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface TagsFact {
  readonly kind: "tags";
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** A typed value of a hyperparameter; ClearML keeps text and a type's name. */
export interface ParameterValue {
  readonly value: string;
  /** Python's name of the type (`int`, `float`, `str`, `bool`, `list`, `dict`), so that its SDK restores it. */
  readonly type?: string;
  readonly description?: string;
}

export interface HyperparametersFact {
  readonly kind: "hyperparameters";
  /** `General`, `Args`, or any; nested names are flattened with `/`. */
  readonly section: string;
  readonly values: Readonly<Record<string, ParameterValue>>;
}

export interface ConfigurationFact {
  readonly kind: "configuration";
  readonly name: string;
  readonly text: string;
  readonly type?: string;
  readonly description?: string;
}

/** The ways a job ends. */
export type FinalStatus = "completed" | "failed" | "stopped";

/** The end of a job. Always the last record of its run, and a barrier. */
export interface FinalFact {
  readonly kind: "final";
  readonly operation: OperationType;
  readonly status: FinalStatus;
  readonly finalMetrics?: Metrics;
  /** Results of an inference, evaluation or export job, as the caller gave them. */
  readonly results?: Readonly<Record<string, JsonValue>>;
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: string };
  readonly reason?: string;
  readonly epoch?: number;
  readonly totalEpochs?: number;
}

/** Anything that can be said. */
export type Fact =
  | StartedFact
  | ProgressFact
  | ValidationFact
  | ScalarFact
  | PlotFact
  | MediaFact
  | ResourcesFact
  | LogFact
  | CheckpointFact
  | ModelFact
  | ArtifactFact
  | TagsFact
  | HyperparametersFact
  | ConfigurationFact
  | FinalFact;

/** The word that tells facts apart. */
export type FactKind = Fact["kind"];
