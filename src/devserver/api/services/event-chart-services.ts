/** events: what charts, tables and galleries are drawn from. @see clearml-protocol 4.6 */
import * as z from "zod/mini";
import { DEFAULT_HISTOGRAM_SAMPLES, MAX_HISTOGRAM_TASKS, SINGLE_VALUE_ITERATION } from "../../../protocol/clearml/limits.js";
import { metricHash } from "../../../protocol/clearml/identity.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { EventRow, EventType, MetricFilter, SeriesSummary } from "../../store/store.js";
import { validationError } from "../api-failure.js";
import { serve, serveOther } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { eventOnTheWire, readableName } from "../event-wire.js";
import { taskOf } from "../lookup.js";
import { plainMap } from "../plain-map.js";
import { samplesOf, storeFilter } from "./event-services.js";

/** Beyond so many lines in all, divided over the metrics, the server leaves lines out without a word. */
const MAX_LINES = 4000;

type AxisKey = "iter" | "timestamp" | "iso_time";

interface Line {
  readonly name: string;
  readonly x: (number | string)[];
  readonly y: number[];
  readonly x_axis_label?: string;
}

type Charts = Record<string, Record<string, Line>>;

function scalarSeries(call: Call, entity: string, metrics: readonly MetricFilter[] | undefined): SeriesSummary[] {
  return call.store.events.series({ entity, types: ["training_stats_scalar"], metrics });
}

/** All lines of one task or model, averaged down. */
function charts(call: Call, entity: string, key: AxisKey, samples: number, metrics: readonly MetricFilter[] | undefined): Charts {
  const series = scalarSeries(call, entity, metrics);
  const perMetric = Math.max(1, Math.floor(MAX_LINES / Math.max(1, new Set(series.map((one) => one.metric)).size)));
  const labels = (call.store.tasks.get(entity) ?? call.store.models.get(entity))?.last_metrics ?? {};
  const result: Charts = plainMap();
  for (const { metric, variant } of series) {
    const lines = result[metric] ?? plainMap<Line>();
    if (Object.keys(lines).length >= perMetric) continue;
    const { x, y } = call.store.events.buckets(entity, { metric, variant }, key === "iter" ? "iter" : "timestamp", samples);
    if (x.length === 0) continue;
    const label = labels[metricHash(metric)]?.[metricHash(variant)]?.x_axis_label;
    lines[variant] = {
      name: variant,
      x: key === "iso_time" ? x.map((at) => new Date(at).toISOString()) : x,
      y,
      ...(label === undefined ? {} : { x_axis_label: label }),
    };
    result[metric] = lines;
  }
  return result;
}

function histogram(request: RequestOf<"events.scalar_metrics_iter_histogram">, call: Call): object {
  readableName(call, request.task, request.model_events);
  return charts(
    call,
    request.task,
    request.key ?? "iter",
    samplesOf(request.samples, DEFAULT_HISTOGRAM_SAMPLES),
    storeFilter(request.metrics),
  );
}

function comparison(request: RequestOf<"events.multi_task_scalar_metrics_iter_histogram">, call: Call): object {
  if (request.tasks.length < 1 || request.tasks.length > MAX_HISTOGRAM_TASKS)
    throw validationError(`tasks: between 1 and ${String(MAX_HISTOGRAM_TASKS)} are needed`);
  const samples = samplesOf(request.samples, DEFAULT_HISTOGRAM_SAMPLES);
  const metrics = plainMap<Record<string, Record<string, Line>>>();
  for (const id of request.tasks) {
    const name = readableName(call, id, request.model_events);
    for (const [metric, variants] of Object.entries(charts(call, id, request.key ?? "iter", samples, storeFilter(request.metrics)))) {
      for (const [variant, line] of Object.entries(variants))
        ((metrics[metric] ??= plainMap())[variant] ??= plainMap<Line>())[id] = { ...line, name };
    }
  }
  return { metrics };
}

function singleValues(request: RequestOf<"events.get_task_single_value_metrics">, call: Call): object {
  const tasks = request.tasks.map((id) => {
    const name = readableName(call, id, request.model_events);
    const values = scalarSeries(call, id, storeFilter(request.metrics)).flatMap(({ metric, variant }) => {
      // The single value has the lowest iteration there is, so it comes first.
      const [row] = call.store.events.byIteration(
        { entity: id, types: ["training_stats_scalar"], metrics: [{ metric, variants: [variant] }] },
        { order: "asc", limit: 1 },
      );
      return row?.iteration === SINGLE_VALUE_ITERATION ? [{ metric, variant, value: row.value ?? null, timestamp: row.timestamp }] : [];
    });
    return { task: id, task_name: name, values };
  });
  return { tasks: tasks.filter((task) => task.values.length > 0) };
}

