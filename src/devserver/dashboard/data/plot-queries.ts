/** Figures and samples of tasks: first the names, then what is in view, then on request what came before. */
import { callApi } from "./clearml-reader.js";
import { compareNames } from "./chart-data.js";
import type { PlotEventDocument, SampleEventDocument } from "./documents.js";
import { useResource, type Resource } from "./use-resource.js";

/** Iterations of a figure or sample that can be gone back to. */
export const MOST_ITERATIONS = 100;

/** Iterations of a figure read at once, since each may be large. */
export const PLOT_ITERATIONS = 20;

/** Names of the metrics that have figures, or samples, in any of the tasks. */
export function useMetricNames(tasks: readonly string[], type: "plot" | "training_debug_image"): Resource<readonly string[]> {
  return useResource(
    `${type} ${tasks.join(" ")}`,
    async (signal) => {
      if (tasks.length === 0) return [];
      const { metrics } = await callApi<{ metrics: { metrics: string[] }[] }>(
        "events.get_task_metrics",
        { tasks, event_type: type },
        signal,
      );
      return [...new Set(metrics.flatMap((each) => each.metrics))].sort(compareNames);
    },
    (change) => change.kind === (type === "plot" ? "plot" : "image") && change.task !== undefined && tasks.includes(change.task),
  );
}

/** Figures of one metric of one task, newest iteration first, of each variant the last `iterations`. */
export function usePlots(task: string, metric: string, iterations: number): Resource<readonly PlotEventDocument[]> {
  return useResource(
    `plots ${task} ${metric} ${String(iterations)}`,
    async (signal) => {
      const body = { task, iters: iterations, metrics: [{ metric }], no_scroll: true };
      return (await callApi<{ plots: PlotEventDocument[] }>("events.get_task_plots", body, signal)).plots;
    },
    (change) => change.kind === "plot" && change.task === task,
  );
}

/** One iteration with its samples. */
export interface SampleIteration {
  readonly iter: number;
  readonly events: readonly SampleEventDocument[];
}

/** Samples of one metric of one task, newest iteration first. */
export function useSamples(task: string, metric: string): Resource<readonly SampleIteration[]> {
  return useResource(
    `samples ${task} ${metric}`,
    async (signal) => {
      const body = { metrics: [{ task, metric }], iters: MOST_ITERATIONS };
      const { metrics } = await callApi<{ metrics: { iterations: SampleIteration[] }[] }>("events.debug_images", body, signal);
      return metrics[0]?.iterations ?? [];
    },
    (change) => change.kind === "image" && change.task === task,
  );
}
