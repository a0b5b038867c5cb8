/** queues, and the calls that put a task into one or take it out. @see clearml-protocol 3.8, 7 */
import { newId } from "../../../base/ids.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { QueueDocument, TaskDocument, TaskStatus } from "../../store/documents.js";
import { ApiFailure, invalidTaskStatus, uniqueViolation, validationError } from "../api-failure.js";
import { serve } from "../call.js";
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

/** Puts the task into a queue, the default one unless one is named. */
export function enqueueTask(
  request: RequestOf<"tasks.enqueue">,
  call: Call,
): { readonly queued: number; readonly updated: number; readonly fields: object; readonly queue_watched?: boolean } {
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

/** Takes the task out of its queue, back to the state it had before. */
export function dequeueTask(
  request: RequestOf<"tasks.dequeue">,
  call: Call,
): { readonly dequeued: number; readonly updated: number; readonly fields: object } {
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

function nextTask(request: RequestOf<"queues.get_next_task">, call: Call): object {
  const queue = queueOf(call, request.queue);
  const [head, ...rest] = queue.entries;
  if (!head || (request.task && head.task !== request.task)) return {};
  call.store.queues.put({ ...queue, entries: rest, last_update: call.now });
  return { entry: head };
}

/** The queue with no more entries than asked for. */
function shown(queue: QueueDocument, maxEntries: number | null | undefined): ReturnType<typeof onTheWire> {
  const visible = onTheWire(queue);
  return typeof maxEntries === "number" ? { ...visible, entries: visible.entries.slice(0, maxEntries) } : visible;
}

function update(request: RequestOf<"queues.update">, call: Call): object {
  const queue = queueOf(call, request.queue);
  const name = request.name ? validName(request.name) : undefined;
  if (name !== undefined && name !== queue.name && named(call, name)) throw uniqueViolation({ name });
  const fields = {
    ...(name === undefined ? {} : { name }),
    ...(request.display_name ? { display_name: request.display_name } : {}),
    ...(request.tags ? { tags: validTags(request.tags, "tags") ?? [] } : {}),
    ...(request.system_tags ? { system_tags: validTags(request.system_tags, "system_tags") ?? [] } : {}),
  };
  call.store.queues.put({ ...queue, ...fields, last_update: call.now });
  return { updated: 1, fields };
}

function remove(request: RequestOf<"queues.delete">, call: Call): object {
  const queue = queueOf(call, request.queue);
  if (queue.entries.length > 0 && request.force !== true)
    throw new ApiFailure(400, 702, `Queue is not empty, use force=true to delete: id=${queue.id}`);
  // Nobody would ever take them: they go back to what they were before they were queued.
  for (const { task: id } of queue.entries) {
    const task = call.store.tasks.get(id);
    if (task?.status !== "queued") continue;
    const { enqueue_status, ...rest } = task;
    changeStatus(call, rest, enqueue_status ?? "created", { force: true });
  }
  call.store.queues.delete(queue.id);
  return { deleted: 1 };
}

/** Moves a task within its queue; `to` tells the new place from the old one and the last one there is. */
function reposition(to: (from: number, last: number, count: number) => number) {
  return (request: { queue: string; task: string; count?: number | null | undefined }, call: Call): object => {
    const queue = queueOf(call, request.queue);
    const from = queue.entries.findIndex((entry) => entry.task === request.task);
    const entry = queue.entries[from];
    if (!entry) throw new ApiFailure(400, 703, `Task is not in the queue: task=${request.task}`);
    const last = queue.entries.length - 1;
    const position = Math.max(0, Math.min(last, to(from, last, request.count ?? 1)));
    call.store.queues.put({ ...queue, entries: queue.entries.toSpliced(from, 1).toSpliced(position, 0, entry), last_update: call.now });
    return { position };
  };
}

const SINCE = { since: "2.4" };

/** The endpoints of this service. */
export const QUEUE_SERVICES: readonly ServedEndpoint[] = [
  serve("tasks.enqueue", enqueueTask),
  serve("tasks.dequeue", dequeueTask),
  serve(
    "queues.create",
    (request, call) => ({
      id: create(call, request.name, {
        ...(request.display_name ? { display_name: request.display_name } : {}),
        tags: validTags(request.tags, "tags") ?? [],
        system_tags: validTags(request.system_tags, "system_tags") ?? [],
      }).id,
    }),
    SINCE,
  ),
  serve(
    "queues.get_all",
    (request, call) => {
      const { rows, scroll } = search(call.store.queues.values(), RULES, request, call);
      return { queues: rows.map((row) => only(shown(row, request.max_task_entries), request.only_fields)), ...scroll };
    },
    SINCE,
  ),
  serve("queues.get_by_id", (request, call) => ({ queue: shown(queueOf(call, request.queue), request.max_task_entries) }), SINCE),
  serve("queues.get_default", (_request, call) => ({ id: defaultQueue(call).id, name: defaultQueue(call).name }), SINCE),
  serve("queues.update", update, SINCE),
  serve("queues.delete", remove, SINCE),
  serve("queues.get_num_entries", (request, call) => ({ num: queueOf(call, request.queue).entries.length }), { since: "2.15" }),
  serve(
    "queues.peek_task",
    (request, call) => {
      const [head] = queueOf(call, request.queue).entries;
      return head ? { task: head.task } : {};
    },
    { since: "2.15" },
  ),
  serve("queues.get_next_task", nextTask, SINCE),
  serve(
    "queues.add_task",
    (request, call) => {
      const task = taskOf(call, request.task);
      append(call, queueOf(call, request.queue), task);
      if (request.update_execution_queue !== false)
        call.store.tasks.put({ ...task, execution: { ...task.execution, queue: request.queue } });
      return { added: 1 };
    },
    SINCE,
  ),
  serve(
    "queues.remove_task",
    (request, call) => {
      const queue = queueOf(call, request.queue);
      if (!queue.entries.some((entry) => entry.task === request.task))
        throw new ApiFailure(400, 703, `Task is not in the queue: task=${request.task}`);
      call.store.queues.put({ ...queue, entries: queue.entries.filter((entry) => entry.task !== request.task), last_update: call.now });
      return { removed: 1 };
    },
    SINCE,
  ),
  serve(
    "queues.move_task_forward",
    reposition((from, _last, count) => from - count),
    SINCE,
  ),
  serve(
    "queues.move_task_backward",
    reposition((from, _last, count) => from + count),
    SINCE,
  ),
  serve(
    "queues.move_task_to_front",
    reposition(() => 0),
    SINCE,
  ),
  serve(
    "queues.move_task_to_back",
    reposition((_from, last) => last),
    SINCE,
  ),
];