function latestValues(request: { task: string }, call: Call): object {
  const task = taskOf(call, request.task);
  const metrics = plainMap<object[]>();
  let lastTimestamp = 0;
  for (const { metric, variant } of scalarSeries(call, task.id, undefined)) {
    const rows = call.store.events.byIteration(
      { entity: task.id, types: ["training_stats_scalar"], metrics: [{ metric, variants: [variant] }] },
      { order: "desc", limit: 100 },
    );
    const mean = rows.reduce((sum, row) => sum + (row.value ?? 0), 0) / Math.max(1, rows.length);
    (metrics[metric] ??= []).push({ name: variant, last_value: rows[0]?.value ?? null, last_100_value: mean });
    lastTimestamp = Math.max(lastTimestamp, rows[0]?.timestamp ?? 0);
  }
  return {
    metrics: Object.entries(metrics).map(([name, variants]) => ({ name, variants })),
    last_iter: task.last_iteration,
    name: task.name,
    status: task.status,
    last_timestamp: lastTimestamp,
  };
}

/** Metric names of a type, without those that hold single values alone. */
function metricNames(call: Call, entity: string, type: EventType): string[] {
  const names = call.store.events
    .series({ entity, types: [type] })
    .filter(({ metric, variant }) => {
      if (type !== "training_stats_scalar") return true;
      const rows = call.store.events.byIteration(
        { entity, types: [type], metrics: [{ metric, variants: [variant] }] },
        { order: "asc", limit: 2 },
      );
      return rows.length > 1 || rows[0]?.iteration !== SINGLE_VALUE_ITERATION;
    })
    .map(({ metric }) => metric);
  return [...new Set(names)];
}

const galleryRequest = () =>
  z.object({
    metrics: z.array(z.looseObject({ task: z.string(), metric: z.nullish(z.string()), variants: z.nullish(z.array(z.string())) })),
    iters: z.nullish(z.int()),
    navigate_earlier: z.nullish(z.boolean()),
    refresh: z.nullish(z.boolean()),
    scroll_id: z.nullish(z.string()),
    model_events: z.nullish(z.boolean()),
  });

/** For each asked metric the lowest and highest iteration that the reader has seen. */
type Seen = readonly (readonly [number, number] | null)[];

function seenOf(scrollId: string | null | undefined): Seen {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(scrollId ?? "", "base64url").toString("utf8"));
    return Array.isArray(parsed) ? (parsed as Seen) : [];
  } catch {
    // An id that is gone starts over without a word.
    return [];
  }
}

/** Iterations of images or plots, metric by metric: the newest at first, then page by page into the past or back. */
function gallery(type: "plot" | "training_debug_image") {
  return (request: z.output<ReturnType<typeof galleryRequest>>, call: Call): object => {
    const seen = request.refresh === true ? [] : seenOf(request.scroll_id);
    const next: (readonly [number, number] | null)[] = [];
    const metrics = request.metrics.map((wanted, at) => {
      readableName(call, wanted.task, request.model_events);
      const filter = wanted.metric ? [{ metric: wanted.metric, variants: wanted.variants ?? undefined }] : undefined;
      const rows = call.store.events.byIteration(
        { entity: wanted.task, types: [type], metrics: filter },
        { order: "desc", limit: Number.MAX_SAFE_INTEGER },
      );
      const all = [...Map.groupBy(withoutRecycled(rows, type), (row) => row.iteration ?? 0)];
      const known = seen[at] ?? undefined;
      const count = Math.max(1, request.iters ?? 1);
      const earlier = request.navigate_earlier !== false;
      const beyond = known ? all.filter(([iteration]) => (earlier ? iteration < known[0] : iteration > known[1])) : all;
      const page = earlier ? beyond.slice(0, count) : beyond.slice(-count);
      const places = page.map(([iteration]) => iteration);
      next.push(places.length > 0 ? [Math.min(...places), Math.max(...places)] : (known ?? null));
      return { task: wanted.task, iterations: page.map(([iter, events]) => ({ iter, events: events.map(eventOnTheWire) })) };
    });
    return { scroll_id: Buffer.from(JSON.stringify(next)).toString("base64url"), metrics };
  };
}

/** Without older samples of a variant whose file a newer one has overwritten. */
function withoutRecycled(newestFirst: readonly EventRow[], type: EventType): readonly EventRow[] {
  if (type !== "training_debug_image") return newestFirst;
  const seen = new Set<string>();
  return newestFirst.filter((row) => {
    const key = JSON.stringify([row.metric, row.variant, row.extra["url"]]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The endpoints of this part. */
export const EVENT_CHART_SERVICES: readonly ServedEndpoint[] = [
  serve("events.scalar_metrics_iter_histogram", histogram),
  serve("events.multi_task_scalar_metrics_iter_histogram", comparison),
  serve("events.get_task_single_value_metrics", singleValues, { since: "2.20" }),
  serve("events.get_scalar_metrics_and_variants", (request, call) => {
    readableName(call, request.task, request.model_events);
    const grouped = Map.groupBy(scalarSeries(call, request.task, undefined), (one) => one.metric);
    return { metrics: Object.fromEntries([...grouped].map(([metric, series]) => [metric, series.map((one) => one.variant)])) };
  }),
  serve("events.get_task_latest_scalar_values", latestValues),
  serve(
    "events.get_task_metrics",
    (request, call) => ({
      metrics: request.tasks.map((id) => {
        readableName(call, id, request.model_events);
        return { task: id, metrics: metricNames(call, id, request.event_type) };
      }),
    }),
    { since: "2.7" },
  ),
  serve("events.debug_images", gallery("training_debug_image"), { since: "2.7" }),
  serveOther("events.plots", galleryRequest, gallery("plot"), { since: "2.20" }),
];
