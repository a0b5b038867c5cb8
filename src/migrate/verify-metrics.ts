/**
 * Compares every point of a run three ways: as MLflow answers it now, as the copy holds it, as the charts show it. What it
 * expects it works out by itself, and not with the code that copied.
 */
import { join } from "node:path";
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import type { MetricAddress } from "../records/metric-address.js";
import { ChartCursor } from "./chart-cursor.js";
import type { CopyCursor } from "./copied-points.js";
import type { Differences } from "./differences.js";
import type { LossyKind } from "./lossy-things.js";
import { PointsByStep, type SteppedPoint } from "./points-by-step.js";
import { metricAddresses, type AddressOf } from "../records/metric-addresses.js";

export interface MetricsToVerify {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly run: MlflowRun;
  readonly taskId: string;
  /** For what of a long metric does not fit into memory. */
  readonly folder: string;
  /** Undefined: there is no copy, which was told already. */
  readonly copy: CopyCursor | undefined;
  readonly addressOf: AddressOf | undefined;
  readonly found: Differences;
  readonly signal: AbortSignal;
}

/** The largest number that 32 bits of floating point do not round to infinity is below this. */
const FLOAT32_LIMIT = 2 ** 128 - 2 ** 103;

export async function verifyMetrics(given: MetricsToVerify): Promise<void> {
  const { clearml, run, taskId, found, signal } = given;
  const runId = run.info.run_id;
  const addresses = metricAddresses(
    run.data.metrics.map(({ key }) => key),
    given.addressOf,
  );
  const charts = new Map<string, MetricAddress>();
  for (const [key, address] of addresses) {
    const before = found.counts.points;
    await using points = new PointsByStep(join(given.folder, "points"));
    const chartable = await readSource(given, key, points);
    // A metric is there because a point of it is: an empty history was not read, by a fault of the server's or for want of a page.
    if (found.counts.points === before) found.add(runId, `points of ${key}`, "a latest one, and an empty history", undefined);
    if (chartable > 0) charts.set(JSON.stringify([address.title, address.series]), address);
    await compareChart(given, key, address, points);
  }
  const { metrics } = await clearml.events.getScalarMetricsAndVariants({ task: taskId }, { signal });
  for (const [title, lines] of Object.entries(metrics))
    for (const series of lines)
      if (!charts.has(JSON.stringify([title, series]))) found.add(runId, `chart ${title}, line ${series}`, undefined, "a line of points");
}

/** Lays the source beside the copy, both in the source's order, and keeps what the chart should show. @returns how many points that are. */
async function readSource({ mlflow, run, copy, found, signal }: MetricsToVerify, key: string, points: PointsByStep): Promise<number> {
  const runId = run.info.run_id;
  let chartable = 0;
  let number = 0;
  for await (const page of mlflow.history(runId, key, { signal })) {
    let copied: (readonly unknown[])[] = [];
    while (copy && copied.length < page.length) {
      const more = await copy.points(key, page.length - copied.length);
      if (more.length === 0) break;
      copied = copied.concat(more);
    }
    const shown: SteppedPoint[] = [];
    for (const [index, { timestamp, step, value, dataset_name, dataset_digest }] of page.entries()) {
      number++;
      found.counts.points++;
      const dataset = [dataset_name, dataset_digest].filter((text) => text !== undefined);
      const original = [timestamp, step, value, ...dataset];
      const kept = copied[index];
      if (copy && !isSame(original, kept))
        found.add(runId, `point ${String(number)} of ${key} in the copy (time, step, value)`, asTexts(original), kept && asTexts(kept));
      if (isChartable(timestamp, step, value)) {
        shown.push({ step: Number(step), timestamp: Number(timestamp), value });
        continue;
      }
      found.counts.notChartable++;
      found.lossy.note(whyNotChartable(value), `${key} of run ${runId} at step ${String(step)}`);
    }
    await points.add(shown);
    chartable += shown.length;
  }
  // What the copy has beyond the source.
  for (let more = (await copy?.points(key, 1)) ?? []; more.length > 0; more = (await copy?.points(key, 1)) ?? [])
    found.add(runId, `a point of ${key} in the copy (time, step, value)`, undefined, more[0] && asTexts(more[0]));
  return chartable;
}

/** Goes along the chart and the points of the source at once, step by step. Of several points at a step the chart has the latest. */
async function compareChart(
  { clearml, run, taskId, found, signal }: MetricsToVerify,
  key: string,
  address: MetricAddress,
  points: PointsByStep,
): Promise<void> {
  const runId = run.info.run_id;
  const differs = (step: number, inMlflow: string | undefined, inClearML: string | undefined): void =>
    found.add(runId, `${key} at step ${String(step)} in its chart (time, value)`, inMlflow, inClearML);
  const chart = await ChartCursor.open(clearml, taskId, address, signal);
  /** Those before a step are nobody's. */
  const passTo = async (step: number): Promise<void> => {
    for (; chart.event && chart.step < step; await chart.advance()) {
      found.counts.events++;
      differs(chart.step, undefined, timeAndValue(chart.event));
    }
  };
  const take = async (expected: SteppedPoint): Promise<void> => {
    if (chart.step < expected.step) await passTo(expected.step);
    const { event } = chart;
    if (!event || chart.step !== expected.step) {
      differs(expected.step, timeAndValue(expected), undefined);
      return;
    }
    found.counts.events++;
    if (event.timestamp !== expected.timestamp || event.value !== expected.value)
      differs(expected.step, timeAndValue(expected), timeAndValue(event));
    await chart.advance();
  };
  let latest: SteppedPoint | undefined;
  for await (const page of points.pages()) {
    signal.throwIfAborted();
    for (const point of page) {
      if (latest?.step === point.step) {
        found.counts.collapsed++;
        found.lossy.note("same-step", `${key} of run ${runId} at step ${String(point.step)}`);
      } else if (latest) await take(latest);
      latest = point;
    }
  }
  if (latest) await take(latest);
  await passTo(Number.POSITIVE_INFINITY);
}

/** True for a point that a chart can hold. */
export function isChartable(timestamp: number | bigint, step: number | bigint, value: number): boolean {
  return (
    typeof step === "number" &&
    typeof timestamp === "number" &&
    Math.abs(step) < 2 ** 53 &&
    step !== -(2 ** 31) &&
    Math.abs(value) < FLOAT32_LIMIT
  );
}

function whyNotChartable(value: number): LossyKind {
  if (!Number.isFinite(value)) return "not-finite";
  return Math.abs(value) >= FLOAT32_LIMIT ? "too-large" : "step";
}

/** Of either side, in words. */
export function timeAndValue({ timestamp, value }: { readonly timestamp?: unknown; readonly value?: unknown }): string {
  return `${String(timestamp)} ${String(value)}`;
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
