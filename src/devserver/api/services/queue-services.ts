/** queues, and the calls that put a task into one or take it out. @see clearml-protocol 3.8, 7 */
import * as z from "zod/mini";
import { newId } from "../../../base/ids.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { QueueDocument, TaskDocument, TaskStatus } from "../../store/documents.js";
import { ApiFailure, invalidTaskStatus, uniqueViolation, validationError } from "../api-failure.js";
import { serve, serveOther } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { project as only } from "../document-paths.js";
import { queueOf, taskOf, validName, validTags } from "../lookup.js";
import { search } from "../search.js";
import type { SearchRules } from "../search-filters.js";
import { changeStatus } from "../task-status.js";

const RULES: SearchRules = {
  lists: ["id", "tags", "system_tags", "user"],
  patterns: ["name"],
  ranges: ["created"],
  moments: ["last_update"],
  exact: [],
};

/** The queue as it goes out. */
function onTheWire(queue: QueueDocument): Omit<QueueDocument, "last_update"> {
  const { last_update: _internal, ...visible } = queue;
  return visible;
}

function named(call: Call, name: string): QueueDocument | undefined {
  return [...call.store.queues.values()].find((queue) => queue.name === name);
}

function create(call: Call, name: string, fields: Partial<QueueDocument> = {}): QueueDocument {
  const kept = validName(name);
  if (named(call, kept)) throw uniqueViolation({ name: kept });
  const queue: QueueDocument = {
    id: newId(),
    name: kept,
    user: call.identity.user,
    company: call.identity.company,
    created: call.now,
    last_update: call.now,
    tags: [],
    system_tags: [],
    metadata: {},
    entries: [],
    ...fields,
  };
  call.store.queues.put(queue);
  return queue;
}

function defaultQueue(call: Call): QueueDocument {
  const found = [...call.store.queues.values()].filter((queue) => queue.system_tags.includes("default"));
  if (found.length > 1) throw new ApiFailure(400, 708, "More than one default queue is defined");
  const [queue] = found;
  if (!queue) throw new ApiFailure(400, 707, "No default queue is defined");
  return queue;
}

function append(call: Call, queue: QueueDocument, task: TaskDocument): void {
  if (queue.entries.some((entry) => entry.task === task.id)) throw new ApiFailure(400, 706, `Task already queued: task=${task.id}`);
  call.store.queues.put({ ...queue, entries: [...queue.entries, { task: task.id, added: call.now }], last_update: call.now });
}

/** Takes the task out of every queue. @returns out of how many. */
export function dequeueEverywhere(call: Call, taskId: string): number {
  let removed = 0;
  for (const queue of [...call.store.queues.values()].filter((one) => one.entries.some((entry) => entry.task === taskId))) {
    call.store.queues.put({ ...queue, entries: queue.entries.filter((entry) => entry.task !== taskId), last_update: call.now });
    removed += 1;
  }
  return removed;
}

function enqueue(request: RequestOf<"tasks.enqueue">, call: Call): object {
  if (request.queue && request.queue_name) throw validationError("Either queue id or queue name should be provided");
  const task = taskOf(call, request.task);
  const queue = request.queue
    ? queueOf(call, request.queue)
    : request.queue_name
      ? (named(call, request.queue_name) ?? create(call, request.queue_name))
      : defaultQueue(call);
  append(call, queue, task);
  const execution = request.update_execution_queue === false ? task.execution : { ...task.execution, queue: queue.id };
  const extra: Partial<TaskDocument> = { execution, enqueue_status: task.status };
  const reply = changeStatus(call, task, "queued", request, extra);
  const { enqueue_status: _internal, execution: _whole, ...fields } = reply.fields;
  return {
    queued: 1,
    updated: 1,
    fields: { ...fields, "execution.queue": queue.id },
    ...(request.verify_watched_queue === true ? { queue_watched: false } : {}),
  };
}

