/** tasks, several at once, and the start of a pipeline's next run, which is a copy and a place in a queue. @see clearml-protocol 3.7, 8.3 */
import * as z from "zod/mini";
import type { TaskDocument } from "../../store/documents.js";
import { ApiFailure } from "../api-failure.js";
import { serveOther } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { projectOf, taskOf } from "../lookup.js";
import { manyRequest, runMany } from "../many.js";
import { ensureProjectNamed } from "./project-services.js";
import { dequeueTask, enqueueTask } from "./queue-services.js";
import { cloneTask } from "./task-lifecycle-services.js";
import { publishTask } from "./task-status-services.js";

const reasons = { status_message: z.nullish(z.string()), status_reason: z.nullish(z.string()) };

function move(
  request: { ids: string[]; project?: string | null | undefined; project_name?: string | null | undefined },
  call: Call,
): object {
  if (!request.project && !request.project_name)
    throw new ApiFailure(400, 11, "Missing required fields (project or project_name is required)");
  const tasks = request.ids.map((id) => taskOf(call, id));
  const target = request.project ? projectOf(call, request.project) : ensureProjectNamed(call, request.project_name ?? "");
  for (const task of tasks) {
    call.store.tasks.put({ ...task, project: target.id, last_change: call.now, last_changed_by: call.identity.user });
    call.notify(task.id, "task");
  }
  return { updated: tasks.length, project_id: target.id };
}

/** The next run's name: that of the pipeline's project, numbered from its second run on. */
function runName(call: Call, run: TaskDocument): string {
  const project = run.project === undefined ? undefined : call.store.projects.get(run.project);
  if (!project) return run.name;
  const prefix = project.name.slice(project.name.lastIndexOf("/") + 1);
  const isRun = ({ name }: TaskDocument): boolean =>
    name === prefix || (name.startsWith(`${prefix} #`) && /^\d+$/.test(name.slice(prefix.length + 2)));
  const runs = [...call.store.tasks.values()].filter(
    (task) => task.project === project.id && task.system_tags.includes("pipeline") && isRun(task),
  );
  return runs.length > 0 ? `${prefix} #${String(runs.length)}` : prefix;
}

function startPipeline(
  request: { task: string; queue?: string | null | undefined; args?: { name: string; value: string }[] | null | undefined },
  call: Call,
): object {
  const { hyperparams } = taskOf(call, request.task);
  const given = Object.fromEntries((request.args ?? []).map(({ name, value }) => [name, { section: "Args", name, value }]));
  const { id } = cloneTask(
    {
      task: request.task,
      ...(Object.keys(given).length === 0 ? {} : { new_task_hyperparams: { ...hyperparams, Args: { ...hyperparams["Args"], ...given } } }),
    },
    call,
  );
  const run = taskOf(call, id);
  call.store.tasks.put({ ...run, name: runName(call, run) });
  enqueueTask({ task: id, queue: request.queue, status_message: "Starting pipeline" }, call);
  return { pipeline: id, enqueued: true };
}

/** The endpoints of this part. */
export const TASK_BATCH_SERVICES: readonly ServedEndpoint[] = [
  serveOther(
    "tasks.move",
    () => z.object({ ids: z.array(z.string()), project: z.nullish(z.string()), project_name: z.nullish(z.string()) }),
    move,
    { since: "2.12" },
  ),
  serveOther(
    "tasks.enqueue_many",
    () => z.object({ ids: z.array(z.string()), queue: z.nullish(z.string()), queue_name: z.nullish(z.string()), ...reasons }),
    ({ ids, ...request }, call) =>
      runMany(ids, (task) => {
        const { queued, ...reply } = enqueueTask({ ...request, task }, call);
        return { queued: queued > 0, updated: reply.updated, fields: reply.fields };
      }),
    { since: "2.13" },
  ),
  serveOther(
    "tasks.dequeue_many",
    () => z.object({ ids: z.array(z.string()), new_status: z.nullish(z.string()), ...reasons }),
    ({ ids, ...request }, call) =>
      runMany(ids, (task) => {
        const { dequeued, ...reply } = dequeueTask({ ...request, task }, call);
        return { ...reply, dequeued: dequeued > 0 };
      }),
    { since: "2.13" },
  ),
  serveOther(
    "tasks.publish_many",
    () => z.extend(manyRequest(), { publish_model: z.nullish(z.boolean()), ...reasons }),
    ({ ids, ...request }, call) => runMany(ids, (id) => publishTask(call, taskOf(call, id), request)),
    { since: "2.13" },
  ),
  serveOther(
    "pipelines.start_pipeline",
    () =>
      z.object({
        task: z.string(),
        queue: z.nullish(z.string()),
        args: z.nullish(z.array(z.object({ name: z.string(), value: z.string() }))),
      }),
    startPipeline,
    { since: "2.17" },
  ),
];
