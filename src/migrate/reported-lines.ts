/**
 * Under which names of MLflow a trainer's point may be that stands on a line of ClearML: both destinations got the same facts, each under
 * names of its own (`metricAddress` in ClearML, `keyOf` in MLflow), and none of these ways leads back. So it is gone forward, from each
 * line of a task to all names that it may be of. Pure.
 */
import { keyOf } from "../mlflow/mlflow-names.js";
import { MONITOR_GPU, MONITOR_MACHINE, SINGLE_VALUE_METRIC } from "../protocol/clearml/limits.js";
import { isIsoLookalike, metricAddress, type MetricAddress } from "../records/metric-address.js";
import type { AddressOf } from "../records/metric-addresses.js";

/** Lines of a task by a metric's name in MLflow. */
export interface ReportedLines {
  readonly points: ReadonlyMap<string, readonly MetricAddress[]>;
  /** Lines that mark a point that is no finite number. */
  readonly marks: ReadonlyMap<string, readonly MetricAddress[]>;
}

/** Chart of the marks. */
const MARKS = "nonfinite";
/** Line of a scalar that was reported without one. */
const PLAIN_LINE = "value";

/** A trainer's own rule, and the metrics of its run: few names can be made from a line by it, so it is asked where each metric is. */
export interface OwnRule {
  readonly addressOf: AddressOf;
  /** In MLflow. */
  readonly keys: Iterable<string>;
}

/** @param own - Undefined: the one rule of `metricAddress`. */
export function reportedLines(lines: Iterable<MetricAddress>, own?: OwnRule): ReportedLines {
  const points = new Map<string, MetricAddress[]>();
  const marks = new Map<string, MetricAddress[]>();
  const rule = own && { addressOf: own.addressOf, keysAt: Map.groupBy(own.keys, (key) => lineId(own.addressOf(key))) };
  for (const line of lines) {
    add(points, keysOf(line, rule), line);
    if (line.title === MARKS) for (const marked of markedLines(line.series)) add(marks, keysOf(marked, rule), line);
  }
  return { points, marks };
}

interface Rule {
  readonly addressOf: AddressOf;
  /** Keys of MLflow that it draws at a line, by {@link lineId}, as far as they are the names that it was given. */
  readonly keysAt: ReadonlyMap<string, readonly string[]>;
}

const ONE_RULE: Rule = { addressOf: metricAddress, keysAt: new Map() };

/** Keys of MLflow that a line may be of. */
export function keysOf({ title, series }: MetricAddress, { addressOf, keysAt }: Rule = ONE_RULE): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const chart of asNamed(title))
    for (const line of asNamed(series)) {
      for (const key of keysAt.get(lineId({ title: chart, series: line })) ?? []) keys.add(key);
      for (const name of [...metricNames(chart, line, addressOf), ...scalarNames(chart, line)])
        for (const colons of [true, false]) keys.add(keyOf(name, { colons }));
    }
  return keys;
}

function lineId({ title, series }: MetricAddress): string {
  return JSON.stringify([title, series]);
}

/** Of progress and validation: what the rule draws there. */
function metricNames(title: string, series: string, addressOf: AddressOf): readonly string[] {
  return [title, `${series}/${title}`, `${series}_${title}`].filter((name) => {
    const address = addressOf(name);
    return address.title === title && address.series === series;
  });
}

/** Of what is reported by chart and line. */
function scalarNames(title: string, series: string): readonly string[] {
  const scalars = [
    `${title}/${series}`,
    ...(series === PLAIN_LINE ? [title] : []),
    ...(title === SINGLE_VALUE_METRIC ? [series, ...(series === PLAIN_LINE ? [""] : [])] : []),
  ];
  const load = title === MONITOR_GPU || title === MONITOR_MACHINE ? [`system/${series}`] : [];
  return [...scalars, ...load];
}

/** What was asked for, where ClearML would have read a date, or two names had one line. */
function asNamed(text: string): readonly string[] {
  const unnumbered = /^(.+) \(\d+\)$/.exec(text)?.[1];
  const names = unnumbered === undefined ? [text] : [text, unnumbered];
  return names.flatMap((name) => (name.endsWith("_") && isIsoLookalike(name.slice(0, -1)) ? [name, name.slice(0, -1)] : [name]));
}

/** `chart/line`, of which either part may hold slashes. */
function markedLines(text: string): readonly MetricAddress[] {
  const parts = text.split("/");
  return parts.slice(1).map((_, at) => ({ title: parts.slice(0, at + 1).join("/"), series: parts.slice(at + 1).join("/") }));
}

function add(map: Map<string, MetricAddress[]>, keys: Iterable<string>, line: MetricAddress): void {
  for (const key of keys) {
    const known = map.get(key);
    if (!known) map.set(key, [line]);
    else if (!known.includes(line)) known.push(line);
  }
}
