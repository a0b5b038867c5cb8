/** The last values of a task's metrics: the table that a backend shows beside a job. */
import { MAX_LAST_METRICS, MAX_PAGE_SIZE, SINGLE_VALUE_ITERATION, SINGLE_VALUE_METRIC } from "../protocol/clearml/limits.js";
import type { OpenEnum } from "../protocol/clearml/field-types.js";
import type { LastMetric, TaskDocument, TaskStatus } from "../protocol/clearml/task-document.js";
import { taskWebUrl } from "../protocol/clearml/web-urls.js";
import type { EventsService } from "./events-service.js";
import type { CallOptions, ClearMLSession } from "./session.js";
import type { TasksService } from "./tasks-service.js";

const FIELDS = ["id", "name", "status", "project", "last_iteration", "last_update", "last_metrics"];

/** What is known of one line of one chart. Undefined where the server keeps no such figure for the line. */
export interface MetricSummary {
  /** The value that was received last. */
  readonly last: number | undefined;
  readonly min: number | undefined;
  readonly minIteration: number | undefined;
  readonly max: number | undefined;
  readonly maxIteration: number | undefined;
  readonly first: number | undefined;
  /** Rounded by the server to two decimals, and off by points that were sent twice. */
  readonly mean: number | undefined;
  /** Points received; those that were sent twice count twice. */
  readonly count: number | undefined;
}

/** The last values of a task. */
export interface TaskMetrics {
  readonly taskId: string;
  readonly taskName: string;
  readonly status: OpenEnum<TaskStatus>;
  readonly lastIteration: number;
  /** When anything about the task last changed, milliseconds since the epoch. */
  readonly lastUpdateMs: number | undefined;
  /** Its page in the web application; undefined where that is not known. */
  readonly webUrl: string | undefined;
  /** By chart, then by line: `metrics["loss"]?.["train"]?.last`. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, MetricSummary>>>>;
  /** Single values by name: the summary table. */
  readonly summary: Readonly<Record<string, number>>;
}

/** What the reading needs. */
interface Readers {
  readonly session: ClearMLSession;
  readonly tasks: TasksService;
  readonly events: EventsService;
}

/** One task's metrics. @throws ApiError 400/101 when there is no such task. */
export async function readTaskMetrics(readers: Readers, taskId: string, options: CallOptions): Promise<TaskMetrics> {
  const { task } = await readers.tasks.getById({ task: taskId }, options);
  return metricsOf(readers, task, options);
}

/** Several tasks' metrics, in the order asked for; those that are not there are left out. */
export async function readMetricsOfTasks(
  readers: Readers,
  taskIds: readonly string[],
  options: CallOptions,
): Promise<readonly TaskMetrics[]> {
  const found = new Map<string, TaskMetrics>();
  for (let start = 0; start < taskIds.length; start += MAX_PAGE_SIZE) {
    const id = taskIds.slice(start, start + MAX_PAGE_SIZE);
    for await (const task of readers.tasks.getAll({ id, only_fields: FIELDS, search_hidden: true }, options))
      found.set(task.id, await metricsOf(readers, task, options));
  }
  return taskIds.flatMap((id) => found.get(id) ?? []);
}

async function metricsOf({ session, events }: Readers, task: TaskDocument, options: CallOptions): Promise<TaskMetrics> {
  const { metrics, summary, pairs } = summaries(task.last_metrics ?? {});
  // The server summarises no more pairs than that and says nothing of the others; their last values are asked for.
  if (pairs >= MAX_LAST_METRICS) await addLatest(metrics, events, task.id, options);
  const lastUpdateMs = Date.parse(task.last_update ?? "");
  return {
    taskId: task.id,
    taskName: task.name ?? "",
    status: task.status ?? "unknown",
    lastIteration: task.last_iteration ?? 0,
    lastUpdateMs: Number.isNaN(lastUpdateMs) ? undefined : lastUpdateMs,
    webUrl: session.webHost === undefined ? undefined : taskWebUrl(session.webHost, { taskId: task.id, projectId: task.project }),
    metrics,
    summary,
  };
}

type Table = Record<string, Record<string, MetricSummary>>;

/** Without a prototype: names are users' own, and one of them may be `constructor`. */
function emptyMap<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

function summaries(lastMetrics: NonNullable<TaskDocument["last_metrics"]>): {
  metrics: Table;
  summary: Record<string, number>;
  pairs: number;
} {
  const metrics = emptyMap<Record<string, MetricSummary>>();
  const summary = emptyMap<number>();
  let pairs = 0;
  for (const item of Object.values(lastMetrics).flatMap((variants) => Object.values(variants))) {
    pairs += 1;
    const title = item.metric ?? "";
    const name = item.variant ?? "";
    // A single value of an older client may have any title; its iteration tells it from a line.
    const isSingle = title === SINGLE_VALUE_METRIC || item.min_value_iteration === SINGLE_VALUE_ITERATION;
    if (!isSingle) (metrics[title] ??= emptyMap())[name] = summaryOf(item);
    else if (typeof item.value === "number") summary[name] = item.value;
  }
  return { metrics, summary, pairs };
}

function summaryOf(item: LastMetric): MetricSummary {
  return {
    last: item.value ?? undefined,
    min: item.min_value ?? undefined,
    minIteration: item.min_value_iteration ?? undefined,
    max: item.max_value ?? undefined,
    maxIteration: item.max_value_iteration ?? undefined,
    first: item.first_value ?? undefined,
    mean: item.mean_value ?? undefined,
    count: item.count ?? undefined,
  };
}

const UNKNOWN: MetricSummary = {
  last: undefined,
  min: undefined,
  minIteration: undefined,
  max: undefined,
  maxIteration: undefined,
  first: undefined,
  mean: undefined,
  count: undefined,
};

/** Adds lines that are not in the table yet, with their last values. */
async function addLatest(table: Table, events: EventsService, taskId: string, options: CallOptions): Promise<void> {
  const { metrics } = await events.getTaskLatestScalarValues({ task: taskId }, options);
  for (const { name: title, variants } of metrics ?? []) {
    if (title == null || title === SINGLE_VALUE_METRIC) continue;
    for (const { name, last_value: last } of variants ?? []) {
      if (name == null || table[title]?.[name] !== undefined) continue;
      (table[title] ??= emptyMap())[name] = { ...UNKNOWN, last: typeof last === "number" ? last : undefined };
    }
  }
}
