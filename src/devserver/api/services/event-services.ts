/** events: taking them in, deleting them, reading them one by one. @see clearml-protocol 4.2, 4.6 */
import * as z from "zod/mini";
import { MAX_HISTOGRAM_SAMPLES, MAX_LOG_BATCH_SIZE, MAX_RAW_BATCH_SIZE, SINGLE_VALUE_ITERATION } from "../../../protocol/clearml/limits.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { EventRow, EventType, MetricFilter } from "../../store/store.js";
import { invalidTaskStatus, validationError } from "../api-failure.js";
import { serve, serveOther, serveRaw } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { addEvents } from "../event-intake.js";
import { cursorOf, eventOnTheWire, mustHaveIterations, readableName, scrollOf } from "../event-wire.js";
import { modelOf, taskOf } from "../lookup.js";
import { plainMap } from "../plain-map.js";

const ALL_TYPES: readonly EventType[] = ["log", "plot", "training_stats_scalar", "training_stats_vector", "training_debug_image"];
const DEFAULT_EVENTS = 500;
const DEFAULT_LOG_LINES = 5000;
const DEFAULT_RAW_POINTS = 10_000;

/** A filter as the store takes it. */
export function storeFilter(metrics: RequestOf<"events.get_task_events">["metrics"]): readonly MetricFilter[] | undefined {
  return metrics?.map((one) => ({ metric: one.metric, variants: one.variants ?? undefined }));
}

function bounded(name: string, value: number | null | undefined, fallback: number, highest: number): number {
  const size = value ?? fallback;
  if (size < 1 || size > highest) throw validationError(`${name} must be between 1 and ${String(highest)}`);
  return size;
}

function taskLog(request: RequestOf<"events.get_task_log">, call: Call): object {
  taskOf(call, request.task);
  const metrics = storeFilter(request.metrics);
  const earlier = request.navigate_earlier !== false;
  const limit = bounded("batch_size", request.batch_size, DEFAULT_LOG_LINES, MAX_LOG_BATCH_SIZE);
  const rows = call.store.events.logs({ entity: request.task, metrics }, { earlier, limit, from: request.from_timestamp ?? undefined });
  const turned = request.order && request.order !== (earlier ? "desc" : "asc") ? [...rows].reverse() : rows;
  // The index counts no further.
  const total = Math.min(call.store.events.count({ entity: request.task, types: ["log"], metrics }), MAX_LOG_BATCH_SIZE);
  return { events: turned.map(eventOnTheWire), returned: turned.length, total };
}

function taskEvents(request: RequestOf<"events.get_task_events">, call: Call): object {
  readableName(call, request.task, request.model_events);
  const wanted = request.event_type ?? "*";
  const types = wanted === "*" ? ALL_TYPES : ALL_TYPES.filter((type) => type === wanted);
  const query = { entity: request.task, types, metrics: storeFilter(request.metrics) };
  const after = cursorOf(request.scroll_id);
  const limit = bounded("batch_size", request.batch_size, DEFAULT_EVENTS, MAX_LOG_BATCH_SIZE);
  const rows = mustHaveIterations(call.store.events.byIteration(query, { order: request.order ?? "asc", limit, after }));
  return {
    events: rows.map(eventOnTheWire),
    returned: rows.length,
    total: request.count_total === false ? 0 : call.store.events.count(query),
    scroll_id: scrollOf(rows, after),
  };
}

function rawScalars(request: RequestOf<"events.scalar_metrics_iter_raw">, call: Call): object {
  readableName(call, request.task, request.model_events);
  const query = { entity: request.task, types: ["training_stats_scalar"] as const, metrics: storeFilter([request.metric]) };
  const after = cursorOf(request.scroll_id);
  const limit = bounded("batch_size", request.batch_size, DEFAULT_RAW_POINTS, MAX_RAW_BATCH_SIZE);
  const rows = mustHaveIterations(call.store.events.byIteration(query, { order: "asc", limit, after }));
  const key = request.key ?? "iter";
  const variants = plainMap<Record<string, unknown[]>>();
  for (const row of rows) {
    if (row.iteration === SINGLE_VALUE_ITERATION) continue;
    const line = (variants[row.variant] ??= { [key]: [], y: [] });
    line["y"]?.push(row.value ?? null);
    line[key]?.push(key === "iter" ? row.iteration : key === "timestamp" ? row.timestamp : new Date(row.timestamp).toISOString());
  }
  return {
    variants,
    total: request.count_total === true ? call.store.events.count(query) : 0,
    returned: rows.length,
    scroll_id: scrollOf(rows, after),
  };
}

