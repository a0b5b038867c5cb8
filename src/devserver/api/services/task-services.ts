/** tasks: create, read, search and edit. @see clearml-protocol 3.1, 3.2, 3.6, 3.8 */
import * as z from "zod/mini";
import { newId } from "../../../base/ids.js";
import { ENDPOINTS } from "../../../protocol/clearml/endpoints.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { TaskDocument } from "../../store/documents.js";
import { batchIsEmpty, invalidTaskId, invalidTaskStatus, missingTaskFields } from "../api-failure.js";
import { serve, serveOther } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { project as only } from "../document-paths.js";
import { changedTags, projectOf, taskOf, validName, validTags } from "../lookup.js";
import { resolvedTask } from "../references.js";
import { search } from "../search.js";
import type { SearchRules } from "../search-filters.js";
import { EMPTY_TASK, taskChanges, taskOnTheWire } from "../task-fields.js";
import { withSubprojects } from "./project-services.js";

const RULES: SearchRules = {
  lists: [
    "id",
    "user",
    "tags",
    "system_tags",
    "type",
    "status",
    "project",
    "parent",
    "hyperparams.",
    "execution.queue",
    "models.input.model",
    "models.output.model",
    "runtime.",
  ],
  patterns: ["name", "comment", "report"],
  ranges: ["created", "started", "completed", "active_duration", "last_metrics.", "last_iteration"],
  moments: ["status_changed", "last_update", "last_change"],
  exact: [],
};

/** Fields whose edit does not count as activity. */
const COSMETIC = new Set(["name", "tags", "system_tags", "comment", "project"]);

function find(request: RequestOf<"tasks.get_all">, call: Call): ReturnType<typeof search<TaskDocument>> {
  const project = call.fields["project"];
  const fields =
    request.include_subprojects === true && project !== undefined
      ? { ...call.fields, project: withSubprojects(call, [project].flat() as string[]) }
      : call.fields;
  return search(call.store.tasks.values(), RULES, request, { ...call, fields });
}

function newTask(request: RequestOf<"tasks.create">, call: Call): TaskDocument {
  const name = validName(request.name);
  const { identity, now } = call;
  return {
    id: newId(),
    name,
    type: request.type,
    user: identity.user,
    company: identity.company,
    status: "created",
    status_reason: "",
    status_message: "",
    status_changed: now,
    created: now,
    last_update: now,
    last_change: now,
    last_changed_by: identity.user,
    comment: "",
    tags: [],
    system_tags: [],
    ...EMPTY_TASK,
    container: {},
    runtime: {},
    last_iteration: 0,
    last_metrics: {},
    ...taskChanges(call, { ...request, name }, EMPTY_TASK),
  };
}

function edit(request: RequestOf<"tasks.edit">, call: Call): object {
  const task = taskOf(call, request.task);
  if (task.status !== "created" && request.force !== true) throw invalidTaskStatus({ expected: "created", status: task.status });
  const changes = taskChanges(call, request, task);
  const fields: Partial<TaskDocument> = {
    ...changes,
    ...(request.status ? { status: request.status } : {}),
    last_change: call.now,
    last_changed_by: call.identity.user,
    ...(Object.keys(changes).every((field) => COSMETIC.has(field)) ? {} : { last_update: call.now }),
  };
  call.store.tasks.put({ ...task, ...fields });
  call.notify(task.id, "task");
  return { updated: 1, fields };
}

/** Writes the cosmetic fields; everything else that came is dropped without a word. */
function update(request: RequestOf<"tasks.update">, call: Call): object {
  const task = taskOf(call, request.task);
  if (request.project) projectOf(call, request.project);
  const fields: Partial<TaskDocument> = {
    ...(request.name ? { name: validName(request.name) } : {}),
    ...(request.tags ? { tags: validTags(request.tags, "tags") ?? [] } : {}),
    ...(request.system_tags ? { system_tags: validTags(request.system_tags, "system_tags") ?? [] } : {}),
    ...(typeof request.comment === "string" ? { comment: request.comment } : {}),
    ...(request.project ? { project: request.project } : {}),
    ...(typeof request.status_message === "string" ? { status_message: request.status_message } : {}),
    ...(typeof request.output__error === "string" ? { output: { ...task.output, error: request.output__error } } : {}),
  };
  const isEmpty = Object.keys(fields).length === 0;
  const stamped = isEmpty ? {} : { ...fields, last_change: call.now, last_changed_by: call.identity.user };
  if (!isEmpty) {
    call.store.tasks.put({ ...task, ...stamped });
    call.notify(task.id, "task");
  }
  return { updated: isEmpty ? 0 : 1, fields: stamped };
}

