/** Finds what a request names, or answers as the real server does when it is not there. */
import type { ModelDocument, ProjectDocument, QueueDocument, TaskDocument } from "../store/documents.js";
import { dataValidationError, fieldsValueError, invalidModelId, invalidProjectId, invalidQueueId, invalidTaskId } from "./api-failure.js";
import type { Call } from "./call.js";
import { NAME_MIN_LENGTH } from "../../protocol/clearml/limits.js";

/** @throws ApiFailure 400/101 */
export function taskOf(call: Call, id: string): TaskDocument {
  const task = call.store.tasks.get(id);
  if (!task) throw invalidTaskId(id);
  return task;
}

/** @throws ApiFailure 400/201 */
export function modelOf(call: Call, id: string): ModelDocument {
  const model = call.store.models.get(id);
  if (!model) throw invalidModelId(id);
  return model;
}

/** @throws ApiFailure 400/401 */
export function projectOf(call: Call, id: string): ProjectDocument {
  const project = call.store.projects.get(id);
  if (!project) throw invalidProjectId(id);
  return project;
}

/** @throws ApiFailure 400/701 */
export function queueOf(call: Call, id: string): QueueDocument {
  const queue = call.store.queues.get(id);
  if (!queue) throw invalidQueueId(id);
  return queue;
}

/** The name as it is stored. @throws ApiFailure 400/800 when it is too short. */
export function validName(name: string): string {
  const stripped = name.trim();
  if (stripped.length < NAME_MIN_LENGTH) throw dataValidationError({ field: "name", reason: "String value is too short" });
  return stripped;
}

/** @throws ApiFailure 400/16 when one starts with the characters that mark an operator of a search. */
export function validTags(tags: readonly string[] | null | undefined, field: string): readonly string[] | undefined {
  const bad = tags?.find((tag) => tag.startsWith("__$"));
  if (bad !== undefined) throw fieldsValueError("tags must not start with __$", { field, tag: bad });
  return tags ? [...new Set(tags)] : undefined;
}

/** The tags after an edit by `update_tags`. */
export function changedTags(
  tags: readonly string[],
  add: readonly string[] | null | undefined,
  remove: readonly string[] | null | undefined,
): readonly string[] {
  const gone = new Set(remove ?? []);
  return [...new Set([...tags, ...(validTags(add, "add_tags") ?? [])])].filter((tag) => !gone.has(tag));
}
