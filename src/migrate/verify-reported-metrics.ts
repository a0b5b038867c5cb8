/**
 * Compares the points of a run that a trainer wrote to both with the trainer's own task. Both destinations got the same facts with the
 * same steps, times and values, so each point of MLflow must stand in one of the lines that its metric can be on. The task may hold more:
 * it is MLflow that is to be found in ClearML. At a step ClearML keeps what was reported last; MLflow keeps what went before, too.
 */
import { join } from "node:path";
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { EventDocument } from "../protocol/clearml/event-document.js";
import { SINGLE_VALUE_ITERATION } from "../protocol/clearml/limits.js";
import type { MetricAddress } from "../records/metric-address.js";
import type { AddressOf } from "../records/metric-addresses.js";
import { ChartCursor } from "./chart-cursor.js";
import type { Differences } from "./differences.js";
import { PointsByStep, type SteppedPoint } from "./points-by-step.js";
import { reportedLines } from "./reported-lines.js";
import { isChartable, timeAndValue } from "./verify-metrics.js";

export interface ReportedMetrics {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly run: MlflowRun;
  readonly taskId: string;
  /** For what of a long metric does not fit into memory. */
  readonly folder: string;
  /** Undefined: trainers kept to the rule of `metricAddress`. */
  readonly addressOf: AddressOf | undefined;
  readonly found: Differences;
  readonly signal: AbortSignal;
}

/** A point of ClearML at the step in question. */
interface Met {
  readonly event: EventDocument;
  isMet: boolean;
}

export async function verifyReportedMetrics(given: ReportedMetrics): Promise<void> {
  const { mlflow, run, folder, addressOf, found, signal } = given;
  const runId = run.info.run_id;
  const own = addressOf && { addressOf, keys: run.data.metrics.map(({ key }) => key) };
  const lines = reportedLines(await linesOf(given), own);
  for (const { key } of run.data.metrics) {
    const before = found.counts.points;
    await using points = new PointsByStep(join(folder, "points"));
    await using others = new PointsByStep(join(folder, "others"));
    let unmarked = 0;
    for await (const page of mlflow.history(runId, key, { signal })) {
      found.counts.points += page.length;
      const [shown, rest]: [SteppedPoint[], SteppedPoint[]] = [[], []];
      for (const { timestamp, step, value } of page) {
        const point = { step: Number(step), timestamp: Number(timestamp), value };
        if (isChartable(timestamp, step, value)) shown.push(point);
        else rest.push(point);
      }
      found.counts.notChartable += rest.length;
      unmarked += rest.length;
      await points.add(shown);
      await others.add(rest);
    }
    if (found.counts.points === before) found.add(runId, `points of ${key}`, "a latest one, and an empty history", undefined);
    await comparePoints(given, key, lines.points.get(key) ?? [], points);
    const marks = lines.marks.get(key) ?? [];
    if (marks.length > 0) await compareMarks(given, key, marks, others);
    else if (unmarked > 0) found.leave(runId, `${String(unmarked)} points of ${key} that no chart can hold, and no mark of them`);
  }
}

/** All lines of the task, single values among them. */
async function linesOf({ clearml, taskId, signal }: ReportedMetrics): Promise<readonly MetricAddress[]> {
  const { metrics } = await clearml.events.getScalarMetricsAndVariants({ task: taskId }, { signal });
  const { tasks } = await clearml.events.getTaskSingleValueMetrics({ tasks: [taskId] }, { signal });
  const charts = Object.entries(metrics).flatMap(([title, all]) => all.map((series) => ({ title, series })));
  const singles = (tasks ?? []).flatMap(({ values }) => values.map(({ metric, variant }) => ({ title: metric, series: variant })));
  const known = new Map([...charts, ...singles].map((line) => [JSON.stringify([line.title, line.series]), line]));
  return [...known.values()];
}

