/**
 * Events: points, console lines, plots, images (`clearml-protocol`, 4.1). `timestamp` is in whole milliseconds. Values
 * must be finite numbers: the server's index refuses others and with them the rest of the batch (4.3).
 */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { flag, integer, number, openText, text } from "./field-types.js";

/** Kinds of event. */
export const EVENT_TYPES = ["training_stats_scalar", "training_stats_vector", "training_debug_image", "plot", "log"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Levels of a console line that the server's schema names. */
export const LOG_LEVELS = ["notset", "debug", "verbose", "info", "warn", "warning", "error", "fatal", "critical"] as const;

const common = lazily(() => ({
  /** Task id; a model's id with `model_event`. */
  task: z.string(),
  /** Whole milliseconds since the epoch; the server's own time when absent. */
  timestamp: integer(),
  /** Signed 64-bit at the server; here within the safe integers. */
  iter: integer(),
  metric: text(),
  variant: text(),
  worker: text(),
  model_event: flag(),
  /** Permits writing to a published task or a ready model. */
  allow_locked: flag(),
}));

/** A point of a line of a chart. */
export const scalarEvent = lazily(() =>
  z.looseObject({ ...common(), type: z.literal("training_stats_scalar"), value: z.number(), x_axis_label: text() }),
);
/** A list of numbers; of older clients. */
export const vectorEvent = lazily(() =>
  z.looseObject({ ...common(), type: z.literal("training_stats_vector"), values: z.array(z.number()) }),
);
/** A sample: image, audio, text, held elsewhere. */
export const imageEvent = lazily(() =>
  z.looseObject({ ...common(), type: z.literal("training_debug_image"), url: z.string(), key: text() }),
);
/** A Plotly figure as JSON text. */
export const plotEvent = lazily(() =>
  z.looseObject({ ...common(), type: z.literal("plot"), plot_str: z.string(), skip_validation: flag() }),
);
/** A console line. A repeated one is a second line: its id is random (4.4). */
export const logEvent = lazily(() =>
  z.looseObject({ ...common(), type: z.literal("log"), level: z.nullish(z.enum(LOG_LEVELS)), msg: z.string() }),
);

/** Any event, as sent. Fields beyond these are stored and returned as they are; one name must always carry one type. */
export const eventInput = lazily(() => z.discriminatedUnion("type", [scalarEvent(), vectorEvent(), imageEvent(), plotEvent(), logEvent()]));

/** An event as answered. */
export const eventDocument = lazily(() =>
  z.looseObject({
    type: openText<EventType>(),
    task: text(),
    timestamp: number(),
    iter: number(),
    metric: text(),
    variant: text(),
    worker: text(),
    value: z.nullish(z.unknown()),
    level: text(),
    msg: text(),
    plot_str: text(),
    url: text(),
    key: text(),
  }),
);

/** Restricts a reading to some charts and, within them, to some lines. */
export const metricFilter = lazily(() => z.strictObject({ metric: z.string(), variants: z.nullish(z.array(z.string())) }));

/** A line of a chart: x and y are of one length. */
export const curve = lazily(() =>
  z.looseObject({ name: text(), x: z.array(z.union([z.number(), z.string()])), y: z.array(z.nullable(z.number())), x_axis_label: text() }),
);

/** An event, as sent. */
export type EventInput = z.input<ReturnType<typeof eventInput>>;
/** A point, as sent. */
export type ScalarEventInput = z.input<ReturnType<typeof scalarEvent>>;
/** A console line, as sent. */
export type LogEventInput = z.input<ReturnType<typeof logEvent>>;
/** A figure, as sent. */
export type PlotEventInput = z.input<ReturnType<typeof plotEvent>>;
/** An event as answered. */
export type EventDocument = z.output<ReturnType<typeof eventDocument>>;
/** Some charts, or some lines of them. */
export type MetricFilter = z.input<ReturnType<typeof metricFilter>>;
/** A line of a chart. */
export type Curve = z.output<ReturnType<typeof curve>>;
