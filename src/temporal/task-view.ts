/** A job's task as the worker sees it: status, who may write, and what the trainer left as its outcome. Reads alone. */
import * as z from "zod";
import type { TaskStatusView } from "../clearml/status-verdict.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import type { TaskCalls } from "../sinks/clearml/clearml-port.js";
import { OUTCOME_RUNTIME_KEY } from "../sinks/clearml/final-delivery.js";
import { FENCE_RUNTIME_KEY, parseMark } from "../sinks/clearml/task-fence.js";

const outcomeSchema = z.object({
  status: z.enum(["completed", "failed", "stopped"]),
  fence: z.number().optional(),
  reason: z.string().optional(),
  error: z.object({ name: z.string(), message: z.string() }).optional(),
  final_metrics: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
});

/** What the trainer said of its end. */
export type TrainerOutcome = z.output<typeof outcomeSchema>;

export interface TaskView extends TaskStatusView {
  readonly task: TaskDocument;
  /** The number of the trainer that may write; 0 without any. */
  readonly fence: number;
  /** Of the trainer that may write; an earlier one's word does not count. */
  readonly outcome: TrainerOutcome | undefined;
  readonly iteration: number | undefined;
  readonly percent: number | undefined;
}

const FIELDS = [
  "id",
  "name",
  "project",
  "status",
  "status_message",
  "status_reason",
  "runtime",
  "last_iteration",
  "execution.artifacts",
  "models",
];

/** The task, or undefined when there is none. @throws ApiError, ConnectionError. */
export async function viewTask({ port, taskId, signal }: TaskCalls): Promise<TaskView | undefined> {
  const { tasks } = await port.call("tasks.get_all", { id: [taskId], only_fields: FIELDS }, { signal });
  const task = tasks.find(({ id }) => id === taskId);
  if (!task) return undefined;
  const fence = parseMark(task.runtime?.[FENCE_RUNTIME_KEY]).epoch;
  const outcome = parseOutcome(task.runtime?.[OUTCOME_RUNTIME_KEY]);
  const percent = Number(task.runtime?.["progress"] ?? Number.NaN);
  return {
    task,
    status: task.status ?? "unknown",
    message: task.status_message ?? "",
    reason: task.status_reason ?? "",
    fence,
    outcome: outcome?.fence === fence || (fence === 0 && outcome?.fence === undefined) ? outcome : undefined,
    iteration: task.last_iteration ?? undefined,
    percent: Number.isFinite(percent) ? percent : undefined,
  };
}

function parseOutcome(value: unknown): TrainerOutcome | undefined {
  if (typeof value !== "string") return undefined;
  try {
    const parsed = outcomeSchema.safeParse(JSON.parse(value));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
