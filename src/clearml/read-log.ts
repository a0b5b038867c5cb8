/** Reads a task's console to its end. Pages follow each other by time, for the server counts lines to 10,000 only (`clearml-protocol`, 4.6). */
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";
import type { EventDocument } from "../protocol/clearml/event-document.js";

/** Which lines. */
export interface LogReading {
  readonly task: string;
  /** Newest first instead of oldest first. Default false. */
  readonly newestFirst?: boolean;
  /** Only lines after this time (before it, when newest first), milliseconds since the epoch. */
  readonly fromTimestampMs?: number;
  /** Lines a page; a page holds more when many lines share its last millisecond. Default 1000. */
  readonly pageSize?: number;
}

/** Fetches one page. */
export type FetchLog = (request: RequestOf<"events.get_task_log">) => Promise<ResponseOf<"events.get_task_log">>;

/** All lines. Ends at the first page that brings nothing beyond the one before, so that no server can make it run for ever. */
export async function* readLog(fetch: FetchLog, reading: LogReading): AsyncGenerator<EventDocument, void, undefined> {
  const newestFirst = reading.newestFirst ?? false;
  const order = newestFirst ? "desc" : "asc";
  let from = reading.fromTimestampMs;
  for (;;) {
    const { events } = await fetch({
      task: reading.task,
      batch_size: reading.pageSize ?? 1000,
      navigate_earlier: newestFirst,
      order,
      ...(from === undefined ? {} : { from_timestamp: from }),
    });
    const last: number | undefined = from;
    const fresh =
      last === undefined
        ? events
        : events.filter(({ timestamp }) => (newestFirst ? (timestamp ?? last) < last : (timestamp ?? last) > last));
    if (fresh.length === 0) return;
    yield* fresh;
    // The farthest time of the page, wherever in it that stands.
    for (const { timestamp } of fresh) {
      if (typeof timestamp === "number" && (from === undefined || (newestFirst ? timestamp < from : timestamp > from))) from = timestamp;
    }
    if (from === undefined) return;
  }
}