/** The last `count` iterations of each metric and variant. */
export function lastOfEach(
  call: Call,
  entity: string,
  type: EventType,
  count: number,
  metrics: readonly MetricFilter[] | undefined,
): EventRow[] {
  return call.store.events
    .series({ entity, types: [type], metrics })
    .flatMap(({ metric, variant }) =>
      call.store.events.byIteration({ entity, types: [type], metrics: [{ metric, variants: [variant] }] }, { order: "desc", limit: count }),
    );
}

function taskPlots(request: RequestOf<"events.get_task_plots">, call: Call): object {
  readableName(call, request.task, request.model_events);
  const rows = lastOfEach(call, request.task, "plot", request.iters ?? 1, storeFilter(request.metrics));
  return { plots: rows.map(eventOnTheWire), returned: rows.length, total: rows.length, scroll_id: "FFFF" };
}

function deleteEvents(call: Call, entity: string, isLocked: boolean, allowLocked: boolean | null | undefined): object {
  if (isLocked && allowLocked !== true) throw invalidTaskStatus({ expected: "not published", entity });
  const deleted = call.store.events.delete({ entity, types: ALL_TYPES });
  for (const kind of ["scalar", "plot", "image", "log"] as const) call.notify(entity, kind);
  return { deleted: deleted > 0 };
}

const isPublished = (status: string): boolean => status === "published" || status === "publishing";

const clearRequest = () =>
  z.object({
    task: z.string(),
    threshold_sec: z.nullish(z.int()),
    allow_locked: z.nullish(z.boolean()),
    include_metrics: z.nullish(z.array(z.string())),
    exclude_metrics: z.nullish(z.array(z.string())),
  });

function clearLog(request: z.output<ReturnType<typeof clearRequest>>, call: Call): object {
  const task = taskOf(call, request.task);
  if (isPublished(task.status) && request.allow_locked !== true)
    throw invalidTaskStatus({ expected: "not published", status: task.status });
  const excluded = request.exclude_metrics ?? [];
  const names = call.store.events.series({ entity: task.id, types: ["log"] }).map((one) => one.metric);
  const metrics = [...new Set(names)]
    .filter((name) => !excluded.includes(name) && (!request.include_metrics || request.include_metrics.includes(name)))
    .map((metric) => ({ metric }));
  if (metrics.length === 0) return { deleted: 0 };
  const before = request.threshold_sec ? call.nowMs - request.threshold_sec * 1000 : undefined;
  const deleted = call.store.events.delete({ entity: task.id, types: ["log"], metrics }, before);
  call.notify(task.id, "log");
  return { deleted };
}

/** Samples of a request, within the server's bounds. */
export function samplesOf(samples: number | null | undefined, fallback: number): number {
  return bounded("samples", samples, fallback, MAX_HISTOGRAM_SAMPLES);
}

/** The endpoints of this part. */
export const EVENT_SERVICES: readonly ServedEndpoint[] = [
  serveRaw("events.add", "single", ([line], call) => addEvents([line ?? {}], call)),
  serveRaw("events.add_batch", "batch", addEvents),
  serve("events.get_task_log", taskLog, { since: "2.9" }),
  serve("events.get_task_events", taskEvents),
  serve("events.scalar_metrics_iter_raw", rawScalars, { since: "2.16" }),
  serve("events.get_task_plots", taskPlots),
  serve("events.delete_for_task", (request, call) =>
    deleteEvents(call, request.task, isPublished(taskOf(call, request.task).status), request.allow_locked),
  ),
  serve("events.delete_for_model", (request, call) =>
    deleteEvents(call, request.model, modelOf(call, request.model).ready, request.allow_locked),
  ),
  serveOther("events.clear_task_log", clearRequest, clearLog, { since: "2.19" }),
  serveOther(
    "events.clear_scroll",
    () => z.object({ scroll_id: z.string() }),
    () => ({}),
    { since: "2.18" },
  ),
];