function dequeue(request: RequestOf<"tasks.dequeue">, call: Call): object {
  const task = taskOf(call, request.task);
  if (task.status !== "queued") throw invalidTaskStatus({ expected: "queued", status: task.status });
  dequeueEverywhere(call, task.id);
  const { queue: _queue, ...execution } = task.execution;
  const { enqueue_status, ...rest } = task;
  const to = (request.new_status as TaskStatus | null | undefined) ?? enqueue_status ?? "created";
  const reply = changeStatus(call, rest, to, { ...request, force: true }, { execution });
  const { execution: _whole, ...fields } = reply.fields;
  return { dequeued: 1, updated: 1, fields: { ...fields, "execution.queue": null } };
}

function nextTask(request: { queue: string; task?: string | null | undefined }, call: Call): object {
  const queue = queueOf(call, request.queue);
  const [head, ...rest] = queue.entries;
  if (!head || (request.task && head.task !== request.task)) return {};
  call.store.queues.put({ ...queue, entries: rest, last_update: call.now });
  return { entry: head };
}

const byQueue = () => z.object({ queue: z.string(), max_task_entries: z.nullish(z.int()) });
const byQueueAndTask = () => z.object({ queue: z.string(), task: z.string(), update_execution_queue: z.nullish(z.boolean()) });

/** The endpoints of this service. */
export const QUEUE_SERVICES: readonly ServedEndpoint[] = [
  serve("tasks.enqueue", enqueue),
  serve("tasks.dequeue", dequeue),
  serveOther(
    "queues.create",
    () =>
      z.object({
        name: z.string(),
        display_name: z.nullish(z.string()),
        tags: z.nullish(z.array(z.string())),
        system_tags: z.nullish(z.array(z.string())),
      }),
    (request, call) => ({
      id: create(call, request.name, {
        ...(request.display_name ? { display_name: request.display_name } : {}),
        tags: validTags(request.tags, "tags") ?? [],
        system_tags: validTags(request.system_tags, "system_tags") ?? [],
      }).id,
    }),
    { since: "2.4" },
  ),
  serveOther(
    "queues.get_all",
    () =>
      z.looseObject({
        only_fields: z.nullish(z.array(z.string())),
        order_by: z.nullish(z.array(z.string())),
        page: z.nullish(z.int()),
        page_size: z.nullish(z.int()),
        search_hidden: z.nullish(z.boolean()),
        id: z.nullish(z.unknown()),
        scroll_id: z.nullish(z.string()),
        size: z.nullish(z.int()),
      }),
    (request, call) => {
      const { rows, scroll } = search(call.store.queues.values(), RULES, request, call);
      return { queues: rows.map((row) => only(onTheWire(row), request.only_fields)), ...scroll };
    },
    { since: "2.4" },
  ),
  serveOther("queues.get_by_id", byQueue, (request, call) => ({ queue: onTheWire(queueOf(call, request.queue)) }), { since: "2.4" }),
  serveOther(
    "queues.get_default",
    () => z.object({}),
    (_request, call) => ({ id: defaultQueue(call).id, name: defaultQueue(call).name }),
    { since: "2.4" },
  ),
  serveOther("queues.get_num_entries", byQueue, (request, call) => ({ num: queueOf(call, request.queue).entries.length }), {
    since: "2.15",
  }),
  serveOther("queues.get_next_task", () => z.object({ queue: z.string(), task: z.nullish(z.string()) }), nextTask, { since: "2.4" }),
  serveOther(
    "queues.add_task",
    byQueueAndTask,
    (request, call) => {
      const task = taskOf(call, request.task);
      append(call, queueOf(call, request.queue), task);
      if (request.update_execution_queue !== false)
        call.store.tasks.put({ ...task, execution: { ...task.execution, queue: request.queue } });
      return { added: 1 };
    },
    { since: "2.4" },
  ),
  serveOther(
    "queues.remove_task",
    byQueueAndTask,
    (request, call) => {
      const queue = queueOf(call, request.queue);
      if (!queue.entries.some((entry) => entry.task === request.task))
        throw new ApiFailure(400, 703, `Task is not in the queue: task=${request.task}`);
      call.store.queues.put({ ...queue, entries: queue.entries.filter((entry) => entry.task !== request.task), last_update: call.now });
      return { removed: 1 };
    },
    { since: "2.4" },
  ),
];
