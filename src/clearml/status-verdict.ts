/** What a task's status means for the program that runs it (`clearml-protocol`, 3.4, 3.5). Pure. */
import { STOPPING_MESSAGE } from "../protocol/clearml/limits.js";

/** What a task's status is, and what was said about it. */
export interface TaskStatusView {
  readonly status: string;
  readonly message: string;
  readonly reason: string;
}

/** What a status means for a job that runs. */
export type StatusVerdict = { readonly kind: "running" } | { readonly kind: "revive" } | { readonly kind: "stop"; readonly reason: string };

/** Reason and message of a task that the server stopped because nothing was heard of it. */
const WATCHDOG_WORDS = "Forced stop (non-responsive)";
/** So many polls in a row of status `created` are a reset; fewer may be somebody's edit in passing. */
const CREATED_POLLS = 4;
const ENDED: ReadonlySet<string> = new Set(["stopped", "failed", "closed", "completed", "published", "publishing"]);

/** What the status says. `createdPolls` counts this poll too; `isOurs`: the program itself set the status. */
export function judgeStatus(taskId: string, view: TaskStatusView, createdPolls: number, isOurs: boolean): StatusVerdict {
  const { status, message, reason } = view;
  if (status === "in_progress") {
    return message.includes(STOPPING_MESSAGE)
      ? { kind: "stop", reason: `ClearML task ${taskId}: somebody asked for a stop` }
      : { kind: "running" };
  }
  if (status === "created" && createdPolls >= CREATED_POLLS) return { kind: "stop", reason: `ClearML task ${taskId} was reset` };
  if (!ENDED.has(status) || isOurs) return { kind: "running" };
  if (status === "stopped" && (message.includes(WATCHDOG_WORDS) || reason.includes(WATCHDOG_WORDS))) return { kind: "revive" };
  const words = [message, reason].filter((text) => text.trim() !== "").join("; ");
  return { kind: "stop", reason: `ClearML task ${taskId} is now ${status}${words === "" ? "" : `: ${words}`}` };
}