/** The newest point of each step must be there; of the older ones it is told that ClearML gave them up. */
async function comparePoints(given: ReportedMetrics, key: string, lines: readonly MetricAddress[], points: PointsByStep): Promise<void> {
  const { run, found } = given;
  const runId = run.info.run_id;
  const reader = await LineReader.open(given, lines);
  let replaced = 0;
  let at: readonly Met[] = [];
  let last: { readonly point: SteppedPoint; readonly isMet: boolean } | undefined;
  const endStep = (): void => {
    if (!last || last.isMet) return;
    const shown = at.map(({ event }) => timeAndValue(event)).join(" or ");
    const what = `${key} at step ${String(last.point.step)} in the trainer's task (time, value)`;
    found.add(runId, what, timeAndValue(last.point), shown === "" ? undefined : shown);
  };
  for await (const page of points.pages()) {
    given.signal.throwIfAborted();
    for (const point of page) {
      const before = last?.point.step === point.step ? last : undefined;
      if (!before) {
        endStep();
        at = await reader.at(point.step);
      }
      const met = at.find(({ event, isMet }) => !isMet && event.timestamp === point.timestamp && event.value === point.value);
      if (met) {
        met.isMet = true;
        found.counts.events++;
      } else {
        found.counts.collapsed++;
        // A file store may have a point twice.
        if (before?.point.timestamp !== point.timestamp || before.point.value !== point.value) replaced++;
      }
      // Of one moment nobody knows which came last: one of them has to be there.
      const isMet = met !== undefined || (before?.point.timestamp === point.timestamp && before.isMet);
      if (before && !isMet && before.point.timestamp === point.timestamp) last = { point, isMet: false };
      else last = { point, isMet };
    }
  }
  endStep();
  if (replaced > 0)
    found.leave(runId, `${String(replaced)} points of ${key} at steps that were reported again: ClearML keeps the last of a step`);
}

/** Of what no chart can hold the trainer leaves a mark at its step. */
async function compareMarks(given: ReportedMetrics, key: string, lines: readonly MetricAddress[], points: PointsByStep): Promise<void> {
  const { run, found } = given;
  const reader = await LineReader.open(given, lines);
  let before: number | undefined;
  for await (const page of points.pages()) {
    given.signal.throwIfAborted();
    for (const { step, value } of page) {
      if (step === before) continue;
      before = step;
      const [mark] = await reader.at(step);
      const where = `${key} of run ${run.info.run_id} at step ${String(step)}`;
      if (mark) found.lossy.note("reported-not-finite", where);
      else found.add(run.info.run_id, `${key} at step ${String(step)}, marked in the chart nonfinite`, String(value), undefined);
    }
  }
}

/** The points of several lines at one step after the other. */
class LineReader {
  readonly #cursors: readonly ChartCursor[];
  /** Single values: MLflow has them at step 0. */
  readonly #singles: readonly EventDocument[];

  private constructor(cursors: readonly ChartCursor[], singles: readonly EventDocument[]) {
    this.#cursors = cursors;
    this.#singles = singles;
  }

  static async open({ clearml, taskId, signal }: ReportedMetrics, lines: readonly MetricAddress[]): Promise<LineReader> {
    const cursors: ChartCursor[] = [];
    const singles: EventDocument[] = [];
    for (const line of lines) {
      const cursor = await ChartCursor.open(clearml, taskId, line, signal);
      if (cursor.event && cursor.step === SINGLE_VALUE_ITERATION) {
        singles.push(cursor.event);
        await cursor.advance();
      }
      cursors.push(cursor);
    }
    return new LineReader(cursors, singles);
  }

  /** What ClearML has at this step; each call asks for a later one. */
  async at(step: number): Promise<readonly Met[]> {
    const found: EventDocument[] = step === 0 ? [...this.#singles] : [];
    for (const cursor of this.#cursors) {
      while (cursor.step < step) await cursor.advance();
      if (cursor.event && cursor.step === step) found.push(cursor.event);
    }
    return found.map((event) => ({ event, isMet: false }));
  }
}
