/** A project as the wire knows it. Its name is the whole path, `A/B/C` (`clearml-protocol`, 6). */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { integer, number, text, texts } from "./field-types.js";

const statusCounts = lazily(() =>
  z.nullish(
    z.looseObject({
      total_tasks: integer(),
      /** Tasks by status. */
      status_count: z.nullish(z.record(z.string(), z.nullish(z.number()))),
      completed_tasks_24h: integer(),
      /** Seconds. */
      total_runtime: number(),
      last_task_run: number(),
    }),
  ),
);

/** A project as answered. */
export const projectDocument = lazily(() =>
  z.looseObject({
    id: z.string(),
    /** The whole path. */
    name: text(),
    /** Its last part. */
    basename: text(),
    description: text(),
    tags: texts(),
    system_tags: texts(),
    default_output_destination: text(),
    created: text(),
    last_update: text(),
    parent: text(),
    path: texts(),
    user: text(),
    company: text(),
    /** Of `projects.get_all_ex` with `include_stats`. */
    stats: z.nullish(z.looseObject({ active: statusCounts(), archived: statusCounts() })),
    own_tasks: integer(),
    own_models: integer(),
    own_datasets: integer(),
    sub_projects: z.nullish(z.array(z.looseObject({ id: text(), name: text() }))),
  }),
);

/** A project as answered. */
export type ProjectDocument = z.output<ReturnType<typeof projectDocument>>;
