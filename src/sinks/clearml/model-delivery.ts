/**
 * Registers output models, each once: by a system tag of ours that a model is found by before it is made. A model is
 * created with its final fields and never published by accident: the server's own default is to publish.
 */
import { describeError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import type { RequestOf } from "../../protocol/clearml/endpoints.js";
import { CLEARML_ERRORS } from "../../protocol/clearml/error-kinds.js";
import { NAME_MIN_LENGTH } from "../../protocol/clearml/limits.js";
import type { CheckpointFact, ModelFact } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { checkpointFacts, checkpointKey } from "./artifact-items.js";
import type { TaskCalls } from "./clearml-port.js";
import { freeText, nameText } from "../../clearml/clearml-text.js";
import { findOrCreate, oldest } from "../../base/find-or-create.js";
import { isAnswer } from "../../clearml/is-answer.js";
import { linkModel } from "../../clearml/model-links.js";
import { setParameters } from "../../clearml/task-edits.js";

/** Hyperparameter section in which ClearML's own client lists data sets (3.11). */
const DATASETS_SECTION = "Datasets";
const MODEL_FIELDS = ["id", "created", "ready", "uri"];

type ModelFields = Omit<RequestOf<"models.create">, "ready" | "system_tags" | "project" | "task">;

interface FoundModel {
  readonly id: string;
  readonly created?: string | null | undefined;
  readonly ready?: boolean | null | undefined;
  readonly uri?: string | null | undefined;
}

/** System tag of the models that stand for a task's best checkpoint of a type. */
export function bestModelTag(taskId: string, type: string): string {
  return `trainer-sdk:model:${taskId}:${encodeURIComponent(checkpointKey(type))}`;
}

/** System tag of the model that a record registered. */
export function registeredModelTag(recordId: string): string {
  return `trainer-sdk:model:${recordId}`;
}

/** The model of a `registerModel` record: created, tied to the task, published where that was asked for. */
export async function deliverModel(calls: TaskCalls, record: TrainerRecord, fact: ModelFact, logger: Logger): Promise<void> {
  const datasets = fact.datasets ?? [];
  const facts: Record<string, string> = { ...fact.metadata };
  for (const [name, value] of Object.entries(fact.metrics ?? {})) facts[`metrics/${name}`] = String(value);
  if (fact.epoch !== undefined) facts["epoch"] ??= String(fact.epoch);
  if (fact.iteration !== undefined) facts["iteration"] ??= String(fact.iteration);
  if (fact.file !== undefined) Object.assign(facts, { sha256: fact.file.sha256, size_bytes: String(fact.file.sizeBytes) });
  if (datasets.length > 0) facts["datasets"] = datasets.join(", ");

  const tag = registeredModelTag(record.id);
  const { found } = await findOrCreateModel(calls, tag, logger, () => search(calls, tag), {
    name: modelName(fact.name),
    uri: fact.uri,
    tags: fact.tags.map(nameText),
    labels: { ...fact.labels },
    comment: freeText(fact.comment ?? `Registered by trainer-sdk, task ${calls.taskId}`),
    metadata: metadataMap(facts),
    ...(fact.framework === undefined ? {} : { framework: fact.framework }),
    ...(fact.parentModelId === undefined ? {} : { parent: fact.parentModelId }),
  });
  await linkModel(calls, { type: "output", name: modelName(fact.name), modelId: found.id }, fact.iteration ?? fact.epoch);
  await setParameters(
    calls,
    datasets
      .filter((dataset) => dataset.trim() !== "")
      .map((dataset) => ({ section: DATASETS_SECTION, name: nameText(dataset), value: freeText(dataset) })),
  );
  if (!fact.publish) return;
  try {
    // The task runs on; publishing it with the model would lock it.
    await calls.port.call("models.set_ready", { model: found.id, publish_task: false }, { signal: calls.signal });
  } catch (error) {
    if (!isAnswer(error, CLEARML_ERRORS.MODEL_ALREADY_READY)) throw error;
  }
}

/**
 * The output model of a best checkpoint. A newer best of the same type changes the same model, unless somebody published
 * it: what was published stays as it is, and another model takes up from there.
 */
export async function deliverBestModel(calls: TaskCalls, fact: CheckpointFact, taskName: string, logger: Logger): Promise<void> {
  const tag = bestModelTag(calls.taskId, fact.type);
  let published = 0;
  const open = async (): Promise<readonly FoundModel[]> => {
    const models = await search(calls, tag);
    published = models.filter(({ ready }) => ready === true).length;
    // Published with this very file already: nothing is left to do, and no second model is made of it.
    const done = models.filter(({ ready, uri }) => ready === true && uri === fact.file.uri);
    return done.length > 0 ? done : models.filter(({ ready }) => ready !== true);
  };
  const before = oldest(await open());
  const name = `${checkpointKey(fact.type)}${published > 0 ? ` (${String(published + 1)})` : ""}`;
  const iteration = fact.iteration ?? fact.epoch;
  const fields: ModelFields = {
    name: modelName(`${taskName} - ${name}`),
    uri: fact.file.uri,
    labels: {},
    comment: `Best checkpoint of task ${calls.taskId}, kept up to date by trainer-sdk`,
    metadata: metadataMap(checkpointFacts(fact)),
    ...(fact.framework === undefined ? {} : { framework: fact.framework }),
  };
  const { found, created } = before ? { found: before, created: false } : await findOrCreateModel(calls, tag, logger, open, fields);
  if (found.ready === true) return;
  if (!created) {
    const { uri, metadata, framework } = fields;
    await calls.port.call(
      "models.edit",
      { model: found.id, uri, metadata, framework, ...(iteration === undefined ? {} : { iteration }) },
      { signal: calls.signal },
    );
  }
  await linkModel(calls, { type: "output", name, modelId: found.id }, iteration);
}

async function findOrCreateModel(
  calls: TaskCalls,
  tag: string,
  logger: Logger,
  candidates: () => Promise<readonly FoundModel[]>,
  fields: ModelFields,
): Promise<{ found: FoundModel; created: boolean }> {
  const { port, taskId, projectId, signal } = calls;
  return findOrCreate<FoundModel>({
    search: candidates,
    create: async () => {
      const { id } = await port.call(
        "models.create",
        { ...fields, task: taskId, system_tags: [tag], ready: false, ...(projectId === undefined ? {} : { project: projectId }) },
        { signal },
      );
      return id;
    },
    remove: async (model) => {
      await port.call("models.delete", { model, force: true, delete_external_artifacts: false }, { signal });
    },
    onNotRemoved: (model, error) =>
      logger.warn(
        `ClearML model ${model} is an extra that another process made superfluous; it could not be deleted: ${describeError(error)}`,
      ),
  });
}

async function search({ port, signal }: TaskCalls, tag: string): Promise<readonly FoundModel[]> {
  const { models } = await port.call(
    "models.get_all",
    { system_tags: [tag], search_hidden: true, only_fields: MODEL_FIELDS, order_by: ["created"] },
    { signal },
  );
  return models;
}

/** The map form, which `models.create` and `models.edit` take (trap 32). */
function metadataMap(facts: Readonly<Record<string, string>>): Record<string, { key: string; type: string; value: string }> {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => {
      const key = nameText(name).trim();
      return key === "" ? [] : [[key, { key, type: "str", value: freeText(value) }]];
    }),
  );
}

/** The server refuses names of fewer than 3 characters (5.1). */
function modelName(name: string): string {
  const stripped = nameText(name.trim());
  return stripped.length >= NAME_MIN_LENGTH ? stripped : `Model ${stripped}`.trim();
}
