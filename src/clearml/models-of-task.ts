/** The models that a task reads and those that it made, each under the task's own name for it. */
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import type { ClearML } from "./create-clearml.js";
import { InputModel } from "./input-model.js";
import { modelLinks, unlinkModel, type ModelLink } from "./model-links.js";
import { OutputModel } from "./output-model.js";
import type { CallOptions } from "./session.js";
import { taskIdOf, type TaskArgument } from "./task-argument.js";

/** A task's models by the task's names for them, in the order of the task's list; the newest output model is the last. */
export interface TaskModels {
  readonly input: ReadonlyMap<string, InputModel>;
  readonly output: ReadonlyMap<string, OutputModel>;
  /** Entries whose models were deleted. */
  readonly missing: readonly ModelLink[];
}

/**
 * Reads a task's models.
 *
 * @throws ApiError when the task is gone; ConnectionError; the signal's reason.
 */
export async function taskModels(clearml: ClearML, task: TaskArgument, options: CallOptions = {}): Promise<TaskModels> {
  const { task: document } = await clearml.tasks.getById({ task: taskIdOf(task) }, options);
  return modelsOfDocument(clearml, document, options);
}

/** As {@link taskModels}, of a task that was read already. */
export async function modelsOfDocument(
  clearml: ClearML,
  document: Pick<TaskDocument, "models">,
  options: CallOptions = {},
): Promise<TaskModels> {
  const links = modelLinks(document);
  const ids = [...new Set(links.map(({ modelId }) => modelId))];
  const found = new Map<string, ConstructorParameters<typeof InputModel>[1]>();
  if (ids.length > 0)
    for await (const model of clearml.models.getAll({ id: ids, search_hidden: true }, options)) found.set(model.id, model);
  const input = new Map<string, InputModel>();
  const output = new Map<string, OutputModel>();
  const missing: ModelLink[] = [];
  for (const link of links) {
    const model = found.get(link.modelId);
    if (!model) missing.push(link);
    else if (link.type === "input") input.set(link.name, new InputModel(clearml, model));
    else output.set(link.name, new OutputModel(clearml, model));
  }
  return { input, output, missing };
}

/** Takes a model off a task's list; the model itself stays. Throws as {@link taskModels}. */
export async function removeTaskModel(
  clearml: ClearML,
  task: TaskArgument,
  link: Pick<ModelLink, "type" | "name">,
  options: CallOptions = {},
): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  await unlinkModel({ port: clearml.session, taskId: taskIdOf(task), signal }, link);
}
