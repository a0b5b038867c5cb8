/** Models that runs have read (MLflow 3): listed among the input models of their tasks, once all models are there. */
import type { ClearML } from "../clearml/create-clearml.js";
import { linkModel, modelLinks } from "../clearml/model-links.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import { modelKey } from "./migration-options.js";

/** Ids of the logged models that a run names as its inputs. */
export function inputModelsOf(run: MlflowRun): readonly string[] {
  const { model_inputs: inputs } = (run["inputs"] ?? {}) as { readonly model_inputs?: readonly { readonly model_id?: unknown }[] };
  return (inputs ?? []).flatMap(({ model_id: id }) => (typeof id === "string" && id !== "" ? [id] : []));
}

/** What a task has read. */
export interface TaskInputs {
  readonly taskId: string;
  readonly modelIds: readonly string[];
}

/**
 * Lists the models among the task's inputs; those that are listed stay as they are. A model that is not in ClearML, because its
 * experiment is not moved or MLflow deleted it, stays in the copy of the run alone.
 *
 * @throws ApiError, ConnectionError; the signal's reason.
 */
export async function linkInputModels(
  { clearml, sourceId, signal }: { readonly clearml: ClearML; readonly sourceId: string; readonly signal: AbortSignal },
  { taskId, modelIds }: TaskInputs,
): Promise<void> {
  const { task } = await clearml.tasks.getById({ task: taskId }, { signal });
  const listed = modelLinks(task).filter(({ type }) => type === "input");
  const names = new Set(listed.map(({ name }) => name));
  for (const modelId of modelIds) {
    const filter = { system_tags: [modelKey(sourceId, `logged:${modelId}`)], search_hidden: true, only_fields: ["id", "name"] };
    const [model] = (await clearml.models.getPage(filter, { signal })).models;
    if (!model || listed.some((link) => link.modelId === model.id)) continue;
    const own = model.name ?? modelId;
    // A name that is taken would lose its entry.
    const name = names.has(own) ? `${own} (${modelId})` : own;
    names.add(name);
    await linkModel({ port: clearml.session, taskId, signal }, { type: "input", name, modelId: model.id });
  }
}
