/**
 * A task's settings as a document that another server takes: what was configured, not what came of it. The form is that
 * of ClearML's own client, so that either reads what the other wrote.
 */
import { ValidationError } from "../base/errors.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { API_VERSION } from "../protocol/clearml/limits.js";
import { TASK_TYPES, type TaskDocument, type TaskType } from "../protocol/clearml/task-document.js";
import type { ClearML } from "./create-clearml.js";
import type { CallOptions } from "./session.js";
import type { TaskApi, TaskEditOptions } from "./task-api.js";
import { configurationOf, parameterOf } from "./task-edits.js";
import { createTask, isExternalKeyTag, taskName } from "./task-start.js";

/** A task's settings, JSON throughout. */
export interface ExportedTask {
  readonly [field: string]: unknown;
  readonly name?: string;
  readonly type?: string;
  readonly project_name?: string;
}

/** What came of the task, and what only its own server knows. */
const RESULTS: ReadonlySet<string> = new Set([
  ...["last_metrics", "last_iteration", "unique_metrics", "metric_stats", "status_changed", "status_reason", "status_message"],
]);

/** The settings of a task. @throws NotFoundError when it is gone; else as the session's calls. */
export async function exportTask(api: TaskApi, options: CallOptions): Promise<ExportedTask> {
  const task = await api.read(options);
  const { project } = task;
  const found = typeof project === "string" ? (await api.clearml.projects.getById({ project }, options)).project : undefined;
  const settings = Object.fromEntries(Object.entries(task).filter(([field]) => !RESULTS.has(field)));
  const { artifacts: _artifacts, ...execution } = task.execution ?? {};
  const name = found?.name ?? undefined;
  return { ...settings, execution, ...(name === undefined ? {} : { project_name: name }), session_api_version: API_VERSION };
}

/**
 * Makes a task of exported settings. Resolves with its id.
 *
 * @throws ValidationError when they are none; else as the session's calls.
 */
export async function importAsNew(clearml: ClearML, exported: ExportedTask, options: CallOptions): Promise<string> {
  const { name, project_name: project, type } = exported;
  if (typeof name !== "string")
    throw new ValidationError("These are no settings of a task: they have no name.", [{ path: "name", message: "is missing" }]);
  const wire = editOf(exported);
  const id = await createTask(
    clearml,
    { name, type: knownType(type), ...(typeof project === "string" && project !== "" ? { project } : {}) },
    [],
    options,
  );
  await clearml.session.call("tasks.edit", { ...wire, task: id, force: true }, options);
  return id;
}

/** Writes exported settings over a task's own: what both have is replaced, what only the task has stays. */
export async function importInto(api: TaskApi, exported: ExportedTask, options: TaskEditOptions): Promise<void> {
  const wire = editOf(exported);
  await api.editWhole("its settings", options, ["hyperparams", "configuration", "container", "runtime"], (task) => ({
    ...wire,
    ...(wire.hyperparams ? { hyperparams: mergedSections(parametersOf(task), wire.hyperparams) } : {}),
    ...(wire.configuration ? { configuration: { ...configurationsOf(task), ...wire.configuration } } : {}),
    ...(wire.container ? { container: { ...(task.container as Record<string, string> | null | undefined), ...wire.container } } : {}),
    ...(wire.runtime ? { runtime: { ...task.runtime, ...wire.runtime } } : {}),
  }));
}

/** The part that `tasks.edit` takes, with only the fields that a request may hold (1.3). Ids of another server are left out. */
function editOf(exported: ExportedTask): Omit<RequestOf<"tasks.edit">, "task" | "force"> {
  const task = exported as unknown as TaskDocument;
  const { name, comment, tags, system_tags, output, script, execution, runtime, container } = task;
  const { queue: _queue, artifacts: _artifacts, ...settings } = execution ?? {};
  return {
    ...(typeof name === "string" ? { name: taskName(name) } : {}),
    ...(exported.type === undefined ? {} : { type: knownType(exported.type) }),
    ...(typeof comment === "string" ? { comment } : {}),
    ...(tags ? { tags } : {}),
    // A key belongs to the task that it was made for; two tasks of one key would be one job's.
    ...(system_tags ? { system_tags: system_tags.filter((tag) => tag !== "archived" && !isExternalKeyTag(tag)) } : {}),
    ...(typeof output?.destination === "string" && output.destination !== "" ? { output_dest: output.destination } : {}),
    ...(script
      ? {
          script: {
            ...{ binary: script.binary, repository: script.repository, tag: script.tag, branch: script.branch, diff: script.diff },
            ...{ version_num: script.version_num, entry_point: script.entry_point, working_dir: script.working_dir },
            requirements: script.requirements,
          },
        }
      : {}),
    ...(execution ? { execution: settings as RequestOf<"tasks.edit">["execution"] } : {}),
    ...(task.hyperparams ? { hyperparams: parametersOf(task) } : {}),
    ...(task.configuration ? { configuration: configurationsOf(task) } : {}),
    ...(container ? { container: container as Record<string, string> } : {}),
    ...(runtime ? { runtime } : {}),
  };
}

type Parameters = Record<string, Record<string, ReturnType<typeof parameterOf>>>;

function parametersOf(task: TaskDocument): Parameters {
  return Object.fromEntries(
    Object.entries(task.hyperparams ?? {}).map(([section, items]) => [
      section,
      Object.fromEntries(Object.entries(items).map(([name, item]) => [name, parameterOf(item)])),
    ]),
  );
}

function configurationsOf(task: TaskDocument): Record<string, ReturnType<typeof configurationOf>> {
  return Object.fromEntries(Object.entries(task.configuration ?? {}).map(([name, item]) => [name, configurationOf(item)]));
}

function mergedSections(base: Parameters, over: NonNullable<RequestOf<"tasks.edit">["hyperparams"]>): typeof over {
  const merged: typeof over = { ...base };
  for (const [section, items] of Object.entries(over)) merged[section] = { ...merged[section], ...items };
  return merged;
}

function knownType(type: string | undefined): TaskType {
  return TASK_TYPES.find((known) => known === type) ?? "custom";
}
