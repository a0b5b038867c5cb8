/** projects: a tree whose nodes are named by their whole path. @see clearml-protocol 6 */
import { newId } from "../../../base/ids.js";
import { NAME_MIN_LENGTH, PROJECT_MAX_DEPTH } from "../../../protocol/clearml/limits.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { ModelDocument, ProjectDocument, TaskDocument } from "../../store/documents.js";
import { ApiFailure, uniqueViolation, validationError } from "../api-failure.js";
import { serve } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { project as only } from "../document-paths.js";
import { projectOf, validName, validTags } from "../lookup.js";
import { search } from "../search.js";
import type { SearchRules } from "../search-filters.js";

const RULES: SearchRules = {
  lists: ["id", "user", "tags", "system_tags", "parent", "path"],
  patterns: ["name", "basename", "description"],
  ranges: ["created"],
  moments: ["last_update"],
  exact: [],
};

function byName(call: Call, name: string): ProjectDocument | undefined {
  for (const project of call.store.projects.values()) if (project.name === name) return project;
  return undefined;
}

/** The parts of a path, stripped. @throws ApiFailure 400/407, 400/409, 400/12, 400/800 */
function partsOf(name: string): string[] {
  validName(name);
  const parts = name.split("/").map((part) => part.trim());
  if (parts.some((part) => part === "")) throw new ApiFailure(400, 407, `Invalid project name: name=${name}`);
  if (parts.length > PROJECT_MAX_DEPTH)
    throw new ApiFailure(400, 409, `Project path exceeds the maximum allowed depth: max_depth=${String(PROJECT_MAX_DEPTH)}`);
  const short = parts.find((part) => part.length < NAME_MIN_LENGTH);
  if (short !== undefined) throw validationError(`project name part '${short}' is shorter than ${String(NAME_MIN_LENGTH)} characters`);
  return parts;
}

/** Finds the project of that path or makes it, with the parents that are missing. */
export function ensureProject(call: Call, parts: readonly string[], fields: Partial<ProjectDocument> = {}): ProjectDocument {
  const name = parts.join("/");
  const known = byName(call, name);
  if (known) return known;
  const parent = parts.length > 1 ? ensureProject(call, parts.slice(0, -1)) : undefined;
  const created: ProjectDocument = {
    id: newId(),
    name,
    basename: parts.at(-1) ?? name,
    description: "",
    tags: [],
    system_tags: [],
    user: call.identity.user,
    company: call.identity.company,
    created: call.now,
    last_update: call.now,
    ...(parent ? { parent: parent.id, path: [...parent.path, parent.id] } : { path: [] }),
    ...fields,
  };
  call.store.projects.put(created);
  call.notify(created.id, "project");
  return created;
}

/** As {@link ensureProject}, from a path as a person writes it. */
export function ensureProjectNamed(call: Call, name: string): ProjectDocument {
  return ensureProject(call, partsOf(name));
}

/** The project's id and those of all below it. */
export function withSubprojects(call: Call, ids: readonly string[]): string[] {
  const wanted = new Set(ids);
  return [...call.store.projects.values()]
    .filter((project) => wanted.has(project.id) || project.path.some((id) => wanted.has(id)))
    .map((project) => project.id);
}

function rename(call: Call, project: ProjectDocument, name: string): Partial<ProjectDocument> {
  const parts = partsOf(name);
  const renamed = parts.join("/");
  if (renamed === project.name) return {};
  if (parts.slice(0, -1).join("/") !== project.name.split("/").slice(0, -1).join("/")) {
    throw new ApiFailure(400, 408, "Project location cannot be changed by an update: use projects.move");
  }
  if (byName(call, renamed)) throw uniqueViolation({ name: renamed });
  for (const child of [...call.store.projects.values()]) {
    if (child.path.includes(project.id))
      call.store.projects.put({ ...child, name: renamed + child.name.slice(project.name.length), last_update: call.now });
  }
  return { name: renamed, basename: parts.at(-1) ?? renamed };
}

/** Tasks of the project, and unless asked otherwise of those below it. */
function counts(call: Call, id: string, withChildren: boolean): object {
  const ids = new Set(withChildren ? withSubprojects(call, [id]) : [id]);
  const tasks = [...call.store.tasks.values()].filter((task) => task.project !== undefined && ids.has(task.project));
  const archived = tasks.filter((task) => task.system_tags.includes("archived"));
  const statuses = (list: typeof tasks): object =>
    Object.fromEntries(
      [...new Set(list.map((task) => task.status))].map((status) => [status, list.filter((task) => task.status === status).length]),
    );
  const active = tasks.filter((task) => !archived.includes(task));
  return {
    stats: {
      active: { status_count: statuses(active), total_tasks: active.length },
      archived: { status_count: statuses(archived), total_tasks: archived.length },
    },
  };
}

const isLive = (document: { readonly system_tags: readonly string[] }): boolean => !document.system_tags.includes("archived");

/** What the project and all below it hold. */
function contents(call: Call, id: string): { ids: Set<string>; tasks: TaskDocument[]; models: ModelDocument[] } {
  const ids = new Set(withSubprojects(call, [id]));
  return {
    ids,
    tasks: [...call.store.tasks.values()].filter((task) => task.project !== undefined && ids.has(task.project)),
    models: [...call.store.models.values()].filter((model) => model.project !== undefined && ids.has(model.project)),
  };
}

