/** The models that migrations have made of one source, found in ClearML by their keys: MLflow is not asked. */
import type { ClearML } from "../clearml/create-clearml.js";
import { metadataEntries } from "../clearml/model-metadata.js";
import { recordedWeights } from "../clearml/model-weights.js";
import { PACKAGE_TAG } from "../clearml/model.js";
import { DONE_KEY } from "./migrate-run.js";
import { modelKey } from "./migration-options.js";
import { LINKED_FILES_KEY } from "./model-files.js";
import { MODEL_DOCUMENT_KEY, MODEL_EXPERIMENT_KEY } from "./source-models.js";
import { TASK_TAG } from "./task-of-run.js";

/** A model of ClearML, and what it was in MLflow. */
export interface MigratedModel {
  readonly id: string;
  /** End of its key, such as `version:detector:3`. */
  readonly key: string;
  readonly uri: string;
  /** Says which state of MLflow it is; undefined while it is not whole. */
  readonly marker: string | undefined;
  /** MLflow's answers, as JSON; undefined in a model that an earlier release has made. */
  readonly document: string | undefined;
  /** Its experiment, as JSON, where no task keeps that. */
  readonly experiment: string | undefined;
  /** Addresses of its files, as JSON, where they were linked. */
  readonly links: string | undefined;
  /** True where ClearML has its files, as a package. */
  readonly hasPackage: boolean;
  /** Digest and size of the package, taken when it was made; nothing where it is that of another model. */
  readonly weights: ReturnType<typeof recordedWeights>;
}

/** Ids of all models of a source, by the ends of their keys. @throws ApiError, ConnectionError; the signal's reason. */
export async function migratedModelIds(clearml: ClearML, sourceId: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const prefix = modelKey(sourceId, "");
  const found = new Map<string, string>();
  const only_fields = ["id", "system_tags"];
  for await (const { id, system_tags } of clearml.models.getAll({ tags: [TASK_TAG], search_hidden: true, only_fields }, { signal })) {
    const key = system_tags?.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
    if (key !== undefined) found.set(key, id);
  }
  return found;
}

/** One of them, whole. @throws ApiError, ConnectionError; the signal's reason. */
export async function migratedModel(clearml: ClearML, key: string, id: string, signal: AbortSignal): Promise<MigratedModel> {
  const { model } = await clearml.models.getById({ model: id }, { signal });
  const metadata = metadataEntries(model);
  const uri = model.uri ?? "";
  return {
    id,
    key,
    uri,
    marker: metadata[DONE_KEY]?.value.trim(),
    document: metadata[MODEL_DOCUMENT_KEY]?.value,
    experiment: metadata[MODEL_EXPERIMENT_KEY]?.value,
    links: metadata[LINKED_FILES_KEY]?.value,
    hasPackage: model.system_tags?.includes(PACKAGE_TAG) ?? false,
    weights: recordedWeights({ uri, getAllMetadata: () => metadata }),
  };
}
