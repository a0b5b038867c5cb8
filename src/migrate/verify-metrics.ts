/**
 * Compares every point of a run three ways: as MLflow answers it now, as the copy holds it, as the charts show it. What it
 * expects it works out by itself, and not with the code that copied.
 */
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import type { MetricAddress } from "../records/metric-address.js";
import type { CopyCursor } from "./copied-points.js";
import type { Differences } from "./differences.js";
import { metricAddresses } from "../records/metric-addresses.js";

export interface MetricsToVerify {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly run: MlflowRun;
  readonly taskId: string;
  /** Undefined: there is no copy, which was told already. */
  readonly copy: CopyCursor | undefined;
  readonly found: Differences;
  readonly signal: AbortSignal;
}

/** The point that a chart should show at a step. */
interface Expected {
  readonly timestamp: number;
  readonly value: number;
}

/** The largest number that 32 bits of floating point do not round to infinity is below this. */
const FLOAT32_LIMIT = 2 ** 128 - 2 ** 103;

export async function verifyMetrics(given: MetricsToVerify): Promise<void> {
  const { clearml, run, taskId, found, signal } = given;
  const runId = run.info.run_id;
  const addresses = metricAddresses(run.data.metrics.map(({ key }) => key));
  const charts = new Map<string, MetricAddress>();
  for (const [key, address] of addresses) {
    const before = found.counts.points;
    const expected = await readSource(given, key);
    // A metric is there because a point of it is: an empty history was not read, by a fault of the server's or for want of a page.
    if (found.counts.points === before) found.add(runId, `points of ${key}`, "a latest one, and an empty history", undefined);
    if (expected.size > 0) charts.set(JSON.stringify([address.title, address.series]), address);
    await compareChart(given, key, address, expected);
  }
  const { metrics } = await clearml.events.getScalarMetricsAndVariants({ task: taskId }, { signal });
  for (const [title, lines] of Object.entries(metrics))
    for (const series of lines)
      if (!charts.has(JSON.stringify([title, series]))) found.add(runId, `chart ${title}, line ${series}`, undefined, "a line of points");
}

/** Lays the source beside the copy, and works out what the chart should show. */
async function readSource({ mlflow, run, copy, found, signal }: MetricsToVerify, key: string): Promise<Map<number, Expected>> {
  const runId = run.info.run_id;
  const expected = new Map<number, Expected>();
  let number = 0;
  for await (const page of mlflow.history(runId, key, { signal })) {
    let copied: (readonly unknown[])[] = [];
    while (copy && copied.length < page.length) {
      const more = await copy.points(key, page.length - copied.length);
      if (more.length === 0) break;
      copied = copied.concat(more);
    }
    for (const [index, { timestamp, step, value, dataset_name, dataset_digest }] of page.entries()) {
      number++;
      found.counts.points++;
      const dataset = [dataset_name, dataset_digest].filter((text) => text !== undefined);
      const original = [timestamp, step, value, ...dataset];
      const kept = copied[index];
      if (copy && !isSame(original, kept))
        found.add(runId, `point ${String(number)} of ${key} in the copy (time, step, value)`, asTexts(original), kept && asTexts(kept));
      const [at, time] = [Number(step), Number(timestamp)];
      const isChartable =
        typeof step === "number" &&
        typeof timestamp === "number" &&
        Math.abs(at) < 2 ** 53 &&
        at !== -(2 ** 31) &&
        Math.abs(value) < FLOAT32_LIMIT;
      if (!isChartable) {
        found.counts.notChartable++;
        const kind = !Number.isFinite(value) ? "not-finite" : Math.abs(value) >= FLOAT32_LIMIT ? "too-large" : "step";
        found.lossy.note(kind, `${key} of run ${runId} at step ${String(step)}`);
        continue;
      }
      const before = expected.get(at);
      if (before) {
        found.counts.collapsed++;
        found.lossy.note("same-step", `${key} of run ${runId} at step ${String(step)}`);
      }
      if (!before || time > before.timestamp || (time === before.timestamp && value >= before.value))
        expected.set(at, { timestamp: time, value });
    }
  }
  // What the copy has beyond the source.
  for (let more = (await copy?.points(key, 1)) ?? []; more.length > 0; more = (await copy?.points(key, 1)) ?? [])
    found.add(runId, `a point of ${key} in the copy (time, step, value)`, undefined, more[0] && asTexts(more[0]));
  return expected;
}

async function compareChart(
  { clearml, run, taskId, found, signal }: MetricsToVerify,
  key: string,
  { title, series }: MetricAddress,
  expected: Map<number, Expected>,
): Promise<void> {
  const runId = run.info.run_id;
  const reading = { task: taskId, type: "training_stats_scalar" as const, metrics: [{ metric: title, variants: [series] }] };
  for await (const { iter, value, timestamp } of clearml.events.iterateEvents(reading, { signal })) {
    const step = iter ?? Number.NaN;
    const point = expected.get(step);
    expected.delete(step);
    found.counts.events++;
    if (point && point.timestamp === timestamp && point.value === value) continue;
    const shown = `${String(timestamp)} ${String(value)}`;
    const original = point && `${String(point.timestamp)} ${String(point.value)}`;
    found.add(runId, `${key} at step ${String(step)} in its chart (time, value)`, original, shown);
  }
  for (const [step, { timestamp, value }] of expected)
    found.add(runId, `${key} at step ${String(step)} in its chart (time, value)`, `${String(timestamp)} ${String(value)}`, undefined);
}

/** Equal numbers need no text; what the copy keeps in words is compared by it. */
function isSame(original: readonly unknown[], kept: readonly unknown[] | undefined): boolean {
  if (kept?.length !== original.length) return false;
  return original.every((value, index) => Object.is(value, kept[index])) || asTexts(original) === asTexts(kept);
}

function asTexts(point: readonly unknown[]): string {
  return point.map(asText).join(" ");
}

/** Numbers of either side by their shortest exact spelling, those that JSON cannot hold among them. */
function asText(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    const { int64, double } = value as { readonly int64?: unknown; readonly double?: unknown };
    return String(int64 ?? double);
  }
  return Object.is(value, -0) ? "-0" : String(value);
}
