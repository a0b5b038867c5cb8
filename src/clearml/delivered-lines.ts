/**
 * Which console lines are at ClearML already. Everything else overwrites by identity when it is sent twice; a console
 * line becomes a second line (`clearml-protocol`, 4.4). So each line carries its run and sequence number, and after an
 * attempt without a clear answer the end of the task's log is read before anything is sent again.
 */
import { readLog, type FetchLog } from "./read-log.js";
import type { TaskCalls } from "./task-calls.js";

/** Lines a page: the official client's own choice (4.6); an event is some hundred bytes. */
const PAGE_SIZE = 5_000;

/** A console line that can be told from any other. */
export interface NumberedLine {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly trainer_sdk_run: string;
  readonly trainer_sdk_sequence: number;
}

/** Of which task, and how it is asked. */
export type DeliveredLinesCalls = Pick<TaskCalls, "port" | "taskId" | "signal">;

/** Identity of a line. */
export function lineKey(runId: string, sequence: number): string {
  return `${runId}-${String(sequence)}`;
}

/**
 * Those of the given lines that the task's log holds, by {@link lineKey}. Reads backwards from the newest of them to
 * the oldest: lines keep the time of their call, so nothing outside that span can be one of them.
 *
 * @throws ApiError, ConnectionError as the port does.
 */
export async function findDeliveredLines(calls: DeliveredLinesCalls, lines: readonly NumberedLine[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const wanted = new Set(lines.map((line) => lineKey(line.trainer_sdk_run, line.trainer_sdk_sequence)));
  const times = lines.map(({ timestamp }) => timestamp);
  const oldest = times.reduce((left, right) => Math.min(left, right), Number.POSITIVE_INFINITY);
  const newest = times.reduce((left, right) => Math.max(left, right), Number.NEGATIVE_INFINITY);
  const { port, taskId, signal } = calls;
  const fetch: FetchLog = (request) => port.call("events.get_task_log", request, { signal });
  // A page ends before the time that it is asked from.
  for await (const event of readLog(fetch, { task: taskId, newestFirst: true, fromTimestampMs: newest + 1, pageSize: PAGE_SIZE })) {
    const run = event["trainer_sdk_run"];
    const sequence = event["trainer_sdk_sequence"];
    if (typeof run === "string" && typeof sequence === "number") {
      const key = lineKey(run, sequence);
      if (wanted.has(key)) found.add(key);
    }
    if (found.size === wanted.size || (typeof event.timestamp === "number" && event.timestamp < oldest)) break;
  }
  return found;
}
