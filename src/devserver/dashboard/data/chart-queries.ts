/** What charts of one task, or of several in comparison, are drawn from: first their names alone, then those in view. */
import { useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  comparedName,
  compareNames,
  sinceStart,
  taskLabels,
  toCharts,
  toComparedCharts,
  type Chart,
  type ChartOutline,
} from "./chart-data.js";
import { ChartReader } from "./chart-reader.js";
import type { XAxis } from "./chart-settings.js";
import { callApi } from "./clearml-reader.js";
import type { ComparedHistogram, ScalarHistogram, TaskDocument } from "./documents.js";
import { parseTime } from "../format.js";
import { FeedContext, useResource, type Resource } from "./use-resource.js";

/** Points of one chart: its lines share them, each between the two numbers below. */
const POINTS_PER_CHART = 40_000;
/** More than a chart has pixels. */
const MOST_SAMPLES = 1000;
const FEWEST_SAMPLES = 200;

/** The charts that the tasks have, each with the names of its lines. With more than one task a line names its task. */
export function useChartOutlines(tasks: readonly TaskDocument[]): Resource<readonly ChartOutline[]> {
  const ids = tasks.map((task) => task.id);
  return useResource(
    `outlines ${ids.join(" ")}`,
    async (signal) => {
      const body = { tasks: ids, event_type: "training_stats_scalar" };
      const [charted, ...variants] = await Promise.all([
        callApi<{ metrics: { metrics: string[] }[] }>("events.get_task_metrics", body, signal),
        ...ids.map((task) =>
          callApi<{ metrics: Record<string, string[]> }>("events.get_scalar_metrics_and_variants", { task }, signal).then(
            (answer) => answer.metrics,
          ),
        ),
      ]);
      // The second answer also names what has single values alone, which are no chart.
      const titles = [...new Set(charted.metrics.flatMap((each) => each.metrics))].sort(compareNames);
      return titles.map((title) => ({ title, lines: linesOf(title, tasks, variants) }));
    },
    (change) => change.kind === "scalar" && change.task !== undefined && ids.includes(change.task),
  );
}

function linesOf(
  title: string,
  tasks: readonly TaskDocument[],
  variants: readonly Readonly<Record<string, readonly string[]>>[],
): ChartOutline["lines"] {
  const names = [...new Set(variants.flatMap((each) => each[title] ?? []))].sort(compareNames);
  if (tasks.length === 1) return names.map((name) => ({ name }));
  return names.flatMap((variant) =>
    [...taskLabels(tasks)].flatMap(([task, label], index) =>
      variants[index]?.[title]?.includes(variant) ? [{ name: comparedName(variant, label), task, variant }] : [],
    ),
  );
}

/** Reads charts of the tasks as they are watched, for as long as the calling view is shown. */
export function useChartReader(tasks: readonly TaskDocument[], axis: XAxis, outlines: readonly ChartOutline[]): ChartReader {
  const feed = useContext(FeedContext);
  const latest = useRef({ tasks, outlines });
  latest.current = { tasks, outlines };
  const key = `${axis} ${tasks.map((task) => task.id).join(" ")}`;
  const reader = useMemo(
    () => new ChartReader({ load: (titles, signal) => loadCharts(latest.current, axis, titles, signal), pause }),
    [key],
  );
  useEffect(() => {
    const unsubscribe = feed?.onChange(({ kind, task }) => {
      const isOurs = kind === "scalar" && latest.current.tasks.some((each) => each.id === task);
      if (kind === "any" || isOurs) reader.refresh();
    });
    return () => {
      unsubscribe?.();
      reader.close();
    };
  }, [reader, feed]);
  return reader;
}

/** One chart, read while the calling view is shown. */
export function useChart(reader: ChartReader, title: string): Chart | undefined {
  const [, setVersion] = useState(0);
  useEffect(
    () =>
      reader.watch(title, () => {
        setVersion((version) => version + 1);
      }),
    [reader, title],
  );
  return reader.chart(title);
}

interface Subject {
  readonly tasks: readonly TaskDocument[];
  readonly outlines: readonly ChartOutline[];
}

async function loadCharts(subject: Subject, axis: XAxis, titles: readonly string[], signal: AbortSignal): Promise<Chart[]> {
  const { tasks, outlines } = subject;
  const most = Math.max(1, ...outlines.filter(({ title }) => titles.includes(title)).map(({ lines }) => lines.length));
  const body = {
    samples: Math.min(MOST_SAMPLES, Math.max(FEWEST_SAMPLES, Math.floor(POINTS_PER_CHART / most))),
    key: axis === "iteration" ? "iter" : "timestamp",
    metrics: titles.map((metric) => ({ metric })),
  };
  const [first] = tasks;
  const charts =
    tasks.length === 1 && first
      ? toCharts(await callApi<ScalarHistogram>("events.scalar_metrics_iter_histogram", { ...body, task: first.id }, signal))
      : toComparedCharts(
          (
            await callApi<{ metrics: ComparedHistogram }>(
              "events.multi_task_scalar_metrics_iter_histogram",
              { ...body, tasks: tasks.map((task) => task.id) },
              signal,
            )
          ).metrics,
          taskLabels(tasks),
        );
  if (axis !== "relative") return charts;
  const starts = new Map(tasks.map((task) => [task.id, parseTime(task.started)]));
  return charts.map((chart) => sinceStart(chart, (task) => starts.get(task ?? first?.id ?? "")));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
