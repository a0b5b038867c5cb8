/** Scalars as charts: thinned out by the server, or every point. */
import { ValidationError } from "../base/errors.js";
import { MAX_HISTOGRAM_SAMPLES, MAX_HISTOGRAM_TASKS, SINGLE_VALUE_ITERATION } from "../protocol/clearml/limits.js";
import type { Curve, MetricFilter } from "../protocol/clearml/event-document.js";
import { ChartBuilder, type Chart, type ChartSeries } from "./chart.js";
import type { EventsService } from "./events-service.js";
import { readEvents } from "./read-events.js";
import { subjectOf, type ReadingSubject } from "./reading-subject.js";
import type { CallOptions } from "./session.js";

/** Lines that the server considers in one answer, divided over the metrics; it leaves others out without a word (4.6). */
const MAX_LINES = 4000;

/** Which charts, and how. */
export interface ChartQuery {
  /** Only these charts, and of them only these lines. Default all. */
  readonly metrics?: readonly MetricFilter[];
  /** Points a line at most: the mean of each stretch stands for it. Default 2000, at most 6000. */
  readonly samples?: number;
  /** Default `iteration`. */
  readonly xAxis?: Chart["xAxis"];
}

/** Which exact values. */
export interface ExactChartQuery {
  /** Only these charts, and of them only these lines. Default all. */
  readonly metrics?: readonly MetricFilter[];
  /** Points a page, at most 10,000, which is the default. */
  readonly pageSize?: number;
}

/** Charts of one task or model, thinned out. Lines that the server left out of its answer are asked for again. */
export async function readCharts(
  events: EventsService,
  subject: ReadingSubject,
  query: ChartQuery,
  options: CallOptions,
): Promise<readonly Chart[]> {
  const { id, isModel } = subjectOf(subject);
  const xAxis = query.xAxis ?? "iteration";
  const builder = new ChartBuilder(xAxis);
  const read = async (metrics: readonly MetricFilter[] | undefined): Promise<void> => {
    const request = { ...requestOf({ ...query, ...(metrics ? { metrics } : {}) }), task: id, model_events: isModel };
    const charts = await events.scalarMetricsIterHistogram(request, options);
    for (const [title, lines] of Object.entries(charts))
      for (const [name, curve] of Object.entries(lines)) builder.add(title, seriesOf(name, id, curve));
  };
  await read(query.metrics);
  const { titles } = builder;
  if (titles.length > 1) {
    const limit = Math.floor(MAX_LINES / titles.length);
    for (const title of titles.filter((one) => builder.count(one) >= limit))
      await read([query.metrics?.find(({ metric }) => metric === title) ?? { metric: title }]);
  }
  return builder.charts();
}

/** Charts of several tasks, thinned out, lines of one name beside each other. */
export async function readComparison(
  events: EventsService,
  taskIds: readonly string[],
  query: ChartQuery,
  options: CallOptions,
): Promise<readonly Chart[]> {
  const builder = new ChartBuilder(query.xAxis ?? "iteration");
  for (let start = 0; start < taskIds.length; start += MAX_HISTOGRAM_TASKS) {
    const tasks = taskIds.slice(start, start + MAX_HISTOGRAM_TASKS);
    const { metrics } = await events.multiTaskScalarMetricsIterHistogram({ ...requestOf(query), tasks }, options);
    for (const [title, lines] of Object.entries(metrics ?? {}))
      for (const [name, byTask] of Object.entries(lines))
        for (const [id, curve] of Object.entries(byTask))
          builder.add(title, { ...seriesOf(name, id, curve), ...(curve.name == null ? {} : { taskName: curve.name }) });
  }
  return builder.charts();
}

/** Charts with every point and its time. All of it is held in memory. */
export async function readExactCharts(
  events: EventsService,
  subject: ReadingSubject,
  { metrics, pageSize }: ExactChartQuery,
  options: CallOptions,
): Promise<readonly Chart[]> {
  const { id, isModel } = subjectOf(subject);
  const known =
    metrics ??
    Object.keys((await events.getScalarMetricsAndVariants({ task: id, model_events: isModel }, options)).metrics).map((metric) => ({
      metric,
    }));
  const builder = new ChartBuilder("iteration");
  for (const filter of known) {
    const lines = new Map<string, { x: number[]; y: (number | null)[]; timestamps: number[] }>();
    const reading = {
      id,
      isModel,
      type: "training_stats_scalar",
      metrics: [filter],
      ...(pageSize === undefined ? {} : { pageSize }),
    } as const;
    for await (const { variant, iter, value, timestamp } of readEvents((request) => events.getTaskEvents(request, options), reading)) {
      if (iter == null || iter === SINGLE_VALUE_ITERATION) continue;
      const line = lines.get(variant ?? "") ?? { x: [], y: [], timestamps: [] };
      line.x.push(iter);
      line.y.push(typeof value === "number" ? value : null);
      line.timestamps.push(timestamp ?? 0);
      lines.set(variant ?? "", line);
    }
    for (const [name, line] of lines) builder.add(filter.metric, { name, id, ...line });
  }
  return builder.charts();
}

function requestOf({ metrics, samples, xAxis }: ChartQuery): { samples?: number; key: "iter" | "timestamp"; metrics?: MetricFilter[] } {
  if (samples !== undefined && !(Number.isInteger(samples) && samples >= 1 && samples <= MAX_HISTOGRAM_SAMPLES)) {
    const message = `must be a whole number from 1 to ${String(MAX_HISTOGRAM_SAMPLES)}, not ${String(samples)}`;
    throw new ValidationError(`Charts: samples ${message}. For every point ask for exact values.`, [{ path: "samples", message }]);
  }
  return {
    key: xAxis === "time" ? "timestamp" : "iter",
    ...(samples === undefined ? {} : { samples }),
    ...(metrics === undefined ? {} : { metrics: metrics.map((filter) => ({ ...filter })) }),
  };
}

function seriesOf(name: string, id: string, { x, y }: Curve): ChartSeries {
  return { name, id, x: x.map(Number), y };
}
