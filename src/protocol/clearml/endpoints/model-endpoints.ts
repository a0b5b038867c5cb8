/** Models (`clearml-protocol`, 5). */
import * as z from "zod/mini";
import { endpoint } from "../endpoint.js";
import { anyObject, flag, integer, text, texts } from "../field-types.js";
import { metadataInput, modelDocument, modelFields } from "../model-document.js";
import { manyResponse } from "../many-response.js";
import { listFilter, searchFields, updateResponse } from "../search-fields.js";

export const MODEL_ENDPOINTS = {
  /** Not to be repeated blindly: a second call makes a second model. */
  "models.create": endpoint(
    () => z.object({ ...modelFields(), name: z.string(), uri: z.string(), public: flag() }),
    () => z.looseObject({ id: z.string(), created: flag() }),
  ),
  /** Changes published models too. `iteration` raises `last_iteration` of the task that made the model. */
  "models.edit": endpoint(
    () => z.object({ ...modelFields(), model: z.string(), name: text(), uri: text(), iteration: integer() }),
    updateResponse,
  ),
  /** The only call of the API that sets a time of creation. */
  "models.update": endpoint(
    () =>
      z.object({
        model: z.string(),
        name: text(),
        project: text(),
        created: text(),
        comment: text(),
        tags: texts(),
        system_tags: texts(),
        uri: text(),
        ready: flag(),
        task: text(),
        iteration: integer(),
        ui_cache: anyObject(),
        metadata: z.nullish(z.record(z.string(), metadataInput())),
      }),
    updateResponse,
  ),
  "models.get_by_id": endpoint(
    () => z.object({ model: z.string() }),
    () => z.looseObject({ model: modelDocument() }),
  ),
  "models.get_all": endpoint(
    () =>
      z.looseObject({
        ...searchFields(),
        framework: listFilter(),
        project: listFilter(),
        task: listFilter(),
        uri: listFilter(),
        user: listFilter(),
        parent: listFilter(),
        ready: flag(),
        include_subprojects: flag(),
      }),
    () => z.looseObject({ models: z.array(modelDocument()), scroll_id: text() }),
  ),
  /** Publishes. Already published answers 400/203. The task that made it is published too unless `publish_task` is false. */
  "models.set_ready": endpoint(
    () => z.object({ model: z.string(), publish_task: flag(), force_publish_task: flag() }),
    () => z.looseObject({ updated: integer(), published_task: z.nullish(z.unknown()) }),
  ),
  "models.delete": endpoint(
    () => z.object({ model: z.string(), force: flag(), delete_external_artifacts: flag() }),
    () => z.looseObject({ deleted: z.nullish(z.unknown()), url: text() }),
  ),
  /** A list here, a map in `models.create`. */
  "models.add_or_update_metadata": endpoint(
    () => z.object({ model: z.string(), metadata: z.array(metadataInput()), replace_metadata: flag() }),
    () => z.looseObject({ updated: integer() }),
  ),
  "models.delete_metadata": endpoint(
    () => z.object({ model: z.string(), keys: z.array(z.string()) }),
    () => z.looseObject({ updated: integer() }),
  ),
  /** 200 even when every id failed: read `failed`. */
  "models.archive_many": endpoint(() => z.object({ ids: z.array(z.string()) }), manyResponse),
  "models.unarchive_many": endpoint(() => z.object({ ids: z.array(z.string()) }), manyResponse),
  "models.move": endpoint(
    () => z.object({ ids: z.array(z.string()), project: text(), project_name: text() }),
    () => z.looseObject({}),
  ),
  "models.update_tags": endpoint(
    () => z.object({ ids: z.array(z.string()), add_tags: texts(), remove_tags: texts() }),
    () => z.looseObject({ updated: integer() }),
  ),
} as const;
