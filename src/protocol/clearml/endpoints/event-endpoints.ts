/** Events: reporting and reading (`clearml-protocol`, 4). */
import * as z from "zod/mini";
import { batchEndpoint, endpoint, lazily } from "../endpoint.js";
import { EVENT_TYPES, curve, eventDocument, eventInput, metricFilter } from "../event-document.js";
import { flag, integer, number, text, texts } from "../field-types.js";

const filters = lazily(() => z.nullish(z.array(metricFilter())));
const xAxis = lazily(() => z.nullish(z.enum(["iter", "timestamp", "iso_time"])));
const order = lazily(() => z.nullish(z.enum(["asc", "desc"])));

/** One page of samples: the newest iterations first, metric by metric. */
const gallery = lazily(() =>
  z.looseObject({
    scroll_id: text(),
    metrics: z.nullish(
      z.array(
        z.looseObject({
          task: text(),
          metric: text(),
          iterations: z.nullish(z.array(z.looseObject({ iter: number(), events: z.nullish(z.array(eventDocument())) }))),
        }),
      ),
    ),
  }),
);

const added = lazily(() =>
  z.looseObject({
    added: integer(),
    /** Above 0 in a 200: a part of the batch is missing. Nobody says which; `errors_info` counts by message. */
    errors: integer(),
    errors_info: z.nullish(z.record(z.string(), z.number())),
  }),
);

export const EVENT_ENDPOINTS = {
  "events.add": endpoint(eventInput, () => z.looseObject({})),
  "events.add_batch": batchEndpoint(eventInput, added),
  /** Averaged down to `samples` points a line; `data` is the map of charts itself. */
  "events.scalar_metrics_iter_histogram": endpoint(
    () => z.object({ task: z.string(), samples: integer(), key: xAxis(), metrics: filters(), model_events: flag() }),
    () => z.record(z.string(), z.record(z.string(), curve())),
  ),
  "events.multi_task_scalar_metrics_iter_histogram": endpoint(
    () => z.object({ tasks: z.array(z.string()), samples: integer(), key: xAxis(), metrics: filters(), model_events: flag() }),
    () => z.looseObject({ metrics: z.nullish(z.record(z.string(), z.record(z.string(), z.record(z.string(), curve())))) }),
  ),
  /** Exact values, page by page. A page whose last iteration is 0 starts again: readers need a guard. */
  "events.scalar_metrics_iter_raw": endpoint(
    () =>
      z.object({
        task: z.string(),
        metric: metricFilter(),
        key: xAxis(),
        batch_size: integer(),
        count_total: flag(),
        model_events: flag(),
        scroll_id: text(),
      }),
    () =>
      z.looseObject({
        variants: z.nullish(
          z.record(z.string(), z.looseObject({ iter: z.nullish(z.array(z.number())), y: z.array(z.nullable(z.number())) })),
        ),
        total: number(),
        returned: integer(),
        scroll_id: text(),
      }),
  ),
  /** Sorted by time; every line of a page's last millisecond is in it. `total` stops at 10,000. */
  "events.get_task_log": endpoint(
    () =>
      z.object({
        task: z.string(),
        batch_size: integer(),
        navigate_earlier: flag(),
        from_timestamp: number(),
        order: order(),
        metrics: filters(),
      }),
    () => z.looseObject({ events: z.array(eventDocument()), returned: integer(), total: number() }),
  ),
  /** Not for console lines: they have no iteration, and the server sorts by it. */
  "events.get_task_events": endpoint(
    () =>
      z.object({
        task: z.string(),
        event_type: text(),
        metrics: filters(),
        order: order(),
        batch_size: integer(),
        scroll_id: text(),
        count_total: flag(),
        model_events: flag(),
      }),
    () => z.looseObject({ events: z.array(eventDocument()), returned: integer(), total: number(), scroll_id: text() }),
  ),
  "events.get_task_plots": endpoint(
    () => z.object({ task: z.string(), iters: integer(), metrics: filters(), scroll_id: text(), no_scroll: flag(), model_events: flag() }),
    () => z.looseObject({ plots: z.array(eventDocument()), returned: integer(), total: number(), scroll_id: text() }),
  ),
  /** The server keeps a page's place for an hour; a place that is gone starts over without a word. */
  "events.debug_images": endpoint(
    () =>
      z.object({
        metrics: z.array(z.strictObject({ task: z.string(), metric: text(), variants: texts() })),
        iters: integer(),
        navigate_earlier: flag(),
        refresh: flag(),
        scroll_id: text(),
        model_events: flag(),
      }),
    gallery,
  ),
  "events.get_task_single_value_metrics": endpoint(
    () => z.object({ tasks: z.array(z.string()), metrics: filters(), model_events: flag() }),
    () =>
      z.looseObject({
        tasks: z.nullish(
          z.array(
            z.looseObject({
              task: z.string(),
              task_name: text(),
              values: z.array(z.looseObject({ metric: z.string(), variant: z.string(), value: number(), timestamp: number() })),
            }),
          ),
        ),
      }),
  ),
  "events.get_scalar_metrics_and_variants": endpoint(
    () => z.object({ task: z.string(), model_events: flag() }),
    () => z.looseObject({ metrics: z.record(z.string(), z.array(z.string())) }),
  ),
  "events.get_task_latest_scalar_values": endpoint(
    () => z.object({ task: z.string() }),
    () =>
      z.looseObject({
        metrics: z.nullish(z.array(z.looseObject({ name: text(), variants: z.nullish(z.array(z.looseObject({ name: text() }))) }))),
      }),
  ),
  "events.get_task_metrics": endpoint(
    () => z.object({ tasks: z.array(z.string()), event_type: z.enum(EVENT_TYPES), model_events: flag() }),
    () => z.looseObject({ metrics: z.array(z.looseObject({ task: z.string(), metrics: z.array(z.string()) })) }),
  ),
  "events.delete_for_model": endpoint(
    () => z.object({ model: z.string(), allow_locked: flag() }),
    () => z.looseObject({ deleted: z.nullish(z.unknown()) }),
  ),
  "events.delete_for_task": endpoint(
    () => z.object({ task: z.string(), allow_locked: flag() }),
    () => z.looseObject({ deleted: z.nullish(z.unknown()) }),
  ),
} as const;
