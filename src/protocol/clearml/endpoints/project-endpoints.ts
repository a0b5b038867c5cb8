/** Projects (`clearml-protocol`, 6). */
import * as z from "zod/mini";
import { endpoint } from "../endpoint.js";
import { flag, text, texts } from "../field-types.js";
import { projectDocument } from "../project-document.js";
import { searchFields, updateResponse } from "../search-fields.js";

export const PROJECT_ENDPOINTS = {
  "projects.get_all": endpoint(
    () => z.looseObject({ ...searchFields(), basename: text(), description: text(), shallow_search: flag() }),
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
} as const;
