/**
 * Asks ClearML, while a training runs, how far it has come and whether somebody wants it to end. Its troubles are its own:
 * a ClearML that is down neither ends the training nor delays its end.
 */
import { describeError } from "../base/errors.js";
import { judgeStatus } from "../clearml/status-verdict.js";
import { isOurs } from "../sinks/clearml/task-status.js";
import type { Settings } from "./settings.js";
import { viewTask, type TaskView } from "./task-view.js";

export interface TaskFollowerOptions {
  readonly taskId: string;
  readonly signal: AbortSignal;
  readonly onView: (view: TaskView) => void;
  /** Somebody wants the job to end. Called once. */
  readonly onStop: (reason: string) => void;
}

/** A function: what was false before an `await` may be true after it, which the type checker does not see. */
const isOver = (signal: AbortSignal): boolean => signal.aborted;

/** Follows until the signal aborts. Never rejects. */
export async function followTask(settings: Settings, { taskId, signal, onView, onStop }: TaskFollowerOptions): Promise<void> {
  const { clock, logger, pollIntervalMs, port } = settings;
  let failures = 0;
  let told = false;
  while (!signal.aborted) {
    try {
      const view = await viewTask({ port, taskId, projectId: undefined, signal });
      failures = 0;
      if (view) {
        onView(view);
        // Not counted: before the trainer's first word the task is as it was made, which is no reset.
        const verdict = judgeStatus(taskId, view, 0, isOurs(view));
        if (verdict.kind === "stop" && !told) {
          told = true;
          onStop(verdict.reason);
        }
      }
    } catch (error) {
      if (isOver(signal)) return;
      failures++;
      if (failures === 1) logger.warn(`ClearML cannot be asked about task ${taskId} at the moment: ${describeError(error)}`);
    }
    await clock.sleep(pollIntervalMs, { signal }).catch(() => undefined);
  }
}
