/**
 * A record as ClearML events: points of charts, plots, samples and console lines. Pure but for the metric lines it claims. It sends
 * nothing, and never makes a number of what is not one.
 */
import { MONITOR_GPU, MONITOR_MACHINE, SINGLE_VALUE_ITERATION, SINGLE_VALUE_METRIC } from "../../protocol/clearml/limits.js";
import type { LogLevel, MediaFact, MetricValue, PlotFact, ScalarFact } from "../../records/facts.js";
import type { MetricAddress } from "../../records/metric-address.js";
import type { TrainerRecord } from "../../records/record.js";
import { consoleText } from "../../clearml/clearml-text.js";
import type { MetricLines } from "./metric-lines.js";

/** What stands for a value that is not finite: a companion point, or nothing. */
export type NonFinitePolicy = "companion" | "omit";

/** Chart of the companion points: the line is `<chart>/<line>` of the metric, the value 1 at each iteration without a number. */
const NON_FINITE_TITLE = "nonfinite";

/** A point of a line (4.1). */
export interface ScalarEvent {
  readonly type: "training_stats_scalar";
  readonly task: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly iter: number;
  readonly metric: string;
  readonly variant: string;
  readonly value: number;
}

/** A Plotly figure as JSON text (4.1). */
export interface PlotEvent {
  readonly type: "plot";
  readonly task: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly iter: number;
  readonly metric: string;
  readonly variant: string;
  readonly plot_str: string;
}

/** A sample that lies somewhere: an image, a video, a sound, a page (4.1). The key is a part of its identity (4.4). */
export interface ImageEvent {
  readonly type: "training_debug_image";
  readonly task: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly iter: number;
  readonly metric: string;
  readonly variant: string;
  readonly url: string;
  readonly key: string;
}

/** A console line. Run and sequence number tell it from any other, so that one that arrived is not sent again. */
export interface LogEvent {
  readonly type: "log";
  readonly task: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly level: LogLevel;
  readonly msg: string;
  readonly trainer_sdk_run: string;
  readonly trainer_sdk_sequence: number;
}

export type RecordEvent = ScalarEvent | PlotEvent | ImageEvent | LogEvent;

export interface EventMapping {
  readonly taskId: string;
  readonly lines: MetricLines;
  readonly nonFinite: NonFinitePolicy;
}

/** True for a record that becomes events and nothing else, so that its neighbours can share its request. */
export function isEventRecord(record: TrainerRecord): boolean {
  return EVENT_KINDS.has(record.fact.kind);
}

const EVENT_KINDS: ReadonlySet<string> = new Set(["started", "progress", "validation", "scalar", "plot", "media", "resources", "log"]);

/**
 * The events of a record; none for a fact that is none.
 *
 * The x-axis is the iteration, else the epoch, else the record's sequence number (an inference job that reports a
 * percentage alone): absolute, growing, the same at every attempt. A scalar without an iteration is a single value: the
 * server keeps one for each line, under the chart's title as given. A message of a start or a progress is a console line.
 */
export function recordEvents(record: TrainerRecord, mapping: EventMapping): RecordEvent[] {
  const { fact } = record;
  switch (fact.kind) {
    case "started":
      return messageEvents(record, fact.message, mapping);
    case "progress":
    case "validation": {
      const iteration = fact.iteration ?? fact.epoch ?? record.sequence;
      mapping.lines.learn(Object.keys(fact.metrics));
      const points = Object.entries(fact.metrics).flatMap(([name, value]) =>
        pointEvents(record, mapping.lines.ofName(name), value, iteration, mapping),
      );
      return fact.kind === "progress" ? [...points, ...messageEvents(record, fact.message, mapping)] : points;
    }
    case "scalar":
      return pointEvents(
        record,
        mapping.lines.ofAddress(scalarAddress(fact)),
        fact.value,
        fact.iteration ?? SINGLE_VALUE_ITERATION,
        mapping,
      );
    case "plot":
      return [{ type: "plot", ...place(record, fact, mapping), plot_str: fact.figure }];
    case "media":
      return [{ type: "training_debug_image", ...place(record, fact, mapping), url: fact.uri, key: fact.file?.key ?? keyOf(fact.uri) }];
    case "resources":
      return Object.entries(fact.readings).flatMap(([series, value]) =>
        pointEvents(record, { title: series.startsWith("gpu_") ? MONITOR_GPU : MONITOR_MACHINE, series }, value, fact.iteration, mapping),
      );
    case "log":
      return [logEvent(record, fact.level, fact.message, mapping)];
    default:
      return [];
  }
}