function updateBatch(lines: readonly RequestOf<"tasks.update_batch">[], call: Call): object {
  if (lines.length === 0) throw batchIsEmpty();
  const last = new Map(lines.map((line) => [line.task, line]));
  for (const id of last.keys()) if (!call.store.tasks.get(id)) throw invalidTaskId(id);
  for (const line of last.values()) update(line, call);
  return { updated: last.size };
}

/** The endpoints of this part. */
export const TASK_SERVICES: readonly ServedEndpoint[] = [
  serve("tasks.create", (request, call) => {
    const task = newTask(request, call);
    call.store.tasks.put(task);
    call.notify(task.id, "task");
    return { id: task.id };
  }),
  serveOther(
    "tasks.validate",
    () => ENDPOINTS["tasks.create"].request,
    (request, call) => {
      newTask(request, call);
      return {};
    },
  ),
  serve("tasks.get_by_id", (request, call) => ({ task: taskOnTheWire(taskOf(call, request.task)) })),
  serveOther(
    "tasks.get_by_id_ex",
    () => z.looseObject({ id: z.union([z.string(), z.array(z.string())]), only_fields: z.nullish(z.array(z.string())) }),
    (request, call) => ({
      tasks: [request.id]
        .flat()
        .flatMap((id) => call.store.tasks.get(id) ?? [])
        .map((task) => only(resolvedTask(call, task), request.only_fields)),
    }),
  ),
  serve("tasks.get_all", (request, call) => {
    const { rows, scroll } = find(request, call);
    return { tasks: rows.map((row) => only(taskOnTheWire(row), request.only_fields)), ...scroll };
  }),
  serveOther(
    "tasks.get_all_ex",
    () => ENDPOINTS["tasks.get_all"].request,
    (request, call) => {
      const { rows, scroll } = find(request, call);
      return { tasks: rows.map((row) => only(resolvedTask(call, row), request.only_fields)), ...scroll };
    },
  ),
  serveOther(
    "tasks.get_types",
    () => z.object({ projects: z.nullish(z.array(z.string())) }),
    (request, call) => {
      const tasks = [...call.store.tasks.values()].filter(
        (task) =>
          !request.projects || request.projects.length === 0 || (task.project !== undefined && request.projects.includes(task.project)),
      );
      return { types: [...new Set(tasks.map((task) => task.type))] };
    },
  ),
  serve("tasks.edit", edit),
  serve("tasks.update", update),
  serve("tasks.update_batch", updateBatch),
  serve("tasks.update_tags", (request, call) => {
    let updated = 0;
    for (const id of request.ids) {
      const task = call.store.tasks.get(id);
      if (!task) continue;
      call.store.tasks.put({
        ...task,
        tags: changedTags(task.tags, request.add_tags, request.remove_tags),
        last_change: call.now,
        last_changed_by: call.identity.user,
      });
      call.notify(id, "task");
      updated += 1;
    }
    return { updated };
  }),
  serve("tasks.set_requirements", (request, call) => {
    const task = taskOf(call, request.task);
    if (!task.script) throw missingTaskFields({ task: task.id, field: "script" });
    const fields = {
      script: { ...task.script, requirements: request.requirements as NonNullable<TaskDocument["script"]> },
      last_update: call.now,
    };
    call.store.tasks.put({ ...task, ...fields });
    call.notify(task.id, "task");
    return { updated: 1, fields: { "script.requirements": request.requirements, last_update: call.now } };
  }),
];