function validateDelete(request: RequestOf<"projects.validate_delete">, call: Call): object {
  const { tasks, models } = contents(call, projectOf(call, request.project).id);
  const tagged = (tag: string): number => tasks.filter((task) => task.system_tags.includes(tag)).length;
  return {
    tasks: tasks.length,
    non_archived_tasks: tasks.filter(isLive).length,
    models: models.length,
    non_archived_models: models.filter(isLive).length,
    datasets: tagged("dataset"),
    pipelines: tagged("pipeline"),
    reports: tagged("reports"),
  };
}

/** Under another parent, with everything below it. */
function move(request: RequestOf<"projects.move">, call: Call): object {
  const project = projectOf(call, request.project);
  const location = request.new_location?.trim() ? partsOf(request.new_location) : [];
  if (location.join("/") === project.name || `${location.join("/")}/`.startsWith(`${project.name}/`))
    throw new ApiFailure(400, 411, `Project can not be moved under itself in the projects hierarchy: project=${project.id}`);
  const name = [...location, project.basename].join("/");
  if (name === project.name)
    throw new ApiFailure(400, 410, `The source and destination projects are the same: location=${location.join("/")}`);
  partsOf(name);
  if (byName(call, name)) throw uniqueViolation({ name });
  const parent = location.length > 0 ? ensureProject(call, location) : undefined;
  const path = parent ? [...parent.path, parent.id] : [];
  const moving = [...call.store.projects.values()].filter((one) => one.id === project.id || one.path.includes(project.id));
  for (const one of moving) {
    const { parent: _old, ...rest } = one;
    const isTop = one.id === project.id;
    call.store.projects.put({
      ...rest,
      name: name + one.name.slice(project.name.length),
      path: [...path, ...one.path.slice(project.path.length)],
      ...(isTop ? (parent ? { parent: parent.id } : {}) : one.parent === undefined ? {} : { parent: one.parent }),
      last_update: call.now,
    });
    call.notify(one.id, "project");
  }
  return { moved: moving.length };
}

function deleteProject(
  request: { project: string; force?: boolean | null | undefined; delete_contents?: boolean | null | undefined },
  call: Call,
): object {
  const project = projectOf(call, request.project);
  const { ids, tasks, models } = contents(call, project.id);
  if (request.force !== true && tasks.some(isLive)) throw new ApiFailure(400, 402, `Project has associated tasks: id=${project.id}`);
  if (request.force !== true && models.some(isLive)) throw new ApiFailure(400, 405, `Project has associated models: id=${project.id}`);
  const erase = request.delete_contents === true;
  for (const task of tasks) {
    const { project: _gone, ...rest } = task;
    if (!erase) call.store.tasks.put(rest);
    else {
      call.store.tasks.delete(task.id);
      call.store.events.delete({
        entity: task.id,
        types: ["log", "plot", "training_stats_scalar", "training_stats_vector", "training_debug_image"],
      });
    }
    call.notify(task.id, "task");
  }
  for (const model of models) {
    const { project: _gone, ...rest } = model;
    if (erase) call.store.models.delete(model.id);
    else call.store.models.put(rest);
    call.notify(model.id, "model");
  }
  for (const id of ids) call.store.projects.delete(id);
  call.notify(project.id, "project");
  return {
    deleted: ids.size,
    disassociated_tasks: erase ? 0 : tasks.length,
    deleted_tasks: erase ? tasks.length : 0,
    deleted_models: erase ? models.length : 0,
  };
}

/** The endpoints of this service. */
export const PROJECT_SERVICES: readonly ServedEndpoint[] = [
  serve("projects.create", (request, call) => {
    const parts = partsOf(request.name);
    const name = parts.join("/");
    if (byName(call, name)) throw uniqueViolation({ name });
    const created = ensureProject(call, parts, {
      description: request.description ?? "",
      tags: validTags(request.tags, "tags") ?? [],
      system_tags: validTags(request.system_tags, "system_tags") ?? [],
      ...(request.default_output_destination ? { default_output_destination: request.default_output_destination } : {}),
    });
    return { id: created.id };
  }),
  serve("projects.get_by_id", (request, call) => ({ project: projectOf(call, request.project) })),
  serve("projects.get_all", (request, call) => {
    const { rows, scroll } = search(call.store.projects.values(), RULES, request, call);
    return { projects: rows.map((row) => only(row, request.only_fields)), ...scroll };
  }),
  serve("projects.get_all_ex", (request, call) => {
    const { rows, scroll } = search(call.store.projects.values(), RULES, request, call);
    const statsOf = (id: string): object => (request.include_stats === true ? counts(call, id, request.stats_with_children !== false) : {});
    return { projects: rows.map((row) => only({ ...row, ...statsOf(row.id) }, request.only_fields)), ...scroll };
  }),
  serve("projects.update", (request, call) => {
    const project = projectOf(call, request.project);
    const changes: Partial<ProjectDocument> = {
      ...(request.name ? rename(call, project, request.name) : {}),
      ...(typeof request.description === "string" ? { description: request.description } : {}),
      ...(request.tags ? { tags: validTags(request.tags, "tags") ?? [] } : {}),
      ...(request.system_tags ? { system_tags: validTags(request.system_tags, "system_tags") ?? [] } : {}),
      ...(request.default_output_destination ? { default_output_destination: request.default_output_destination } : {}),
    };
    const fields = { ...changes, last_update: call.now };
    call.store.projects.put({ ...project, ...fields });
    call.notify(project.id, "project");
    return { updated: 1, fields };
  }),
  serve("projects.move", move, { since: "2.13" }),
  serve("projects.validate_delete", validateDelete, { since: "2.14" }),
  serve("projects.delete", deleteProject),
];
