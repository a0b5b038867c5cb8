/** tasks: hyperparameters, configuration texts and the runtime map, item by item. @see clearml-protocol 3.6, 3.7, 3.10 */
import * as z from "zod/mini";
import type { JsonValue } from "../../../base/json.js";
import type { RequestOf } from "../../../protocol/clearml/endpoints.js";
import { escapeKey } from "../../../protocol/clearml/identity.js";
import type { ConfigurationItem, Hyperparameters, ParameterItem, TaskDocument } from "../../store/documents.js";
import { fieldsConflict, invalidTaskStatus, validationError } from "../api-failure.js";
import { serve, serveOther } from "../call.js";
import type { Call, ServedEndpoint } from "../call.js";
import { taskOf } from "../lookup.js";
import { plainMap } from "../plain-map.js";
import { keptConfiguration, keptName, keptParameter } from "../task-fields.js";

/** The section that may be edited in every status; its name is compared without regard to case and kept in lower case. */
const PROPERTIES = "properties";

/**
 * Names that the database driver takes for operators: deleting one item of such a name deletes everything beside it.
 * The real server does this, so a client that trips over it must trip here too.
 */
const OPERATORS = new Set(["ne", "gt", "gte", "lt", "lte", "in", "nin", "mod", "all", "size", "exists", "not", "elemMatch", "type"]);

const sectionName = (name: string): string => (name.trim().toLowerCase() === PROPERTIES ? PROPERTIES : keptName(name));

function mustBeEditable(task: TaskDocument, force: boolean | null | undefined): void {
  const allowed = force === true ? ["created", "queued", "in_progress"] : ["created"];
  if (!allowed.includes(task.status)) throw invalidTaskStatus({ expected: allowed.join(","), status: task.status });
}

function save(call: Call, task: TaskDocument, changes: Partial<TaskDocument>, isActivity = true): void {
  call.store.tasks.put({
    ...task,
    ...changes,
    last_change: call.now,
    last_changed_by: call.identity.user,
    ...(isActivity ? { last_update: call.now } : {}),
  });
  call.notify(task.id, "task");
}

function editParameters(request: RequestOf<"tasks.edit_hyper_params">, call: Call): object {
  const task = taskOf(call, request.task);
  if (request.hyperparams.length === 0) throw validationError("hyperparams: at least one item is needed");
  const items = request.hyperparams.map((item) => keptParameter(sectionName(item.section), keptName(item.name), item));
  const isProperties = items.every((item) => item.section === PROPERTIES);
  if (!isProperties) mustBeEditable(task, request.force);
  const replaced = new Set(items.map((item) => item.section));
  const mode = request.replace_hyperparams ?? "none";
  const merged = plainMap<Record<string, ParameterItem>>();
  for (const [section, old] of Object.entries(task.hyperparams))
    if (mode === "none" || (mode === "section" && !replaced.has(section))) merged[section] = { ...old };
  for (const item of items) (merged[item.section] ??= plainMap())[item.name] = item;
  save(call, task, { hyperparams: merged }, !isProperties);
  return { updated: 1 };
}

function deleteParameters(request: RequestOf<"tasks.delete_hyper_params">, call: Call): object {
  const task = taskOf(call, request.task);
  if (request.hyperparams.length === 0) throw validationError("hyperparams: at least one item is needed");
  const items = request.hyperparams.map((item) => ({
    section: sectionName(item.section),
    name: item.name ? keptName(item.name) : undefined,
  }));
  const isProperties = items.every((item) => item.section === PROPERTIES);
  if (!isProperties) mustBeEditable(task, request.force);
  const whole = new Set(items.filter((item) => item.name === undefined).map((item) => item.section));
  if (items.some((item) => item.name !== undefined && whole.has(item.section)))
    throw fieldsConflict("a section is named both whole and by its parameters");
  for (const item of items) if (item.name !== undefined && OPERATORS.has(item.name)) whole.add(item.section);
  const hyperparams = plainMap<Hyperparameters[string]>();
  for (const [section, old] of Object.entries(task.hyperparams)) {
    if (whole.has(section)) continue;
    hyperparams[section] = Object.fromEntries(
      Object.entries(old).filter(([name]) => !items.some((item) => item.section === section && item.name === name)),
    );
  }
  save(call, task, { hyperparams }, !isProperties);
  return { deleted: 1 };
}

