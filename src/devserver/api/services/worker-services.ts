/** workers, as far as a worker needs: it registers, reports, and its task counts as alive. @see clearml-protocol 7 */
import type { Call, ServedEndpoint } from "../call.js";
import { serve } from "../call.js";
import { queueOf } from "../lookup.js";

/** A worker is remembered for so long after its last word, unless it asked for another time. */
const WORKER_TIMEOUT_SEC = 600;
const DEFAULT_LAST_SEEN_SEC = 3600;

interface Worker {
  readonly id: string;
  readonly registeredAtMs: number;
  readonly seenAtMs: number;
  readonly timeoutSec: number;
  readonly task?: string | undefined;
  readonly taskSinceMs?: number | undefined;
  readonly queue?: string | undefined;
  readonly queues: readonly string[];
  readonly tags: readonly string[];
}

/** `*` stands for any characters, as in the real server's index. */
function matches(id: string, pattern: string): boolean {
  const text = pattern.replaceAll(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`).replaceAll("*", ".*");
  return new RegExp(`^${text}$`).test(id);
}

function queueOnTheWire(call: Call, id: string): object {
  const queue = call.store.queues.get(id);
  const next = queue?.entries[0];
  return {
    id,
    name: queue?.name ?? id,
    num_tasks: queue?.entries.length ?? 0,
    ...(next ? { next_task: { id: next.task, name: call.store.tasks.get(next.task)?.name ?? "" } } : {}),
  };
}

function onTheWire(call: Call, worker: Worker): object {
  const task = worker.task === undefined ? undefined : call.store.tasks.get(worker.task);
  const project = task?.project === undefined ? undefined : call.store.projects.get(task.project);
  return {
    id: worker.id,
    user: { id: call.identity.user, name: call.identity.user_name },
    company: { id: call.identity.company, name: call.identity.company_name },
    tags: [...worker.tags],
    register_time: new Date(worker.registeredAtMs).toISOString(),
    last_activity_time: new Date(worker.seenAtMs).toISOString(),
    queues: worker.queues.map((id) => queueOnTheWire(call, id)),
    ...(worker.queue === undefined ? {} : { queue: queueOnTheWire(call, worker.queue) }),
    ...(task
      ? {
          task: {
            id: task.id,
            name: task.name,
            running_time: call.nowMs - (worker.taskSinceMs ?? call.nowMs),
            last_iteration: task.last_iteration,
          },
        }
      : {}),
    ...(project ? { project: { id: project.id, name: project.name } } : {}),
  };
}

function isAlive(worker: Worker, nowMs: number): boolean {
  return nowMs - worker.seenAtMs <= worker.timeoutSec * 1000;
}

/** The endpoints of this service; each server has its own workers, which are forgotten when it stops. */
export function workerServices(): readonly ServedEndpoint[] {
  const workers = new Map<string, Worker>();
  const see = (call: Call, id: string, changes: Partial<Worker>): void => {
    const known = workers.get(id) ?? {
      id,
      registeredAtMs: call.nowMs,
      seenAtMs: call.nowMs,
      timeoutSec: WORKER_TIMEOUT_SEC,
      queues: [],
      tags: [],
    };
    workers.set(id, { ...known, ...changes, seenAtMs: call.nowMs });
  };
  return [
    serve(
      "workers.register",
      (request, call) => {
        for (const queue of request.queues ?? []) queueOf(call, queue);
        see(call, request.worker, {
          timeoutSec: request.timeout ?? WORKER_TIMEOUT_SEC,
          queues: request.queues ?? [],
          tags: request.tags ?? [],
        });
        return {};
      },
      { since: "2.4" },
    ),
    serve(
      "workers.unregister",
      (request) => {
        workers.delete(request.worker);
        return {};
      },
      { since: "2.4" },
    ),
    serve(
      "workers.status_report",
      (request, call) => {
        const task = request.task ? call.store.tasks.get(request.task) : undefined;
        const before = workers.get(request.worker);
        see(call, request.worker, {
          // A report without a task says that the worker has none.
          task: task?.id,
          taskSinceMs: before?.task === task?.id ? (before?.taskSinceMs ?? call.nowMs) : call.nowMs,
          queue: request.queue ?? undefined,
          ...(request.queues ? { queues: request.queues } : {}),
          ...(request.tags ? { tags: request.tags } : {}),
        });
        if (task) call.store.tasks.put({ ...task, last_worker: request.worker, last_worker_report: call.now, last_update: call.now });
        return {};
      },
      { since: "2.4" },
    ),
    serve(
      "workers.get_all",
      (request, call) => ({
        workers: [...workers.values()]
          .filter(
            (worker) =>
              isAlive(worker, call.nowMs) &&
              call.nowMs - worker.seenAtMs <= (request.last_seen ?? DEFAULT_LAST_SEEN_SEC) * 1000 &&
              (!request.worker_pattern || matches(worker.id, request.worker_pattern)) &&
              (!request.tags || request.tags.some((tag) => worker.tags.includes(tag))),
          )
          .map((worker) => onTheWire(call, worker)),
      }),
      { since: "2.4" },
    ),
  ];
}
