/** What the callback receiver has stored, read tolerantly: a sender may have posted any JSON. Pure. */
import { parseTime } from "../format.js";

/** One request that the receiver got. */
export interface Received {
  readonly id: string;
  /** Last part of the path: `started`, `progress`, ... */
  readonly verb: string;
  readonly receivedAt: number | undefined;
  readonly sequence: number | undefined;
  readonly jobId: string | undefined;
  readonly runId: string | undefined;
  readonly taskId: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Reads the receiver's list and keeps what belongs to `task`: requests that name it, and requests of the same run from
 * before the task was bound, which carry `task_id: null`.
 */
export function matchCallbacks(answer: unknown, task: string | undefined): Received[] {
  const all = readList(answer);
  if (task === undefined) return all;
  const own = all.filter((entry) => entry.taskId === task);
  const runs = new Set(own.map(runKey));
  return all.filter(
    (entry) => entry.taskId === task || (entry.taskId === undefined && runKey(entry) !== undefined && runs.has(runKey(entry))),
  );
}

function runKey(entry: Received): string | undefined {
  if (entry.runId !== undefined) return `run ${entry.runId}`;
  return entry.jobId === undefined ? undefined : `job ${entry.jobId}`;
}

function readList(answer: unknown): Received[] {
  const list = Array.isArray(answer)
    ? answer
    : isObject(answer) && Array.isArray(answer["callbacks"])
      ? (answer["callbacks"] as unknown[])
      : [];
  return list.filter(isObject).map((entry, index) => {
    const body = isObject(entry["body"]) ? entry["body"] : {};
    const headers = isObject(entry["headers"]) ? entry["headers"] : {};
    const path = text(entry["path"]) ?? "";
    return {
      id: String(index),
      verb:
        path
          .split("/")
          .filter((part) => part !== "")
          .at(-1) ?? path,
      receivedAt: parseTime(entry["receivedAt"] ?? entry["received_at"] ?? entry["time"] ?? entry["at"]),
      sequence: typeof body["sequence"] === "number" ? body["sequence"] : undefined,
      jobId: text(body["job_id"]),
      runId: text(body["run_id"]),
      taskId: text(body["task_id"]),
      idempotencyKey: text(headers["idempotency-key"] ?? entry["idempotencyKey"]),
      body,
    };
  });
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
