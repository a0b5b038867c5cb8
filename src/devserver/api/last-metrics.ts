/** The running summary of a task's or model's scalars. @see clearml-protocol 3.9, 4.5 */
import { metricHash } from "../../protocol/clearml/identity.js";
import { MAX_LAST_METRICS } from "../../protocol/clearml/limits.js";
import type { LastMetrics, MetricSummary } from "../store/documents.js";

/** One scalar of a batch. */
export interface SummarisedPoint {
  readonly metric: string;
  readonly variant: string;
  readonly value: number;
  readonly iteration: number;
  readonly timestamp: number;
  readonly xAxisLabel?: string | undefined;
}

const round = (value: number): number => Math.round(value * 100) / 100;

function summarise(old: MetricSummary | undefined, points: readonly SummarisedPoint[]): MetricSummary | undefined {
  const inOrder = [...points].sort((a, b) => a.iteration - b.iteration || a.timestamp - b.timestamp);
  const [first] = inOrder;
  const last = inOrder.at(-1);
  if (!first || !last) return old;
  const lowest = inOrder.reduce((best, point) => (point.value < best.value ? point : best));
  const highest = inOrder.reduce((best, point) => (point.value > best.value ? point : best));
  const sum = inOrder.reduce((total, point) => total + point.value, 0);
  const count = (old?.count ?? 0) + points.length;
  const keepsLow = old !== undefined && old.min_value <= lowest.value;
  const keepsHigh = old !== undefined && old.max_value >= highest.value;
  const label = last.xAxisLabel ?? old?.x_axis_label;
  return {
    metric: last.metric,
    variant: last.variant,
    // Of the batch that came last, whatever was summarised before.
    value: last.value,
    min_value: keepsLow ? old.min_value : lowest.value,
    min_value_iteration: keepsLow ? old.min_value_iteration : lowest.iteration,
    max_value: keepsHigh ? old.max_value : highest.value,
    max_value_iteration: keepsHigh ? old.max_value_iteration : highest.iteration,
    first_value: old?.first_value ?? first.value,
    first_value_iteration: old?.first_value_iteration ?? first.iteration,
    count,
    // Derived again from the rounded mean, so it drifts, as it does there.
    mean_value: round(((old?.mean_value ?? 0) * (old?.count ?? 0) + sum) / count),
    ...(label === undefined ? {} : { x_axis_label: label }),
  };
}

/** The summary after one more batch. Pairs beyond the limit are left out of it. */
export function updatedLastMetrics(old: LastMetrics, points: readonly SummarisedPoint[]): LastMetrics {
  const groups = new Map<string, SummarisedPoint[]>();
  for (const point of points) {
    const key = JSON.stringify([point.metric, point.variant]);
    const group = groups.get(key);
    if (group) group.push(point);
    else groups.set(key, [point]);
  }
  let pairs = Object.values(old).reduce((sum, variants) => sum + Object.keys(variants).length, 0);
  const updated: Record<string, Record<string, MetricSummary>> = {};
  for (const [metric, variants] of Object.entries(old)) updated[metric] = { ...variants };
  for (const group of groups.values()) {
    const [first] = group;
    if (!first) continue;
    const metric = metricHash(first.metric);
    const variant = metricHash(first.variant);
    const known = updated[metric]?.[variant];
    if (!known && pairs >= MAX_LAST_METRICS) continue;
    if (!known) pairs += 1;
    const summary = summarise(known, group);
    if (summary) (updated[metric] ??= {})[variant] = summary;
  }
  return updated;
}
