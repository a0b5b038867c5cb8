/**
 * Under which names of MLflow a trainer's point may be that stands on a line of ClearML: both destinations got the same facts, each under
 * names of its own (`metricAddress` in ClearML, `keyOf` in MLflow), and none of these ways leads back. So it is gone forward, from each
 * line of a task to all names that it may be of. Pure.
 */
import { keyOf } from "../mlflow/mlflow-names.js";
import { MONITOR_GPU, MONITOR_MACHINE, SINGLE_VALUE_METRIC } from "../protocol/clearml/limits.js";
import { isIsoLookalike, metricAddress, type MetricAddress } from "../records/metric-address.js";

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

export function reportedLines(lines: Iterable<MetricAddress>): ReportedLines {
  const points = new Map<string, MetricAddress[]>();
  const marks = new Map<string, MetricAddress[]>();
  for (const line of lines) {
    add(points, keysOf(line), line);
    if (line.title === MARKS) for (const marked of markedLines(line.series)) add(marks, keysOf(marked), line);
  }
  return { points, marks };
}

/** Keys of MLflow that a line may be of. */
export function keysOf({ title, series }: MetricAddress): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const chart of asNamed(title))
    for (const line of asNamed(series))
      for (const name of namesOf(chart, line)) for (const colons of [true, false]) keys.add(keyOf(name, { colons }));
  return keys;
}

function namesOf(title: string, series: string): readonly string[] {
  // Of progress and validation: what the one rule draws there.
  const metrics = [title, `${series}/${title}`, `${series}_${title}`].filter((name) => {
    const address = metricAddress(name);
    return address.title === title && address.series === series;
  });
  const scalars = [
    `${title}/${series}`,
    ...(series === PLAIN_LINE ? [title] : []),
    ...(title === SINGLE_VALUE_METRIC ? [series, ...(series === PLAIN_LINE ? [""] : [])] : []),
  ];
  const load = title === MONITOR_GPU || title === MONITOR_MACHINE ? [`system/${series}`] : [];
  return [...metrics, ...scalars, ...load];
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