/** Metrics as single values of the summary table: the figures a job ends with. */
export function summaryEvents(record: TrainerRecord, metrics: Readonly<Record<string, MetricValue>>, mapping: EventMapping): ScalarEvent[] {
  return Object.entries(metrics).flatMap(([name, value]) =>
    pointEvents(record, mapping.lines.ofAddress({ title: SINGLE_VALUE_METRIC, series: name }), value, SINGLE_VALUE_ITERATION, mapping),
  );
}

function pointEvents(
  record: TrainerRecord,
  line: MetricAddress,
  value: MetricValue,
  iteration: number,
  mapping: EventMapping,
): ScalarEvent[] {
  // The index keeps 32-bit floats and refuses what becomes infinite in one (4.3): a diverged loss of 1e39 is no number there.
  if (typeof value === "number" && Number.isFinite(Math.fround(value)))
    return [scalarEvent(record, line, value, iteration, mapping.taskId)];
  if (mapping.nonFinite === "omit") return [];
  // The same point at every attempt: a count would grow with each resend.
  const companion = mapping.lines.ofAddress({ title: NON_FINITE_TITLE, series: `${line.title}/${line.series}` });
  return [scalarEvent(record, companion, 1, iteration, mapping.taskId)];
}

function scalarEvent(record: TrainerRecord, line: MetricAddress, value: number, iteration: number, taskId: string): ScalarEvent {
  return {
    type: "training_stats_scalar",
    task: taskId,
    timestamp: Math.trunc(record.createdAtMs),
    iter: iteration,
    metric: line.title,
    variant: line.series,
    value,
  };
}

/** Where a plot or a sample stands. A plot of several lines has no series, and so no variant. */
function place(
  record: TrainerRecord,
  { title, series, iteration }: PlotFact | MediaFact,
  mapping: EventMapping,
): Omit<PlotEvent, "type" | "plot_str"> {
  const line = mapping.lines.ofAddress({ title, series });
  return {
    task: mapping.taskId,
    timestamp: Math.trunc(record.createdAtMs),
    iter: iteration,
    metric: line.title,
    variant: line.series,
  };
}

/** Of something that lies elsewhere: its address without the host, as ClearML's own client has it. */
function keyOf(uri: string): string {
  const path = uri.indexOf("/", uri.indexOf("://") + 3);
  return path < 0 ? uri : uri.slice(path);
}

function messageEvents(record: TrainerRecord, message: string | undefined, mapping: EventMapping): LogEvent[] {
  return message === undefined || message === "" ? [] : [logEvent(record, "info", message, mapping)];
}

function logEvent(record: TrainerRecord, level: LogLevel, message: string, mapping: EventMapping): LogEvent {
  return {
    type: "log",
    task: mapping.taskId,
    timestamp: Math.trunc(record.createdAtMs),
    level,
    msg: consoleText(message),
    trainer_sdk_run: record.runId,
    trainer_sdk_sequence: record.sequence,
  };
}

function scalarAddress(fact: ScalarFact): MetricAddress {
  return { title: fact.title.trim() === "" ? SINGLE_VALUE_METRIC : fact.title, series: fact.series.trim() === "" ? "value" : fact.series };
}
