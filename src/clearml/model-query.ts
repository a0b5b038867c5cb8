/** A search for models, in the words of its caller, as the request that the server takes. */
import { ValidationError } from "../base/errors.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { escapeKey } from "../protocol/clearml/identity.js";
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import { freeText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { exactPattern } from "./exact-pattern.js";
import type { CallOptions } from "./session.js";

/** System tag of what was archived. */
export const ARCHIVED_TAG = "archived";

/** Which models. What is left out restricts nothing. */
export interface ModelQuery {
  /** The whole name. */
  readonly name?: string;
  /** A regular expression in Python's syntax, searched for within the name. */
  readonly namePattern?: string;
  /** Path of the project, `a/b/c`. One that does not exist has no models. */
  readonly project?: string;
  /** With `project`: what lies in projects below it too. Default false. */
  readonly includeSubprojects?: boolean;
  /** Any of these tags; `-tag` excludes one, and `__$all` as the first asks for all of them. */
  readonly tags?: readonly string[];
  readonly framework?: string;
  /** Id of the task that made it. */
  readonly task?: string;
  /** The whole address of the weights. */
  readonly uri?: string;
  /** Id of the model that it was made from. */
  readonly parent?: string;
  /** Metadata that it must have, value by value. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly onlyPublished?: boolean;
  /** Default false. */
  readonly includeArchived?: boolean;
  /** Default: all of them, however many. */
  readonly maxResults?: number;
}

/** Models that fit, newest first, page after page. */
export async function* findModels(
  clearml: ClearML,
  query: ModelQuery,
  options: CallOptions = {},
): AsyncGenerator<ModelDocument, void, undefined> {
  const { maxResults = Number.POSITIVE_INFINITY } = query;
  if (!(maxResults >= 0)) {
    const message = `must be a number of 0 or more, not ${String(maxResults)}`;
    throw new ValidationError(`Model.query: maxResults ${message}.`, [{ path: "maxResults", message }]);
  }
  const project = query.project === undefined ? undefined : await clearml.projects.find(query.project, options);
  if (maxResults === 0 || (query.project !== undefined && !project)) return;
  let found = 0;
  for await (const model of clearml.models.getAll(requestOf(query, project?.id), options)) {
    yield model;
    found += 1;
    if (found >= maxResults) return;
  }
}

function requestOf(query: ModelQuery, projectId: string | undefined): RequestOf<"models.get_all"> {
  const { name, namePattern, includeSubprojects, tags, framework, task, uri, parent, metadata, onlyPublished, includeArchived } = query;
  const facts = Object.entries(metadata ?? {}).map(([key, value]) => [`metadata.${escapeKey(key)}.value`, [freeText(value)]]);
  return {
    ...(Object.fromEntries(facts) as Record<string, unknown>),
    order_by: ["-created"],
    ...(name === undefined ? {} : { name: exactPattern(name) }),
    ...(name === undefined && namePattern !== undefined ? { name: namePattern } : {}),
    ...(projectId === undefined ? {} : { project: [projectId], include_subprojects: includeSubprojects ?? false }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags: [...tags] }),
    ...(framework === undefined ? {} : { framework: [framework] }),
    ...(task === undefined ? {} : { task: [task] }),
    ...(uri === undefined ? {} : { uri: [uri] }),
    ...(parent === undefined ? {} : { parent: [parent] }),
    ...(onlyPublished === true ? { ready: true } : {}),
    ...(includeArchived === true ? {} : { system_tags: [`-${ARCHIVED_TAG}`] }),
  };
}
