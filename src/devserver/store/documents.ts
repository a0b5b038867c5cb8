/**
 * What the embedded server keeps of tasks, models, projects and queues: the documents as they go over the wire, keys
 * unescaped. Documents are values: a change is a new document that is put in the old one's place.
 */
import type { JsonObject, JsonValue } from "../../base/json.js";

/** @see clearml-protocol 3.1 */
export type TaskStatus =
  "created" | "queued" | "in_progress" | "stopped" | "publishing" | "published" | "closed" | "failed" | "completed" | "unknown";

/** One hyperparameter. */
export interface ParameterItem {
  readonly section: string;
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  readonly description?: string;
}

/** One configuration object. */
export interface ConfigurationItem {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  readonly description?: string;
}

/** A model's place in a task. */
export interface TaskModel {
  readonly name: string;
  readonly model: string;
  readonly updated?: string;
}

export interface Artifact {
  readonly key: string;
  readonly type: string;
  readonly mode: "input" | "output";
  readonly [field: string]: JsonValue | undefined;
}

/** Summary of one metric and variant; kept under the md5 of both names. */
export interface MetricSummary {
  readonly metric: string;
  readonly variant: string;
  readonly value: number;
  readonly min_value: number;
  readonly min_value_iteration: number;
  readonly max_value: number;
  readonly max_value_iteration: number;
  readonly first_value: number;
  readonly first_value_iteration: number;
  readonly count: number;
  readonly mean_value: number;
  readonly x_axis_label?: string;
}

export type LastMetrics = Readonly<Record<string, Readonly<Record<string, MetricSummary>>>>;
export type Hyperparameters = Readonly<Record<string, Readonly<Record<string, ParameterItem>>>>;
export type Configuration = Readonly<Record<string, ConfigurationItem>>;

export interface Execution {
  readonly queue?: string;
  readonly artifacts?: readonly Artifact[];
  readonly [field: string]: JsonValue | readonly Artifact[] | undefined;
}

interface Named {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly company: string;
  readonly created: string;
  readonly tags: readonly string[];
  readonly system_tags: readonly string[];
  readonly last_update: string;
}

export interface TaskDocument extends Named {
  readonly type: string;
  readonly status: TaskStatus;
  readonly status_reason: string;
  readonly status_message: string;
  readonly status_changed: string;
  readonly comment?: string;
  readonly report?: string;
  readonly parent?: string;
  readonly project?: string;
  readonly started?: string;
  readonly completed?: string;
  readonly published?: string;
  readonly last_change: string;
  readonly last_changed_by: string;
  readonly active_duration?: number;
  readonly script?: JsonObject;
  readonly execution: Execution;
  readonly hyperparams: Hyperparameters;
  readonly configuration: Configuration;
  readonly models: { readonly input: readonly TaskModel[]; readonly output: readonly TaskModel[] };
  readonly container: Readonly<Record<string, string>>;
  readonly runtime: JsonObject;
  readonly output: JsonObject;
  readonly last_worker?: string;
  readonly last_worker_report?: string;
  readonly last_iteration: number;
  readonly last_metrics: LastMetrics;
  /** Status before it was queued; what `tasks.dequeue` goes back to. */
  readonly enqueue_status?: TaskStatus;
}

export interface ModelDocument extends Named {
  readonly uri: string;
  readonly parent?: string;
  readonly project?: string;
  readonly task?: string;
  readonly comment?: string;
  readonly framework?: string;
  readonly design: JsonObject;
  readonly labels: Readonly<Record<string, number>>;
  readonly ready: boolean;
  readonly metadata: Readonly<Record<string, { readonly key: string; readonly type?: string; readonly value?: string }>>;
  readonly ui_cache?: JsonObject;
  readonly last_change: string;
  readonly last_iteration: number;
  readonly last_metrics: LastMetrics;
}

export interface ProjectDocument extends Named {
  readonly basename: string;
  readonly description: string;
  readonly default_output_destination?: string;
  readonly parent?: string;
  readonly path: readonly string[];
}

export interface QueueDocument extends Named {
  readonly display_name?: string;
  readonly metadata: JsonObject;
  readonly entries: readonly { readonly task: string; readonly added: string }[];
}
