/** Waiting for a task that others run. */
import { ConnectionError, TaskStatusError } from "../base/errors.js";
import type { TaskStatus } from "../protocol/clearml/task-document.js";
import type { CallOptions } from "./session.js";
import type { TaskApi } from "./task-api.js";

export interface WaitForStatusOptions extends Pick<CallOptions, "signal"> {
  /** Default: completed, stopped, closed, published. */
  readonly status?: readonly TaskStatus[] | undefined;
  /** Statuses that are a failure. Default: failed. */
  readonly raiseOn?: readonly TaskStatus[] | undefined;
  /** Default 60 s. */
  readonly pollIntervalMs?: number | undefined;
  /** Longest wait. Default: none. */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_POLL_INTERVAL_MS = 60_000;

/**
 * Asks until the task has one of the statuses, and resolves with it.
 *
 * @throws TaskStatusError for one of `raiseOn`; ConnectionError `TIMEOUT` after `timeoutMs`; NotFoundError when the task
 * is deleted meanwhile; the signal's reason.
 */
export async function waitForStatus(api: TaskApi, options: WaitForStatusOptions): Promise<string> {
  const { status: wanted = ["completed", "stopped", "closed", "published"], raiseOn = ["failed"], timeoutMs, signal } = options;
  const { clock } = api.clearml;
  const endMs = timeoutMs === undefined ? Infinity : clock.monotonic() + timeoutMs;
  for (;;) {
    const task = await api.readFields(["status", "status_reason", "status_message"], { signal });
    const status = task.status ?? "unknown";
    if ((wanted as readonly string[]).includes(status)) return status;
    const words = [task.status_reason, task.status_message].filter((text) => typeof text === "string" && text !== "").join("; ");
    const said = words === "" ? "" : `: ${words}`;
    if ((raiseOn as readonly string[]).includes(status))
      throw new TaskStatusError(`ClearML task ${api.id} is ${status}${said}.`, { taskId: api.id, status });
    const leftMs = endMs - clock.monotonic();
    if (leftMs <= 0)
      throw new ConnectionError(`ClearML task ${api.id} is still ${status} after ${String(timeoutMs)} ms${said}.`, {
        code: "TIMEOUT",
        ambiguous: false,
      });
    await clock.sleep(Math.min(options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS, leftMs), { signal, keepAlive: true });
  }
}
