/**
 * The number of the attempt whose writes a task takes, kept in the task's runtime. ClearML has no conditional write, so
 * this is a look before each batch: a request that is under way when a newer attempt takes over may still arrive.
 */
import { setRuntime } from "../../clearml/task-edits.js";
import type { TaskCalls } from "./clearml-port.js";

/** Runtime key: `<epoch>:<run>`; the run is empty while no trainer of that epoch has reported. */
export const FENCE_RUNTIME_KEY = "trainer_sdk_fence";

/** Who may write to a task. */
export interface FenceMark {
  /** 0: nobody was fenced yet. */
  readonly epoch: number;
  /** The journal's run that reports under this number. */
  readonly runId: string;
}

/** What a task says of a process: `held`, or why it may not write. */
export type FenceVerdict = { readonly status: "held" } | { readonly status: "lost"; readonly reason: string };

/** The mark on a task; undefined when there is no such task. @throws ApiError, ConnectionError. */
export async function readFence({ port, taskId, signal }: TaskCalls): Promise<FenceMark | undefined> {
  const { tasks } = await port.call("tasks.get_all", { id: [taskId], only_fields: ["id", "runtime"] }, { signal });
  const task = tasks.find(({ id }) => id === taskId);
  return task && parseMark(task.runtime?.[FENCE_RUNTIME_KEY]);
}

/**
 * Asks, and claims where the number allows it. `first` is a process's first look: of two with the same number the later
 * one writes, for a replacement is started when the earlier one is gone.
 *
 * @throws ApiError, ConnectionError: then nothing is known, and nothing may be written.
 */
export async function holdFence(calls: TaskCalls, own: FenceMark, first: boolean): Promise<FenceVerdict> {
  const mark = await readFence(calls);
  // Deleted: the delivery finds out, and binds another task.
  if (mark === undefined) return { status: "held" };
  if (mark.epoch > own.epoch) return { status: "lost", reason: `task ${calls.taskId} is reported by attempt ${String(mark.epoch)} now` };
  if (mark.epoch === own.epoch && mark.runId === own.runId) return { status: "held" };
  if (mark.epoch === own.epoch && mark.runId !== "" && !first)
    return { status: "lost", reason: `another process reports task ${calls.taskId} under the same number` };
  await setRuntime(calls, { [FENCE_RUNTIME_KEY]: `${String(own.epoch)}:${own.runId}` });
  return { status: "held" };
}

/** For the worker: from now on the task takes no writes of lower numbers. Never lowers the mark. @throws ApiError, ConnectionError. */
export async function raiseFence(calls: TaskCalls, epoch: number): Promise<void> {
  const mark = await readFence(calls);
  if (mark !== undefined && mark.epoch < epoch) await setRuntime(calls, { [FENCE_RUNTIME_KEY]: `${String(epoch)}:` });
}

/** Reads the value of a task's {@link FENCE_RUNTIME_KEY}; anything else counts as no mark. */
export function parseMark(value: unknown): FenceMark {
  const match = typeof value === "string" ? /^(\d{1,15}):([0-9a-zA-Z_-]*)$/.exec(value) : null;
  return match ? { epoch: Number(match[1]), runId: match[2] ?? "" } : { epoch: 0, runId: "" };
}