function editConfiguration(request: RequestOf<"tasks.edit_configuration">, call: Call): object {
  const task = taskOf(call, request.task);
  if (request.configuration.length === 0) throw validationError("configuration: at least one item is needed");
  mustBeEditable(task, request.force);
  const items = request.configuration.map((item): [string, ConfigurationItem] => [
    keptName(item.name),
    keptConfiguration(keptName(item.name), item),
  ]);
  save(call, task, {
    configuration: { ...(request.replace_configuration === true ? {} : task.configuration), ...Object.fromEntries(items) },
  });
  return { updated: 1 };
}

function deleteConfiguration(request: RequestOf<"tasks.delete_configuration">, call: Call): object {
  const task = taskOf(call, request.task);
  if (request.configuration.length === 0) throw validationError("configuration: at least one name is needed");
  mustBeEditable(task, request.force);
  const names = new Set(request.configuration.map(keptName));
  const wipes = [...names].some((name) => OPERATORS.has(name));
  save(call, task, {
    configuration: wipes ? {} : Object.fromEntries(Object.entries(task.configuration).filter(([name]) => !names.has(name))),
  });
  return { deleted: 1 };
}

function editRuntime(request: RequestOf<"tasks.edit_runtime">, call: Call): object {
  const task = taskOf(call, request.task);
  const added = Object.entries(request.add_or_update ?? {});
  const removed = request.remove ?? [];
  if (added.length === 0 && removed.length === 0) return { updated: 0 };
  mustBeEditable(task, true);
  // Keys are escaped on the way in and, unlike all others, not on the way out.
  const gone = new Set(removed.map(escapeKey));
  const runtime: Record<string, JsonValue | undefined> = removed.some((name) => OPERATORS.has(name))
    ? {}
    : Object.fromEntries(Object.entries(task.runtime).filter(([key]) => !gone.has(key)));
  for (const [key, value] of added) runtime[escapeKey(key)] = value;
  save(call, task, { runtime });
  return { updated: 1 };
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The endpoints of this part. */
export const TASK_PARAMETER_SERVICES: readonly ServedEndpoint[] = [
  serve("tasks.edit_hyper_params", editParameters, { since: "2.9" }),
  serve("tasks.delete_hyper_params", deleteParameters, { since: "2.9" }),
  serveOther(
    "tasks.get_hyper_params",
    () => z.object({ tasks: z.array(z.string()) }),
    (request, call) => ({
      params: request.tasks.map((id) => ({
        task: id,
        hyperparams: Object.values(taskOf(call, id).hyperparams)
          .flatMap((items) => Object.values(items))
          .sort((a, b) => byText(a.section, b.section) || byText(a.name, b.name)),
      })),
    }),
    { since: "2.9" },
  ),
  serve("tasks.edit_configuration", editConfiguration, { since: "2.9" }),
  serve("tasks.delete_configuration", deleteConfiguration, { since: "2.9" }),
  serveOther(
    "tasks.get_configurations",
    () => z.object({ tasks: z.array(z.string()), names: z.nullish(z.array(z.string())) }),
    (request, call) => {
      const wanted = request.names && request.names.length > 0 ? new Set(request.names) : undefined;
      return {
        configurations: request.tasks.map((id) => ({
          task: id,
          configuration: Object.values(taskOf(call, id).configuration)
            .filter((item) => !wanted || wanted.has(item.name))
            .sort((a, b) => byText(a.name, b.name)),
        })),
      };
    },
    { since: "2.9" },
  ),
  serveOther(
    "tasks.get_configuration_names",
    () => z.object({ tasks: z.array(z.string()), skip_empty: z.nullish(z.boolean()) }),
    (request, call) => ({
      configurations: request.tasks.map((id) => ({
        task: id,
        names: Object.values(taskOf(call, id).configuration)
          .filter((item) => request.skip_empty === false || item.value !== "")
          .map((item) => item.name)
          .sort(byText),
      })),
    }),
    { since: "2.9" },
  ),
  serve("tasks.edit_runtime", editRuntime, { since: "2.34" }),
];
