/**
 * Which console lines are at ClearML already. Everything else overwrites by identity when it is sent twice; a console
 * line becomes a second line (`clearml-protocol`, 4.4). So each line carries its run and sequence number, and after an
 * attempt without a clear answer the end of the task's log is read before anything is sent again.
 */
import type { TaskCalls } from "./clearml-port.js";
import type { LogEvent } from "./record-events.js";

/** Lines a page: the official client's own choice (4.6); an event is some hundred bytes. */
const PAGE_SIZE = 5_000;

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
export async function findDeliveredLines({ port, taskId, signal }: TaskCalls, lines: readonly LogEvent[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const wanted = new Set(lines.map((line) => lineKey(line.trainer_sdk_run, line.trainer_sdk_sequence)));
  const times = lines.map(({ timestamp }) => timestamp);
  const oldest = times.reduce((left, right) => Math.min(left, right), Number.POSITIVE_INFINITY);
  // Pages end before the time that they are asked from.
  let from = times.reduce((left, right) => Math.max(left, right), Number.NEGATIVE_INFINITY) + 1;
  while (found.size < wanted.size) {
    const { events } = await port.call(
      "events.get_task_log",
      { task: taskId, batch_size: PAGE_SIZE, navigate_earlier: true, from_timestamp: from },
      { signal },
    );
    let reached = from;
    for (const event of events) {
      const run = event["trainer_sdk_run"];
      const sequence = event["trainer_sdk_sequence"];
      if (typeof run === "string" && typeof sequence === "number") {
        const key = lineKey(run, sequence);
        if (wanted.has(key)) found.add(key);
      }
      if (typeof event.timestamp === "number") reached = Math.min(reached, event.timestamp);
    }
    // No earlier line: the log's beginning, or a server that does not page. Either way there is nothing more to learn.
    if (events.length === 0 || reached >= from || reached < oldest) break;
    from = reached;
  }
  return found;
}
