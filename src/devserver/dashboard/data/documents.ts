/**
 * The parts of ClearML's documents that the page reads. Every field may be missing: the page shows what is there and
 * never breaks on a document that another client wrote.
 */

/** A file registered at a task; `timestamp` is in seconds. */
export interface ArtifactDocument {
  readonly key: string;
  readonly type?: string;
  readonly mode?: string;
  readonly uri?: string;
  readonly hash?: string;
  readonly content_size?: number;
  readonly timestamp?: number;
  readonly type_data?: { readonly preview?: string; readonly content_type?: string };
  readonly display_data?: readonly (readonly unknown[])[];
}

/** A value of a hyperparameter section or a configuration object. */
interface ParameterDocument {
  readonly name?: string;
  readonly value?: string;
  readonly type?: string;
  readonly description?: string;
}

/** A model as a task names it. */
interface TaskModelDocument {
  readonly name?: string;
  readonly model?: string;
}

/** A task. */
export interface TaskDocument {
  readonly id: string;
  readonly name?: string;
  readonly project?: string;
  readonly type?: string;
  readonly status?: string;
  readonly status_reason?: string;
  readonly status_message?: string;
  readonly tags?: readonly string[];
  readonly system_tags?: readonly string[];
  readonly comment?: string;
  readonly parent?: string;
  readonly created?: string;
  readonly started?: string;
  readonly completed?: string;
  readonly last_update?: string;
  readonly last_iteration?: number;
  readonly last_worker?: string;
  readonly runtime?: Readonly<Record<string, unknown>>;
  readonly script?: Readonly<Record<string, unknown>>;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly output?: { readonly destination?: string };
  readonly execution?: { readonly artifacts?: readonly ArtifactDocument[] };
  readonly models?: { readonly input?: readonly TaskModelDocument[]; readonly output?: readonly TaskModelDocument[] };
  readonly hyperparams?: Readonly<Record<string, Readonly<Record<string, ParameterDocument>>>>;
  readonly configuration?: Readonly<Record<string, ParameterDocument>>;
}

/** A model. */
export interface ModelDocument {
  readonly id: string;
  readonly name?: string;
  readonly project?: string;
  readonly task?: string;
  readonly parent?: string;
  readonly uri?: string;
  readonly framework?: string;
  readonly ready?: boolean;
  readonly tags?: readonly string[];
  readonly comment?: string;
  readonly created?: string;
  readonly last_update?: string;
  readonly labels?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, { readonly key?: string; readonly type?: string; readonly value?: string }>>;
}

/** How many tasks a project has, those in the projects below it included. */
interface ProjectCounts {
  readonly total_tasks?: number;
  readonly status_count?: Readonly<Record<string, number>>;
}

/** A project. */
export interface ProjectDocument {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly last_update?: string;
  readonly stats?: { readonly active?: ProjectCounts };
}

/** The points of one line. */
interface HistogramLine {
  readonly name?: string;
  readonly x: readonly (number | string)[];
  readonly y: readonly (number | null)[];
}

/** Answer of `events.scalar_metrics_iter_histogram`: chart, then line. */
export type ScalarHistogram = Readonly<Record<string, Readonly<Record<string, HistogramLine>>>>;

/** Answer of `events.multi_task_scalar_metrics_iter_histogram`: chart, then variant, then task. */
export type ComparedHistogram = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, HistogramLine>>>>>>;

/** A figure: `plot_str` is the JSON text of Plotly's form. */
export interface PlotEventDocument {
  readonly metric?: string;
  readonly variant?: string;
  readonly iter?: number;
  readonly timestamp?: number;
  readonly plot_str?: string;
}

/** A sample: an image, a sound, a page; its bytes lie at `url`. */
export interface SampleEventDocument {
  readonly metric?: string;
  readonly variant?: string;
  readonly iter?: number;
  readonly timestamp?: number;
  readonly url?: string;
}

/** A single value, shown in the summary table. */
export interface SingleValueDocument {
  readonly metric: string;
  readonly variant: string;
  readonly value: number;
  readonly timestamp?: number;
}

/** A console event; `timestamp` in milliseconds. One event may hold several lines. */
export interface LogEventDocument {
  readonly timestamp: number;
  readonly level?: string;
  readonly msg?: string;
  readonly worker?: string;
}

/** Progress in percent, from the runtime key that ClearML's own SDK and ours write. */
export function taskProgress(task: TaskDocument): number | undefined {
  const raw = task.runtime?.["progress"];
  const value = typeof raw === "number" || (typeof raw === "string" && raw.trim() !== "") ? Number(raw) : Number.NaN;
  return Number.isFinite(value) ? Math.min(100, Math.max(0, value)) : undefined;
}

/** True while the server still expects news of the task. */
export function isActive(task: TaskDocument): boolean {
  return task.status === "in_progress" || task.status === "queued" || task.status === "publishing";
}
