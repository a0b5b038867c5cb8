/**
 * Metrics as the existing backend stores them: three columns of its own, and everything once more under its full name
 * (`platform-protocol`, 2.3). What is not finite is left out: a PostgreSQL JSON column refuses NaN.
 */
import { metricAddress } from "../../../records/metric-address.js";
import type { Metrics } from "../../../records/facts.js";

/** The backend's `M`. `extra_metrics` is never null: the backend fails on that. */
export interface MetricColumns {
  readonly loss?: number;
  readonly accuracy?: number;
  readonly learning_rate?: number;
  readonly extra_metrics: Readonly<Record<string, number>>;
}

/** Names that the Python SDK looked for, in its order; then any metric of that title, by phase. */
const COLUMNS = {
  loss: { names: ["loss"], title: "loss", phases: ["train", "val", "valid", "validation", "test", "eval"] },
  accuracy: { names: ["accuracy", "mAP50-95"], title: "accuracy", phases: ["val", "valid", "validation", "test", "eval", "train"] },
  learning_rate: { names: ["learning_rate", "lr"], title: "learning_rate", phases: [] },
} as const;

/** The columns; undefined when nothing finite was reported, for an empty object makes an empty row. Pure. */
export function metricColumns(metrics: Metrics | undefined): MetricColumns | undefined {
  const finite = finiteMetrics(metrics);
  if (Object.keys(finite).length === 0) return undefined;
  const columns: Record<string, number> = {};
  for (const column of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]) {
    const value = metricColumn(finite, column);
    if (value !== undefined) columns[column] = value;
  }
  return { ...columns, extra_metrics: finite };
}

/** The metric that stands in a column. Pure. */
export function metricColumn(finite: Readonly<Record<string, number>>, column: keyof typeof COLUMNS): number | undefined {
  const { names, title, phases } = COLUMNS[column];
  for (const name of names) if (finite[name] !== undefined) return finite[name];
  const found = Object.entries(finite)
    .map(([name, value]) => ({ value, address: metricAddress(name) }))
    .filter(({ address }) => address.title === title)
    .map(({ value, address }) => ({ value, rank: (phases as readonly string[]).indexOf(address.series) }))
    .filter(({ rank }) => rank >= 0)
    .sort((left, right) => left.rank - right.rank);
  return found[0]?.value;
}

/** Those that are numbers. Pure. */
export function finiteMetrics(metrics: Metrics | undefined): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === "number"));
}
