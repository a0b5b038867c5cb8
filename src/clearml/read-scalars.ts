/** Reads a chart's exact values to their end, past the server's habit of starting again at iteration 0 (`clearml-protocol`, 4.6). */
import { ApiError } from "../base/errors.js";
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";

/** Which points. */
export interface ScalarReading {
  readonly task: string;
  /** Title of the chart. */
  readonly metric: string;
  /** Lines of the chart. Default all. */
  readonly variants?: readonly string[];
  /** Points a page, at most 200,000. Default 10,000. */
  readonly pageSize?: number;
}

/** One point. */
export interface ScalarPoint {
  readonly variant: string;
  readonly iteration: number;
  /** Null for a point that was stored without a value. */
  readonly value: number | null;
}

/** Fetches one page. */
export type FetchScalars = (request: RequestOf<"events.scalar_metrics_iter_raw">) => Promise<ResponseOf<"events.scalar_metrics_iter_raw">>;

/**
 * All points, by iteration.
 *
 * @throws ApiError when the server starts again before all was read: it does so after a page that ends at iteration 0,
 * and a larger `pageSize` or fewer `variants` avoid that.
 */
export async function* readScalars(fetch: FetchScalars, reading: ScalarReading): AsyncGenerator<ScalarPoint, void, undefined> {
  let scrollId: string | undefined;
  let total: number | undefined;
  let read = 0;
  let previous: readonly ScalarPoint[] = [];
  for (;;) {
    const answer = await fetch({
      task: reading.task,
      metric: { metric: reading.metric, ...(reading.variants ? { variants: [...reading.variants] } : {}) },
      key: "iter",
      batch_size: reading.pageSize ?? 10_000,
      count_total: true,
      ...(scrollId === undefined ? {} : { scroll_id: scrollId }),
    });
    total ??= answer.total ?? undefined;
    const points = pointsOf(answer);
    if (points.length === 0) return;
    if (startsAgain(previous, points)) {
      if (total !== undefined && read >= total) return;
      const progress = `${String(read)} of ${String(total ?? "an unknown number of")} points of ${reading.metric}`;
      throw new ApiError(`ClearML started again after ${progress}. Ask for more points a page, or for fewer lines.`, {
        service: "clearml",
        method: "POST",
        url: "events.scalar_metrics_iter_raw",
        status: 200,
        retryable: false,
      });
    }
    yield* points;
    read += points.length;
    previous = points;
    scrollId = answer.scroll_id ?? undefined;
    // A page that ends at iteration 0 cannot be followed by another one; with all points read there is no need to ask.
    if (scrollId === undefined || (total !== undefined && read >= total && points.at(-1)?.iteration === 0)) return;
  }
}

/** Points of a page by iteration; the answer groups them by line. */
function pointsOf(answer: ResponseOf<"events.scalar_metrics_iter_raw">): ScalarPoint[] {
  const points: ScalarPoint[] = [];
  for (const [variant, { iter, y }] of Object.entries(answer.variants ?? {})) {
    for (const [index, iteration] of (iter ?? []).entries()) points.push({ variant, iteration, value: y[index] ?? null });
  }
  return points.sort((one, other) => one.iteration - other.iteration);
}

/** True when a page does not go on where the one before ended, but repeats points of it. */
function startsAgain(previous: readonly ScalarPoint[], points: readonly ScalarPoint[]): boolean {
  const last = previous.at(-1);
  const first = points[0];
  if (!last || !first) return false;
  if (first.iteration !== last.iteration) return first.iteration < last.iteration;
  const atBoundary = new Set(previous.filter((point) => point.iteration === last.iteration).map((point) => point.variant));
  return points.some((point) => point.iteration === last.iteration && atBoundary.has(point.variant));
}
