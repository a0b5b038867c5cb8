/**
 * Reads events that have an iteration to their end, page after page, past the server's habit of starting again after a
 * page that ends at iteration 0 (`clearml-protocol`, 4.6).
 */
import { ApiError } from "../base/errors.js";
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";
import type { EventDocument, EventType, MetricFilter } from "../protocol/clearml/event-document.js";

/** Which events. */
export interface EventReading {
  /** A task's id, or a model's with `isModel`. */
  readonly id: string;
  readonly isModel: boolean;
  readonly type: Exclude<EventType, "log">;
  readonly metrics?: readonly MetricFilter[];
  /** Default 10,000, which is the most. */
  readonly pageSize?: number;
}

/** Fetches one page. */
export type FetchEvents = (request: RequestOf<"events.get_task_events">) => Promise<ResponseOf<"events.get_task_events">>;

/**
 * All events, by iteration.
 *
 * @throws ApiError when the server starts again before all was read: a larger `pageSize` or fewer metrics avoid that.
 */
export async function* readEvents(fetch: FetchEvents, reading: EventReading): AsyncGenerator<EventDocument, void, undefined> {
  let scrollId: string | undefined;
  let total: number | undefined;
  let read = 0;
  let last: EventDocument | undefined;
  for (;;) {
    const answer = await fetch({
      task: reading.id,
      event_type: reading.type,
      order: "asc",
      batch_size: reading.pageSize ?? 10_000,
      count_total: total === undefined,
      model_events: reading.isModel,
      ...(reading.metrics ? { metrics: reading.metrics.map((filter) => ({ ...filter })) } : {}),
      ...(scrollId === undefined ? {} : { scroll_id: scrollId }),
    });
    total ??= answer.total ?? undefined;
    const [first] = answer.events;
    if (!first) return;
    if (last && (first.iter ?? 0) < (last.iter ?? 0)) {
      const progress = `${String(read)} of ${String(total ?? "an unknown number of")} events`;
      throw new ApiError(`ClearML started again after ${progress} of ${reading.id}. Ask for more events a page, or for fewer metrics.`, {
        service: "clearml",
        method: "POST",
        url: "events.get_task_events",
        status: 200,
        retryable: false,
      });
    }
    yield* answer.events;
    read += answer.events.length;
    last = answer.events.at(-1);
    scrollId = answer.scroll_id ?? undefined;
    // With all of them read there is no need to ask for a page that may be the first one again.
    if (scrollId === undefined || (total !== undefined && read >= total)) return;
  }
}
