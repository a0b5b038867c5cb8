/** workers, as far as a worker needs: it registers, reports, and its task counts as alive. @see clearml-protocol 7 */
import * as z from "zod/mini";
import type { Call, ServedEndpoint } from "../call.js";
import { serveOther } from "../call.js";
import { queueOf } from "../lookup.js";

/** A worker is remembered for so long after its last word, unless it asked for another time. */
const WORKER_TIMEOUT_SEC = 600;

interface Worker {
  readonly id: string;
  readonly registeredAtMs: number;
  readonly seenAtMs: number;
  readonly timeoutSec: number;
  readonly task?: string;
  readonly queues: readonly string[];
}

function isAlive(worker: Worker, nowMs: number): boolean {
  return nowMs - worker.seenAtMs <= worker.timeoutSec * 1000;
}

/** The endpoints of this service; each server has its own workers, which are forgotten when it stops. */
export function workerServices(): readonly ServedEndpoint[] {
  const workers = new Map<string, Worker>();
  const see = (call: Call, id: string, changes: Partial<Worker>): void => {
    const known = workers.get(id) ?? { id, registeredAtMs: call.nowMs, seenAtMs: call.nowMs, timeoutSec: WORKER_TIMEOUT_SEC, queues: [] };
    workers.set(id, { ...known, ...changes, seenAtMs: call.nowMs });
  };
  return [
    serveOther(
      "workers.register",
      () => z.object({ worker: z.string(), timeout: z.nullish(z.int()), queues: z.nullish(z.array(z.string())) }),
      (request, call) => {
        for (const queue of request.queues ?? []) queueOf(call, queue);
        see(call, request.worker, { timeoutSec: request.timeout ?? WORKER_TIMEOUT_SEC, queues: request.queues ?? [] });
        return {};
      },
      { since: "2.4" },
    ),
    serveOther(
      "workers.unregister",
      () => z.object({ worker: z.string() }),
      (request) => {
        workers.delete(request.worker);
        return {};
      },
      { since: "2.4" },
    ),
    serveOther(
      "workers.status_report",
      () =>
        z.object({
          worker: z.string(),
          timestamp: z.int(),
          task: z.nullish(z.string()),
          queue: z.nullish(z.string()),
          queues: z.nullish(z.array(z.string())),
        }),
      (request, call) => {
        const task = request.task ? call.store.tasks.get(request.task) : undefined;
        see(call, request.worker, { ...(task ? { task: task.id } : {}), ...(request.queues ? { queues: request.queues } : {}) });
        if (task) call.store.tasks.put({ ...task, last_worker: request.worker, last_worker_report: call.now, last_update: call.now });
        return {};
      },
      { since: "2.4" },
    ),
    serveOther(
      "workers.get_all",
      () => z.object({ last_seen: z.nullish(z.int()) }),
      (_request, call) => ({
        workers: [...workers.values()]
          .filter((worker) => isAlive(worker, call.nowMs))
          .map((worker) => ({
            id: worker.id,
            user: { id: call.identity.user, name: call.identity.user_name },
            company: { id: call.identity.company, name: call.identity.company_name },
            register_time: new Date(worker.registeredAtMs).toISOString(),
            last_activity_time: new Date(worker.seenAtMs).toISOString(),
            queues: worker.queues.map((id) => ({ id, name: call.store.queues.get(id)?.name ?? id })),
            ...(worker.task === undefined ? {} : { task: { id: worker.task, name: call.store.tasks.get(worker.task)?.name ?? "" } }),
          })),
      }),
      { since: "2.4" },
    ),
  ];
}
