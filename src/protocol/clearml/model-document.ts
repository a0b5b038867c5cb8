/** A registered model as the wire knows it (`clearml-protocol`, 5.1). The API knows no files: `uri` says where one lies. */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { anyObject, flag, integer, number, text, texts } from "./field-types.js";
import { lastMetric } from "./task-document.js";

/** One fact about a model. */
export const metadataInput = lazily(() => z.strictObject({ key: text(), type: text(), value: text() }));

/** Fields that `models.create` and `models.edit` share. */
export const modelFields = lazily(() => ({
  comment: text(),
  tags: texts(),
  system_tags: texts(),
  framework: text(),
  /** Usually `{ design: <text> }`. */
  design: anyObject(),
  /** Class name to index. */
  labels: z.nullish(z.record(z.string(), z.int())),
  /** True means published. `models.create` takes true when it is not given: always send it. */
  ready: flag(),
  /** Model id. */
  parent: text(),
  /** Project id. */
  project: text(),
  /** Id of the task that made it. */
  task: text(),
  /** A map here, a list in `models.add_or_update_metadata`. */
  metadata: z.nullish(z.record(z.string(), metadataInput())),
}));

/** Facts by key, as answered. */
export const metadataMap = lazily(() => z.nullish(z.record(z.string(), z.looseObject({ key: text(), type: text(), value: text() }))));

/** A model as answered. */
export const modelDocument = lazily(() =>
  z.looseObject({
    id: z.string(),
    name: text(),
    user: text(),
    company: text(),
    comment: text(),
    tags: texts(),
    system_tags: texts(),
    framework: text(),
    design: anyObject(),
    labels: anyObject(),
    ready: flag(),
    uri: text(),
    parent: text(),
    project: text(),
    task: text(),
    created: text(),
    last_update: text(),
    last_change: text(),
    last_iteration: integer(),
    last_metrics: z.nullish(z.record(z.string(), z.record(z.string(), lastMetric()))),
    metadata: metadataMap(),
    ui_cache: anyObject(),
    stats: z.nullish(z.looseObject({ labels_count: number() })),
  }),
);

/** A model as answered. */
export type ModelDocument = z.output<ReturnType<typeof modelDocument>>;
/** One fact about a model, as sent. */
export type MetadataInput = z.input<ReturnType<typeof metadataInput>>;
