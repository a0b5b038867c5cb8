/** Tasks: making, finding and editing them (`clearml-protocol`, 3.2, 3.6, 3.7, 3.8). */
import * as z from "zod/mini";
import { batchEndpoint, endpoint, lazily } from "../endpoint.js";
import { anyObject, flag, integer, text, textMap, texts } from "../field-types.js";
import { listFilter, searchFields, updateResponse } from "../search-fields.js";
import {
  TASK_STATUSES,
  TASK_TYPES,
  artifactInput,
  configurationInput,
  executionInput,
  parameterInput,
  taskDocument,
  taskFields,
  taskModelInput,
} from "../task-document.js";

const updated = lazily(() => z.looseObject({ updated: integer() }));
const deleted = lazily(() => z.looseObject({ deleted: integer() }));
const modelTypes = ["input", "output"] as const;

/** Fields that `tasks.update` takes; of these it writes the cosmetic ones and drops the rest without a word (3.6). */
const cosmetic = lazily(() =>
  z.object({
    task: z.string(),
    name: text(),
    tags: texts(),
    system_tags: texts(),
    comment: text(),
    project: text(),
    status_message: text(),
    output__error: text(),
    created: text(),
  }),
);

export const TASK_ENDPOINTS = {
  /** Not to be repeated blindly: a second call makes a second task. */
  "tasks.create": endpoint(
    () => z.object({ ...taskFields(), name: z.string(), type: z.enum(TASK_TYPES) }),
    () => z.looseObject({ id: z.string() }),
  ),
  "tasks.get_by_id": endpoint(
    () => z.object({ task: z.string() }),
    () => z.looseObject({ task: taskDocument() }),
  ),
  /** At most 500 rows a page, without a word and without a total. Hidden tasks need `search_hidden`. */
  "tasks.get_all": endpoint(
    () =>
      z.looseObject({
        ...searchFields(),
        status: listFilter(),
        type: listFilter(),
        project: listFilter(),
        parent: listFilter(),
        user: listFilter(),
        status_changed: listFilter(),
        include_subprojects: flag(),
      }),
    () => z.looseObject({ tasks: z.array(taskDocument()), scroll_id: text() }),
  ),
  /** With `force` in any status. Maps and the list of artifacts are replaced whole. */
  "tasks.edit": endpoint(
    () =>
      z.object({
        ...taskFields(),
        task: z.string(),
        force: flag(),
        name: text(),
        type: z.nullish(z.enum(TASK_TYPES)),
        status: z.nullish(z.enum(TASK_STATUSES)),
      }),
    updateResponse,
  ),
  "tasks.update": endpoint(cosmetic, updateResponse),
  "tasks.update_batch": batchEndpoint(cosmetic, updated),
  "tasks.edit_hyper_params": endpoint(
    () =>
      z.object({
        task: z.string(),
        force: flag(),
        hyperparams: z.array(z.strictObject({ ...parameterInput().shape, section: z.string(), name: z.string(), value: z.string() })),
        replace_hyperparams: z.nullish(z.enum(["none", "section", "all"])),
      }),
    updated,
  ),
  /** An item without a name stands for its whole section. */
  "tasks.delete_hyper_params": endpoint(
    () => z.object({ task: z.string(), force: flag(), hyperparams: z.array(z.strictObject({ section: z.string(), name: text() })) }),
    deleted,
  ),
  "tasks.edit_configuration": endpoint(
    () =>
      z.object({
        task: z.string(),
        force: flag(),
        configuration: z.array(z.strictObject({ ...configurationInput().shape, name: z.string(), value: z.string() })),
        replace_configuration: flag(),
      }),
    updated,
  ),
  "tasks.delete_configuration": endpoint(() => z.object({ task: z.string(), force: flag(), configuration: z.array(z.string()) }), deleted),
  /** In created, queued and in_progress alone. The same key and mode again takes the old one's place. */
  "tasks.add_or_update_artifacts": endpoint(
    () => z.object({ task: z.string(), force: flag(), artifacts: z.array(artifactInput()) }),
    updated,
  ),
  "tasks.delete_artifacts": endpoint(
    () =>
      z.object({
        task: z.string(),
        force: flag(),
        artifacts: z.array(z.strictObject({ key: z.string(), mode: z.nullish(z.enum(modelTypes)) })),
      }),
    deleted,
  ),
  /** Replaces the entry of that name. Not atomic: two at once can both append. */
  "tasks.add_or_update_model": endpoint(
    () => z.object({ task: z.string(), name: z.string(), model: z.string(), type: z.enum(modelTypes), iteration: integer() }),
    updated,
  ),
  "tasks.delete_models": endpoint(
    () => z.object({ task: z.string(), models: z.array(z.strictObject({ name: z.string(), type: z.enum(modelTypes) })) }),
    updated,
  ),
  /** Merges by key. Keys with dots, `$` or double underscores come back escaped: avoid them (3.10). */
  "tasks.edit_runtime": endpoint(() => z.object({ task: z.string(), force: flag(), add_or_update: textMap(), remove: texts() }), updated),
  "tasks.update_tags": endpoint(() => z.object({ ids: z.array(z.string()), add_tags: texts(), remove_tags: texts() }), updated),
  "tasks.set_requirements": endpoint(() => z.object({ task: z.string(), requirements: z.record(z.string(), z.unknown()) }), updateResponse),
  /** Not to be repeated blindly: a second call makes a second task. Given maps replace the original's whole. */
  "tasks.clone": endpoint(
    () =>
      z.object({
        task: z.string(),
        new_task_name: text(),
        new_task_comment: text(),
        new_task_tags: texts(),
        new_task_system_tags: texts(),
        new_task_parent: text(),
        new_task_project: text(),
        new_project_name: text(),
        new_task_hyperparams: z.nullish(z.record(z.string(), z.record(z.string(), parameterInput()))),
        new_task_configuration: z.nullish(z.record(z.string(), configurationInput())),
        new_task_container: textMap(),
        new_task_input_models: z.nullish(z.array(taskModelInput())),
        execution_overrides: z.nullish(executionInput()),
        validate_references: flag(),
      }),
    () => z.looseObject({ id: z.string(), new_project: anyObject() }),
  ),
} as const;
