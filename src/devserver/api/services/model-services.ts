/** models: registered results of tasks; the files lie elsewhere. @see clearml-protocol 5.1 */
import * as z from "zod/mini";
import { newId } from "../../../base/ids.js";
import { ENDPOINTS } from "../../../protocol/clearml/endpoints.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import type { ModelDocument } from "../../store/documents.js";
import { modelCreatingTaskPublished, modelInUse, modelIsReady, validationError } from "../api-failure.js";
import { serve, serveOther } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { project as only } from "../document-paths.js";
import { changedTags, modelOf, projectOf, taskOf, validName, validTags } from "../lookup.js";
import { manyRequest, runMany } from "../many.js";
import { resolvedModel } from "../references.js";
import { search } from "../search.js";
import type { SearchRules } from "../search-filters.js";
import { keptName } from "../task-fields.js";
import { ensureProjectNamed, withSubprojects } from "./project-services.js";
import { publishTask } from "./task-status-services.js";

const RULES: SearchRules = {
  lists: ["id", "user", "tags", "system_tags", "project", "parent", "framework", "uri", "task", "metadata."],
  patterns: ["name", "comment"],
  ranges: ["created", "last_iteration", "last_metrics."],
  moments: ["last_update"],
  exact: ["ready"],
};

type ModelFields = Partial<Omit<RequestOf<"models.edit">, "model">> & Pick<RequestOf<"models.update">, "ui_cache">;

type Metadata = ModelDocument["metadata"];
interface MetadataItem {
  readonly key?: string | null | undefined;
  readonly type?: string | null | undefined;
  readonly value?: string | null | undefined;
}

function metadataItem(key: string, item: MetadataItem): Metadata[string] {
  return { key, ...(item.type ? { type: item.type } : {}), ...(typeof item.value === "string" ? { value: item.value } : {}) };
}

function metadataMap(given: Readonly<Record<string, MetadataItem>>): Metadata {
  return Object.fromEntries(
    Object.entries(given).map(([key, item]) => [keptName(item.key ?? key), metadataItem(keptName(item.key ?? key), item)]),
  );
}

/** What a create or an edit writes; tasks, projects and models that are named must exist. */
function changes(call: Call, fields: ModelFields): Partial<ModelDocument> {
  if (fields.task) taskOf(call, fields.task);
  if (fields.project) projectOf(call, fields.project);
  if (fields.parent) modelOf(call, fields.parent);
  const kept = {
    name: fields.name ? validName(fields.name) : undefined,
    uri: fields.uri ?? undefined,
    tags: validTags(fields.tags, "tags"),
    system_tags: validTags(fields.system_tags, "system_tags"),
    comment: fields.comment ?? undefined,
    framework: fields.framework ?? undefined,
    design: fields.design ?? undefined,
    labels: fields.labels ?? undefined,
    ready: fields.ready ?? undefined,
    parent: fields.parent ?? undefined,
    project: fields.project ?? undefined,
    task: fields.task ?? undefined,
    metadata: fields.metadata ? metadataMap(fields.metadata) : undefined,
    ui_cache: fields.ui_cache ?? undefined,
  };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
}

function save(call: Call, model: ModelDocument, fields: Partial<ModelDocument>): Partial<ModelDocument> {
  const stamped = { ...fields, last_update: call.now, last_change: call.now };
  call.store.models.put({ ...model, ...stamped });
  call.notify(model.id, "model");
  return stamped;
}

function create(request: RequestOf<"models.create">, call: Call): object {
  const model: ModelDocument = {
    id: newId(),
    name: validName(request.name),
    uri: request.uri,
    user: call.identity.user,
    company: call.identity.company,
    created: call.now,
    last_update: call.now,
    last_change: call.now,
    comment: "",
    tags: [],
    system_tags: [],
    design: {},
    labels: {},
    // The server's own default, against what its schema says.
    ready: true,
    metadata: {},
    last_iteration: 0,
    last_metrics: {},
    ...changes(call, request),
  };
  call.store.models.put(model);
  call.notify(model.id, "model");
  return { id: model.id, created: true };
}

function edit(request: RequestOf<"models.edit">, call: Call): object {
  const model = modelOf(call, request.model);
  const fields = save(call, model, changes(call, request));
  const task = call.store.tasks.get(request.task ?? model.task ?? "");
  if (task && typeof request.iteration === "number" && request.iteration > task.last_iteration) {
    call.store.tasks.put({ ...task, last_iteration: request.iteration, last_update: call.now });
    call.notify(task.id, "task");
  }
  return { updated: 1, fields };
}

/** Cosmetic fields, and the one time of creation that a client may set. */
function update(request: RequestOf<"models.update">, call: Call): object {
  const model = modelOf(call, request.model);
  const { name, project, comment, tags, system_tags, uri, ui_cache, metadata } = request;
  const created = request.created && !Number.isNaN(Date.parse(request.created)) ? { created: request.created } : {};
  return {
    updated: 1,
    fields: save(call, model, { ...changes(call, { name, project, comment, tags, system_tags, uri, ui_cache, metadata }), ...created }),
  };
}

function setReady(request: Pick<RequestOf<"models.set_ready">, "model" | "publish_task" | "force_publish_task">, call: Call): object {
  const model = modelOf(call, request.model);
  if (model.ready) throw modelIsReady(model.id);
  const task = model.task === undefined || request.publish_task === false ? undefined : call.store.tasks.get(model.task);
  const published =
    task && task.status !== "published"
      ? { published_task: { id: task.id, data: publishTask(call, task, { force: request.force_publish_task, publish_model: false }) } }
      : {};
  save(call, model, { ready: true });
  return { updated: 1, ...published };
}

