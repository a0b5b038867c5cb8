/** Where a model comes from and what came of it, read along the references that ClearML keeps (`clearml-protocol`, 5.2). Changes nothing. */
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import { modelWebUrl, taskWebUrl } from "../protocol/clearml/web-urls.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import type { ClearML } from "./create-clearml.js";
import { datasetsOfTask, type DatasetUse } from "./dataset.js";
import { isAnswer } from "./is-answer.js";
import type { CallOptions } from "./session.js";

/** Longer chains of parents are a circle, or nobody reads them. */
const MAX_PARENTS = 100;
const TASK_FIELDS = ["id", "name", "status", "type", "project", "hyperparams.Datasets", "runtime"];
const MODEL_FIELDS = ["id", "name", "ready", "project", "task", "parent", "created"];

/** A task that has to do with a model. */
export interface TaskReference {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly webUrl: string | undefined;
}

/** A model that has to do with a model. */
export interface ModelReference {
  readonly id: string;
  readonly name: string;
  readonly isPublished: boolean;
  /** Id of the task that made it. */
  readonly taskId: string | undefined;
  readonly webUrl: string | undefined;
}

/** Everything that is known of where a model comes from. */
export interface ModelLineage {
  /** The task that made it; undefined when no one said, or the task was deleted. */
  readonly task: TaskReference | undefined;
  /** Data sets that this task names. */
  readonly datasets: readonly DatasetUse[];
  /** The model that it was made from, the one before that, and so on. */
  readonly parents: readonly ModelReference[];
  /** Models that were made from it. */
  readonly children: readonly ModelReference[];
  /** Tasks that have it among their input models. */
  readonly usedBy: readonly TaskReference[];
}

/** Reads a model's lineage. References that lead nowhere, because something was deleted, are left out. */
export async function readLineage(
  clearml: ClearML,
  model: { readonly id: string; readonly taskId: string | undefined; readonly parentId: string | undefined },
  options: CallOptions,
): Promise<ModelLineage> {
  const { webHost } = clearml.session;
  const maker = model.taskId === undefined ? undefined : await found(oneTask(clearml, model.taskId, options), undefined);
  const parents: ModelReference[] = [];
  const seen = new Set([model.id]);
  for (let next = model.parentId; next !== undefined && !seen.has(next) && parents.length < MAX_PARENTS;) {
    seen.add(next);
    const parent = await found(
      clearml.models.getById({ model: next }, options).then((answer) => answer.model),
      undefined,
    );
    if (!parent) break;
    parents.push(modelReference(parent, webHost));
    next = parent.parent ?? undefined;
  }
  const children: ModelReference[] = [];
  for await (const child of clearml.models.getAll({ parent: [model.id], only_fields: MODEL_FIELDS, search_hidden: true }, options))
    children.push(modelReference(child, webHost));
  const usedBy: TaskReference[] = [];
  const users = { "models.input.model": [model.id], only_fields: TASK_FIELDS, search_hidden: true };
  for await (const task of clearml.tasks.getAll(users, options)) usedBy.push(taskReference(task, webHost));
  return { task: maker && taskReference(maker, webHost), datasets: maker ? datasetsOfTask(maker) : [], parents, children, usedBy };
}

async function oneTask(clearml: ClearML, id: string, options: CallOptions): Promise<TaskDocument | undefined> {
  const { tasks } = await clearml.tasks.getPage({ id: [id], only_fields: TASK_FIELDS }, options);
  return tasks.find((task) => task.id === id);
}

/** `otherwise` when the thing is gone. */
async function found<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isAnswer(error, CLEARML_ERRORS.INVALID_TASK_ID) || isAnswer(error, CLEARML_ERRORS.INVALID_MODEL_ID)) return otherwise;
    throw error;
  }
}

function taskReference(task: TaskDocument, webHost: string | undefined): TaskReference {
  const { id, name, status, project } = task;
  const webUrl = webHost === undefined ? undefined : taskWebUrl(webHost, { taskId: id, projectId: project });
  return { id, name: name ?? "", status: status ?? "unknown", webUrl };
}

function modelReference(model: ModelDocument, webHost: string | undefined): ModelReference {
  const { id, name, ready, task, project } = model;
  const webUrl = webHost === undefined ? undefined : modelWebUrl(webHost, { modelId: id, projectId: project });
  return { id, name: name ?? "", isPublished: ready === true, taskId: task ?? undefined, webUrl };
}
