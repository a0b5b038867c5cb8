/**
 * One model of MLflow becomes one model of ClearML, with its files as one package, linked to the task of its run. It is found
 * by its key or made; last of all a mark in its metadata says that it is whole. A model whose mark stands is left alone.
 */
import { createHash } from "node:crypto";
import { freeText, nameText } from "../clearml/clearml-text.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { findOrCreate } from "../base/find-or-create.js";
import { linkModel } from "../clearml/model-links.js";
import { metadataEntry } from "../clearml/model-metadata.js";
import type { MlflowFile } from "../mlflow/mlflow-documents.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import { modelKey } from "./migration-options.js";
import { DONE_KEY } from "./migrate-run.js";
import { copyModelFiles, LINKED_FILES_KEY, linkedModelFiles, modelFiles, modelMaking, type ModelMaking } from "./model-files.js";
import type { SourceModel } from "./source-models.js";

/** What a model is migrated with. */
export interface ModelWork {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly sourceId: string;
  readonly model: SourceModel;
  readonly taskId: string | undefined;
  readonly projectId: string | undefined;
  /** Id of the ClearML model that it is made from; its files are that one's. */
  readonly parentId: string | undefined;
  /** What its task calls it. */
  readonly linkName: string;
  /** Where the files go; see `MigrationOptions`. */
  readonly artifacts: "copy" | "link";
  readonly redo: boolean;
  readonly signal: AbortSignal;
  onFile(sizeBytes: number): void;
}

export interface MigratedModel {
  readonly id: string;
  readonly outcome: "migrated" | "unchanged";
  /** False: MLflow gives no file of it out, and the model names where MLflow says that they are. */
  readonly hasFiles: boolean;
}

/** @throws ApiError, ConnectionError, DownloadError, UploadError; the signal's reason. */
export async function migrateModel(work: ModelWork): Promise<MigratedModel> {
  const { clearml, model, parentId, signal } = work;
  const files = parentId === undefined ? await modelFiles(work) : [];
  const hasFiles = parentId !== undefined || model.owner === undefined || files.length > 0;
  const digest = digestOf(work, files);
  const isLinked = work.artifacts === "link" && files.length > 0;
  const marker = isLinked ? `${digest}:link` : digest;
  const key = modelKey(work.sourceId, model.key);
  const id = await idOf(clearml, key, model.name, signal);
  const before = (await clearml.models.getById({ model: id }, { signal })).model;
  const done = before.metadata?.[DONE_KEY]?.value?.trim();
  if (!work.redo && (done === marker || done === digest)) {
    await link(work, id);
    return { id, outcome: "unchanged", hasFiles };
  }
  const parent = parentId === undefined ? undefined : (await clearml.models.getById({ model: parentId }, { signal })).model;
  const packageTags = (parent?.system_tags ?? []).filter((tag) => !tag.startsWith("trainer-sdk:"));
  const links = isLinked ? linkedModelFiles(work, files) : undefined;
  const facts = { ...model.metadata, ...(links === undefined ? {} : { [LINKED_FILES_KEY]: links.list }) };
  const entries = Object.entries(facts).map(([name, value]) => metadataEntry(name, value, "str"));
  // Without the mark: from here on the model is not whole.
  const fields = {
    name: model.name,
    comment: freeText(model.comment),
    tags: model.tags.map(nameText),
    system_tags: [key, ...packageTags],
    metadata: Object.fromEntries(entries.map((entry) => [entry.key, entry])),
    uri: parent?.uri ?? links?.uri ?? (model.address === "" ? `mlflow:${encodeURIComponent(model.key)}` : model.address),
    ...(parent === undefined ? await modelMaking(work, files, !isLinked) : makingOf(parent)),
    ...(parentId === undefined ? {} : { parent: parentId }),
    ...(work.taskId === undefined ? {} : { task: work.taskId }),
    ...(work.projectId === undefined ? {} : { project: work.projectId }),
  };
  await clearml.models.edit({ model: id, ...fields }, { signal });
  if (files.length > 0 && !isLinked) await copyModelFiles(work, clearml, id, files);
  await link(work, id);
  await clearml.models.addOrUpdateMetadata({ model: id, metadata: [metadataEntry(DONE_KEY, marker, "str")] }, { signal });
  return { id, outcome: "migrated", hasFiles };
}

function makingOf({ framework, design }: ModelDocument): ModelMaking {
  const text = (design as { readonly design?: unknown } | null | undefined)?.design;
  return {
    ...(typeof framework === "string" && framework !== "" ? { framework } : {}),
    ...(typeof text === "string" ? { design: { design: text } } : {}),
  };
}

/** The model with this key, made where there is none. */
async function idOf(clearml: ClearML, key: string, name: string, signal: AbortSignal): Promise<string> {
  const { found } = await findOrCreate({
    search: async () => {
      const request = { system_tags: [key], only_fields: ["id", "created"], order_by: ["created"], search_hidden: true };
      return (await clearml.models.getPage(request, { signal })).models;
    },
    create: async () =>
      (await clearml.models.create({ name, uri: "file:///uploading_file", system_tags: [key] }, { signal, repeatable: true })).id,
    remove: async (model) => {
      await clearml.models.delete({ model, force: true, delete_external_artifacts: false }, { signal });
    },
    onNotRemoved: (model) => {
      clearml.logger.warn(`ClearML model ${model} is a draft that another migration made superfluous; it stays.`);
    },
  });
  return found.id;
}

async function link({ clearml, linkName, taskId, signal }: ModelWork, id: string): Promise<void> {
  if (taskId === undefined) return;
  await linkModel({ port: clearml.session, taskId, signal }, { type: "output", name: linkName, modelId: id });
}

/** Of everything that the model is made of. */
function digestOf({ model, taskId, projectId, parentId }: ModelWork, files: readonly MlflowFile[]): string {
  const parts = [model, taskId, projectId, parentId, files.map(({ path, file_size }) => [path, String(file_size ?? 0)])];
  return `2:${createHash("sha256").update(JSON.stringify(parts)).digest("hex")}`;
}
