/** Finding tasks: from what a caller means to the server's filters, whose traps are kept out of sight (`clearml-protocol`, 3.8). */
import { NotFoundError, ValidationError } from "../base/errors.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import type { TaskDocument, TaskStatus, TaskType } from "../protocol/clearml/task-document.js";
import type { ClearML } from "./create-clearml.js";
import { nameText } from "./clearml-text.js";
import type { CallOptions } from "./session.js";

/** What tasks are looked for. Everything that is given must fit. */
export interface TaskQuery extends CallOptions {
  readonly ids?: readonly string[] | undefined;
  /** Full path of a project. */
  readonly project?: string | undefined;
  /** Of `project`: the projects below it too. Default false. */
  readonly includeSubprojects?: boolean | undefined;
  /** The whole name, or a pattern that is searched in it. */
  readonly name?: string | RegExp | undefined;
  /** All of these. */
  readonly tags?: readonly string[] | undefined;
  /** None of these. */
  readonly withoutTags?: readonly string[] | undefined;
  /** All of these. Keys of jobs are system tags. */
  readonly systemTags?: readonly string[] | undefined;
  /** One of these. */
  readonly status?: readonly TaskStatus[] | undefined;
  /** One of these. */
  readonly type?: readonly TaskType[] | undefined;
  /** Id of the parent. */
  readonly parent?: string | undefined;
  /** Archived ones too. Default true. */
  readonly includeArchived?: boolean | undefined;
  /** Hidden ones too, such as those of pipelines. Default: only when they are named by id. */
  readonly includeHidden?: boolean | undefined;
  /** Fields, `-` in front for descending. Default: oldest first. */
  readonly orderBy?: readonly string[] | undefined;
  /** Filters of `tasks.get_all` that have no name here; they win. */
  readonly filter?: RequestOf<"tasks.get_all"> | undefined;
}

/** All tasks that fit, page after page. A project that does not exist holds none. */
export async function* queryTasks(clearml: ClearML, query: TaskQuery): AsyncGenerator<TaskDocument, void, undefined> {
  const { signal, timeoutMs, retry, repeatable } = query;
  const options = { signal, timeoutMs, retry, repeatable };
  let project: string[] | undefined;
  if (query.project !== undefined) {
    const found = await clearml.projects.find(query.project, options);
    if (!found) return;
    project = [found.id];
  }
  // An empty list is no filter to the server: everything would be found.
  if (query.ids?.length === 0) return;
  yield* clearml.tasks.getAll({ ...taskFilters(query), ...(project ? { project } : {}), ...query.filter }, options);
}

/** The newest task that fits. @throws NotFoundError when there is none. */
export async function newestTask(clearml: ClearML, query: TaskQuery): Promise<TaskDocument> {
  const request = { ...query, orderBy: query.orderBy ?? ["-last_update"] };
  // One that was archived is meant only when there is no other.
  for (const includeArchived of query.includeArchived === false ? [false] : [false, true])
    for await (const task of queryTasks(clearml, { ...request, includeArchived })) return task;
  const { project, name } = query;
  const words = [name === undefined ? "" : ` named ${String(name)}`, project === undefined ? "" : ` in project ${project}`].join("");
  throw new NotFoundError(`There is no ClearML task${words} that fits, or these credentials cannot see it. Check name, project and tags.`);
}

/** The filters, without the project. Pure. @throws ValidationError for a tag that the server would take for a command. */
export function taskFilters(query: TaskQuery): RequestOf<"tasks.get_all"> {
  const { ids, name, tags = [], withoutTags = [], systemTags = [], status, type, parent, orderBy } = query;
  for (const tag of [...tags, ...withoutTags, ...systemTags]) checkTag(tag);
  const excluded = query.includeArchived === false ? ["-archived"] : [];
  return {
    ...(ids ? { id: [...ids] } : {}),
    ...(name === undefined ? {} : { name: typeof name === "string" ? `^${escaped(nameText(name.trim()))}$` : patternOf(name) }),
    ...(tags.length + withoutTags.length > 0
      ? { tags: ["__$all", ...tags.map(nameText), ...withoutTags.map((tag) => `-${nameText(tag)}`)] }
      : {}),
    ...(systemTags.length + excluded.length > 0 ? { system_tags: ["__$all", ...systemTags, ...excluded] } : {}),
    ...(status ? { status: [...status] } : {}),
    ...(type ? { type: [...type] } : {}),
    ...(parent === undefined ? {} : { parent: [parent] }),
    ...(query.includeSubprojects === undefined ? {} : { include_subprojects: query.includeSubprojects }),
    ...(query.includeHidden === undefined ? {} : { search_hidden: query.includeHidden }),
    ...(orderBy ? { order_by: [...orderBy] } : {}),
  };
}

/** @throws ValidationError for a tag that a filter would read as an exclusion or a marker. */
export function checkTag(tag: string): void {
  if (tag.trim() !== "" && !tag.startsWith("-") && !tag.startsWith("__$")) return;
  const message = "must not be empty, nor begin with - or __$, which the server reads as commands";
  throw new ValidationError(`The tag ${JSON.stringify(tag)} cannot be used: it ${message}.`, [{ path: "tags", message }]);
}

/** Python's spelling of a pattern's flags. */
function patternOf(pattern: RegExp): string {
  const flags = pattern.flags.replaceAll(/[^ims]/g, "");
  return flags === "" ? pattern.source : `(?${flags})${pattern.source}`;
}

/** The text as a pattern that matches it and nothing else. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
