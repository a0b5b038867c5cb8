/**
 * Which calls bring a task from the status it has to the one that a job asks for: ClearML's table of transitions
 * (`clearml-protocol`, 3.3) read backwards. Pure; other actors change a status at any time, so whoever carries a plan
 * out must be ready to read and plan again.
 */
import type { FinalStatus } from "../../records/facts.js";

/** One status call. */
export interface StatusStep {
  readonly to: "in_progress" | FinalStatus;
  /** Skip the server's table of transitions: only where the table has no way. */
  readonly force: boolean;
}

/** `locked`: the task is published, and nothing about it may change. */
export type StatusPlan = readonly StatusStep[] | "locked";

const LOCKED: ReadonlySet<string> = new Set(["published", "publishing"]);
/** From these `tasks.started` is refused without force. */
const NO_WAY_TO_IN_PROGRESS: ReadonlySet<string> = new Set(["failed", "closed", "unknown"]);

/**
 * The calls that make a task run. None when it runs already: a second `tasks.started` would erase a pending request to
 * stop (trap 17).
 */
export function startPlan(status: string): StatusPlan {
  if (LOCKED.has(status)) return "locked";
  if (status === "in_progress") return [];
  return [{ to: "in_progress", force: NO_WAY_TO_IN_PROGRESS.has(status) }];
}

/** From here the end is one call away, without force. */
const DIRECT: Readonly<Record<FinalStatus, ReadonlySet<string>>> = {
  completed: new Set(["in_progress", "stopped", "completed"]),
  failed: new Set(["in_progress", "stopped", "closed", "failed"]),
  stopped: new Set(["in_progress", "queued", "stopped", "closed", "failed"]),
};
/** From here the end is two calls away: started first, so that the task has a beginning and an end. */
const VIA_STARTED: ReadonlySet<string> = new Set(["created", "queued", "failed"]);

/** The calls that end a task. */
export function finalPlan(target: FinalStatus, status: string): StatusPlan {
  if (LOCKED.has(status)) return "locked";
  if (DIRECT[target].has(status)) return [{ to: target, force: false }];
  if (VIA_STARTED.has(status))
    return [
      { to: "in_progress", force: NO_WAY_TO_IN_PROGRESS.has(status) },
      { to: target, force: false },
    ];
  return [{ to: target, force: true }];
}
