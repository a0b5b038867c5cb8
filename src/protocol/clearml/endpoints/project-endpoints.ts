/** Projects (`clearml-protocol`, 6). */
import * as z from "zod/mini";
import { endpoint } from "../endpoint.js";
import { anyObject, flag, integer, text, texts } from "../field-types.js";
import { projectDocument } from "../project-document.js";
import { listFilter, searchFields, updateResponse } from "../search-fields.js";

export const PROJECT_ENDPOINTS = {
  "projects.get_all": endpoint(
    () => z.looseObject({ ...searchFields(), basename: text(), description: text(), shallow_search: flag() }),
    () => z.looseObject({ projects: z.array(projectDocument()), scroll_id: text() }),
  ),
  /** With figures of what the projects hold. An interface of the web application: only the figures are taken from it. */
  "projects.get_all_ex": endpoint(
    () =>
      z.looseObject({
        ...searchFields(),
        include_stats: flag(),
        stats_with_children: flag(),
        check_own_contents: flag(),
        user: listFilter(),
      }),
    () => z.looseObject({ projects: z.array(projectDocument()), scroll_id: text() }),
  ),
  "projects.get_by_id": endpoint(
    () => z.object({ project: z.string() }),
    () => z.looseObject({ project: projectDocument() }),
  ),
  /** Missing parents are made too. A name that exists answers 400/801. */
  "projects.create": endpoint(
    () => z.object({ name: z.string(), description: text(), tags: texts(), system_tags: texts(), default_output_destination: text() }),
    () => z.looseObject({ id: z.string() }),
  ),
  /** Renames the last part of the path at most; another place answers 400/408. */
  "projects.update": endpoint(
    () =>
      z.object({
        project: z.string(),
        name: text(),
        description: text(),
        tags: texts(),
        system_tags: texts(),
        default_output_destination: text(),
      }),
    updateResponse,
  ),
  /** Under another parent; without one, to the top. What lies below moves along. */
  "projects.move": endpoint(
    () => z.object({ project: z.string(), new_location: text() }),
    () => z.looseObject({ moved: integer() }),
  ),
  /** What stands in the way of deleting it. */
  "projects.validate_delete": endpoint(
    () => z.object({ project: z.string() }),
    () =>
      z.looseObject({
        tasks: integer(),
        non_archived_tasks: integer(),
        models: integer(),
        non_archived_models: integer(),
        datasets: integer(),
        pipelines: integer(),
        reports: integer(),
      }),
  ),
  /** Without `force` refused while live tasks or models are in it. Without `delete_contents` they stay, without a project. */
  "projects.delete": endpoint(
    () => z.object({ project: z.string(), force: flag(), delete_contents: flag(), delete_external_artifacts: flag() }),
    () =>
      z.looseObject({
        deleted: integer(),
        disassociated_tasks: integer(),
        deleted_tasks: integer(),
        deleted_models: integer(),
        urls: anyObject(),
      }),
  ),
} as const;
