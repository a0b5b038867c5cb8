/**
 * One model of MLflow becomes one model of ClearML, with its files as one package, linked to the task of its run. It is found
 * by its key or made; last of all a mark in its metadata says that it is whole. A model whose mark stands is left alone.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { NotFoundError } from "../base/errors.js";
import { freeText, nameText } from "../clearml/clearml-text.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { findOrCreate } from "../clearml/find-or-create.js";
import { linkModel } from "../clearml/model-links.js";
import { metadataEntry } from "../clearml/model-metadata.js";
import { OutputModel } from "../clearml/output-model.js";
import type { MlflowFile } from "../mlflow/mlflow-documents.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import { modelKey } from "./migration-options.js";
import { DONE_KEY } from "./migrate-run.js";
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
  readonly redo: boolean;
  readonly signal: AbortSignal;
  onFile(sizeBytes: number): void;
}

export interface MigratedModel {
  readonly id: string;
  readonly outcome: "migrated" | "unchanged";
  /** False: MLflow does not give its files out, and the model names where MLflow says that they are. */
  readonly hasFiles: boolean;
}

/** @throws ApiError, ConnectionError, DownloadError, UploadError; the signal's reason. */
export async function migrateModel(work: ModelWork): Promise<MigratedModel> {
  const { clearml, model, parentId, signal } = work;
  const files = parentId === undefined ? await filesOf(work) : [];
  const hasFiles = parentId !== undefined || files.length > 0;
  const digest = digestOf(work, files);
  const key = modelKey(work.sourceId, model.key);
  const id = await idOf(clearml, key, model.name, signal);
  const before = (await clearml.models.getById({ model: id }, { signal })).model;
  if (!work.redo && before.metadata?.[DONE_KEY]?.value?.trim() === digest) {
    await link(work, id);
    return { id, outcome: "unchanged", hasFiles };
  }
  const parent = parentId === undefined ? undefined : (await clearml.models.getById({ model: parentId }, { signal })).model;
  const packageTags = (parent?.system_tags ?? []).filter((tag) => !tag.startsWith("trainer-sdk:"));
  const entries = Object.entries(model.metadata).map(([name, value]) => metadataEntry(name, value, "str"));
  // Without the mark: from here on the model is not whole.
  const fields = {
    name: model.name,
    comment: freeText(model.comment),
    tags: model.tags.map(nameText),
    system_tags: [key, ...packageTags],
    metadata: Object.fromEntries(entries.map((entry) => [entry.key, entry])),
    uri: parent?.uri ?? (model.address === "" ? `mlflow:${encodeURIComponent(model.key)}` : model.address),
    ...(parentId === undefined ? {} : { parent: parentId }),
    ...(work.taskId === undefined ? {} : { task: work.taskId }),
    ...(work.projectId === undefined ? {} : { project: work.projectId }),
  };
  await clearml.models.edit({ model: id, ...fields }, { signal });
  if (files.length > 0) await copyFiles(work, id, files);
  await link(work, id);
  await clearml.models.addOrUpdateMetadata({ model: id, metadata: [metadataEntry(DONE_KEY, digest, "str")] }, { signal });
  return { id, outcome: "migrated", hasFiles };
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

async function filesOf({ mlflow, model, signal }: ModelWork): Promise<readonly MlflowFile[]> {
  const files: MlflowFile[] = [];
  try {
    for await (const file of mlflow.artifacts(model.owner, { signal })) files.push(file);
  } catch (error) {
    if (!NotFoundError.isInstance(error)) throw error;
  }
  return files;
}

async function copyFiles(work: ModelWork, id: string, files: readonly MlflowFile[]): Promise<void> {
  const { mlflow, clearml, model, signal } = work;
  const temporary = await mkdtemp(join(tmpdir(), "trainer-sdk-migrate-"));
  try {
    // Its name becomes that of the package.
    const folder = join(temporary, "model");
    for (const { path, file_size } of files) {
      const target = join(folder, ...path.split("/"));
      await mkdir(dirname(target), { recursive: true });
      const { sizeBytes } = await mlflow.download(model.owner, path, target, { signal, sizeBytes: Number(file_size ?? 0) });
      work.onFile(sizeBytes);
    }
    const output = await OutputModel.get(clearml, { id }, { signal });
    await output.updateWeights({ path: folder, targetFileName: `${basename(id)}.zip`, signal });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function link({ clearml, model, taskId, signal }: ModelWork, id: string): Promise<void> {
  if (taskId === undefined) return;
  const name = typeof model.owner === "object" && "version" in model.owner ? `${model.name} v${model.owner.version}` : model.name;
  await linkModel({ port: clearml.session, taskId, signal }, { type: "output", name, modelId: id });
}

/** Of everything that the model is made of. */
function digestOf({ model, taskId, projectId, parentId }: ModelWork, files: readonly MlflowFile[]): string {
  const parts = [model, taskId, projectId, parentId, files.map(({ path, file_size }) => [path, String(file_size ?? 0)])];
  return `1:${createHash("sha256").update(JSON.stringify(parts)).digest("hex")}`;
}
