/** A project as the wire knows it. Its name is the whole path, `A/B/C` (`clearml-protocol`, 6). */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { text, texts } from "./field-types.js";

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
  }),
);

/** A project as answered. */
export type ProjectDocument = z.output<ReturnType<typeof projectDocument>>;