function deleteModel(request: { readonly model: string; readonly force?: boolean | null | undefined }, call: Call): object {
  const model = modelOf(call, request.model);
  const users = [...call.store.tasks.values()].filter((task) => task.models.input.some((entry) => entry.model === model.id));
  const creator = model.task === undefined ? undefined : call.store.tasks.get(model.task);
  if (request.force !== true) {
    if (users.length > 0) throw modelInUse({ num_references: users.length });
    if (creator?.status === "published") throw modelCreatingTaskPublished({ task: creator.id });
  }
  if (creator) {
    const models = { ...creator.models, output: creator.models.output.filter((entry) => entry.model !== model.id) };
    call.store.tasks.put({ ...creator, models });
    call.notify(creator.id, "task");
  }
  call.store.models.delete(model.id);
  call.notify(model.id, "model");
  return { deleted: true, url: model.uri };
}

function find(request: RequestOf<"models.get_all">, call: Call): ReturnType<typeof search<ModelDocument>> {
  const project = call.fields["project"];
  const fields =
    request.include_subprojects === true && project !== undefined
      ? { ...call.fields, project: withSubprojects(call, [project].flat() as string[]) }
      : call.fields;
  return search(call.store.models.values(), RULES, request, { ...call, fields });
}

function setArchived(call: Call, id: string, archived: boolean): void {
  const model = modelOf(call, id);
  const tags = model.system_tags.filter((tag) => tag !== "archived");
  save(call, model, { system_tags: archived ? [...tags, "archived"] : tags });
}

/** The endpoints of this service. */
export const MODEL_SERVICES: readonly ServedEndpoint[] = [
  serve("models.create", create),
  serve("models.edit", edit),
  serve("models.update", update),
  serve("models.get_by_id", (request, call) => ({ model: modelOf(call, request.model) })),
  serve("models.get_all", (request, call) => {
    const { rows, scroll } = find(request, call);
    return { models: rows.map((row) => only(row, request.only_fields)), ...scroll };
  }),
  serveOther(
    "models.get_all_ex",
    () => ENDPOINTS["models.get_all"].request,
    (request, call) => {
      const { rows, scroll } = find(request, call);
      return { models: rows.map((row) => only(resolvedModel(call, row), request.only_fields)), ...scroll };
    },
  ),
  serveOther(
    "models.get_by_id_ex",
    () => z.looseObject({ id: z.union([z.string(), z.array(z.string())]), only_fields: z.nullish(z.array(z.string())) }),
    (request, call) => ({
      models: [request.id]
        .flat()
        .flatMap((id) => call.store.models.get(id) ?? [])
        .map((model) => only(resolvedModel(call, model), request.only_fields)),
    }),
  ),
  serveOther(
    "models.get_frameworks",
    () => z.object({ projects: z.nullish(z.array(z.string())) }),
    (_request, call) => ({
      frameworks: [...new Set([...call.store.models.values()].flatMap((model) => model.framework ?? []))],
    }),
  ),
  serve("models.set_ready", setReady),
  serveOther(
    "models.publish_many",
    manyRequest,
    (request, call) => runMany(request.ids, (id) => ({ ...setReady({ model: id }, call), updated: true })),
    { since: "2.13" },
  ),
  serve("models.delete", deleteModel),
  serveOther(
    "models.delete_many",
    manyRequest,
    (request, call) => runMany(request.ids, (id) => deleteModel({ model: id, force: request.force }, call)),
    { since: "2.13" },
  ),
  serve(
    "models.archive_many",
    (request, call) =>
      runMany(request.ids, (id) => {
        setArchived(call, id, true);
        return { archived: true };
      }),
    { since: "2.13" },
  ),
  serve(
    "models.unarchive_many",
    (request, call) =>
      runMany(request.ids, (id) => {
        setArchived(call, id, false);
        return { unarchived: true };
      }),
    { since: "2.13" },
  ),
  serve(
    "models.add_or_update_metadata",
    (request, call) => {
      const model = modelOf(call, request.model);
      const added = Object.fromEntries(
        request.metadata.map((item) => [keptName(item.key ?? ""), metadataItem(keptName(item.key ?? ""), item)]),
      );
      save(call, model, { metadata: { ...(request.replace_metadata === true ? {} : model.metadata), ...added } });
      return { updated: 1 };
    },
    { since: "2.13" },
  ),
  serve(
    "models.delete_metadata",
    (request, call) => {
      const model = modelOf(call, request.model);
      const gone = new Set(request.keys.map(keptName));
      save(call, model, { metadata: Object.fromEntries(Object.entries(model.metadata).filter(([key]) => !gone.has(key))) });
      return { updated: 1 };
    },
    { since: "2.13" },
  ),
  serve(
    "models.move",
    (request, call) => {
      const { ids, project, project_name } = request;
      if (!project && !project_name) throw validationError("project or project_name is required");
      const target = project ? projectOf(call, project) : ensureProjectNamed(call, project_name ?? "");
      const found = ids.flatMap((id) => call.store.models.get(id) ?? []);
      for (const model of found) save(call, model, { project: target.id });
      return { updated: found.length, project_id: target.id };
    },
    { since: "2.12" },
  ),
  serve("models.update_tags", (request, call) => {
    const found = request.ids.flatMap((id) => call.store.models.get(id) ?? []);
    for (const model of found) save(call, model, { tags: changedTags(model.tags, request.add_tags, request.remove_tags) });
    return { updated: found.length };
  }),
];
