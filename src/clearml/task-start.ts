/**
 * How a program comes by its task: the one it was started for, one that is continued, the one of a job, which any number
 * of processes find or create once, or a new one (`clearml-protocol`, 3.2, 3.14, 13).
 */
import { ValidationError, describeError } from "../base/errors.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { NAME_MIN_LENGTH } from "../protocol/clearml/limits.js";
import type { TaskType } from "../protocol/clearml/task-document.js";
import { taskExternalKey, type JobIdentity } from "../records/external-key.js";
import type { ClearML } from "./create-clearml.js";
import { freeText, nameText } from "./clearml-text.js";
import { findOrCreate } from "../base/find-or-create.js";
import type { Environment } from "./options.js";
import type { TaskScript } from "./script-detection.js";
import type { CallOptions } from "./session.js";
import { checkTag } from "./task-query.js";
import { containerInput, scriptInput, type TaskContainer } from "./task-script.js";

/** What a new task is like. */
export interface NewTask {
  /** Full path of its project, parts divided by `/`; made where it is missing. Default: none. */
  readonly project?: string | undefined;
  /** At least 3 characters. */
  readonly name: string;
  /** Default `training`. */
  readonly type?: TaskType | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly comment?: string | undefined;
  /** Id of the parent. */
  readonly parent?: string | undefined;
  /** Where artifacts and models go: `s3://...`, `file:///...`, an address of the file server. Default: the file server. */
  readonly outputUri?: string | undefined;
  readonly script?: TaskScript | undefined;
  readonly container?: TaskContainer | undefined;
}

/** A new task with its parameters: made by one request, so that nobody finds it without them. */
export type TaskSeed = NewTask & Pick<RequestOf<"tasks.create">, "hyperparams">;

/** A job, or a key of the caller's own: the same for every process that is to find the same task. */
export type ExternalKey = string | JobIdentity;

const KEY_PREFIX = "trainer-sdk:";

/**
 * The system tag that carries a key. Of a job it is what its trainer uses too (`taskExternalKey`); a text of the caller's
 * own is told apart from every tag that ClearML gives a meaning.
 *
 * @throws ValidationError for an empty text.
 */
export function externalKeyTag(key: ExternalKey): string {
  if (typeof key !== "string") return taskExternalKey(key);
  if (key.startsWith(KEY_PREFIX)) return key;
  if (key.trim() !== "") return `${KEY_PREFIX}key:${encodeURIComponent(key.trim().toWellFormed())}`;
  throw new ValidationError("The external key is empty.", [{ path: "externalKey", message: "is empty" }]);
}

/** True for a system tag that belongs to one task alone. */
export function isExternalKeyTag(tag: string): boolean {
  return tag.startsWith(KEY_PREFIX);
}

/** Id of the task that this process was started for by an agent or a platform, when it was (`CLEARML_TASK_ID`). */
export function startedTaskId(env: Environment): string | undefined {
  for (const name of ["CLEARML_TASK_ID", "TRAINS_TASK_ID"]) {
    const id = env[name]?.trim();
    if (id !== undefined && id !== "") return id;
  }
  return undefined;
}

/**
 * Makes a task. Resolves with its id.
 *
 * @throws ValidationError for what the server would refuse; else as the session's calls.
 */
export async function createTask(clearml: ClearML, task: TaskSeed, systemTags: readonly string[], options: CallOptions): Promise<string> {
  const request = newTaskRequest(task, systemTags);
  const project = task.project === undefined ? undefined : (await clearml.projects.findOrCreate(task.project, options)).id;
  return (await clearml.tasks.create({ ...request, ...(project === undefined ? {} : { project }) }, options)).id;
}

/**
 * Id of the one task that carries the key, made where there is none; safe to call from many processes at once.
 *
 * @param options - `wasAbsent`: a search found none before, so that it is made at once. One that came since is found all the same.
 */
export async function findOrCreateTask(
  clearml: ClearML,
  key: ExternalKey,
  task: () => TaskSeed,
  { wasAbsent = false, ...options }: CallOptions & { readonly wasAbsent?: boolean },
): Promise<{ readonly id: string; readonly created: boolean }> {
  const tag = externalKeyTag(key);
  const { found, created } = await findOrCreate({
    search: async () => {
      const filter = { system_tags: [tag], search_hidden: true, only_fields: ["id", "created"], order_by: ["created"] };
      return (await clearml.tasks.getPage(filter, options)).tasks;
    },
    create: () => createTask(clearml, task(), [tag], options),
    remove: async (id) => {
      await clearml.tasks.delete({ task: id, force: true }, options);
    },
    wasAbsent,
    onNotRemoved: (id, error) => {
      clearml.logger.warn(`ClearML task ${id} is an extra of a start at the same moment and could not be deleted: ${describeError(error)}`);
    },
  });
  return { id: found.id, created };
}

/** The request, without the project. Pure. */
export function newTaskRequest(task: TaskSeed, systemTags: readonly string[]): RequestOf<"tasks.create"> {
  const { tags, comment, parent, outputUri, script, container, hyperparams } = task;
  for (const tag of tags ?? []) checkTag(tag);
  return {
    name: taskName(task.name),
    type: task.type ?? "training",
    system_tags: [...systemTags],
    ...(tags ? { tags: tags.map(nameText) } : {}),
    ...(comment === undefined ? {} : { comment: freeText(comment) }),
    ...(parent === undefined ? {} : { parent }),
    ...(outputUri === undefined ? {} : { output_dest: freeText(outputUri) }),
    ...(script ? { script: scriptInput(script) } : {}),
    ...(container ? { container: containerInput(container) } : {}),
    ...(hyperparams ? { hyperparams } : {}),
  };
}

/** The name as the server keeps it. @throws ValidationError when it is too short. */
export function taskName(name: string): string {
  const kept = nameText(name.trim());
  if (kept.length >= NAME_MIN_LENGTH) return kept;
  const message = `must have at least ${String(NAME_MIN_LENGTH)} characters`;
  throw new ValidationError(`A task cannot be called ${JSON.stringify(name)}: its name ${message}.`, [{ path: "name", message }]);
}
