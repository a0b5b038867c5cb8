/**
 * Which models a task reads and which it made: entries of the task's own list, each under a name of the task's own.
 * Several names may stand for one model, and an entry outlives a model that was deleted.
 */
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { nameText } from "./clearml-text.js";
import { editTask } from "./locked-task.js";
import type { TaskCalls } from "./task-calls.js";

/** An entry of a task's list of models. */
export interface ModelLink {
  readonly type: "input" | "output";
  /** The task's own name for it. */
  readonly name: string;
  readonly modelId: string;
}

/**
 * Lists a model among the task's; an entry of the same name is replaced. Works on ended tasks too.
 *
 * @param iteration raises the task's last iteration where it is higher.
 * @throws ApiError when the task is published or gone, ConnectionError; the signal's reason.
 */
export async function linkModel(calls: TaskCalls, link: ModelLink, iteration?: number): Promise<void> {
  const { port, taskId, signal } = calls;
  const { type, modelId: model } = link;
  const name = nameText(link.name);
  const edit = (): Promise<unknown> =>
    port.call(
      "tasks.add_or_update_model",
      { task: taskId, name, model, type, ...(iteration === undefined ? {} : { iteration }) },
      { signal },
    );
  await editTask(calls, edit, {
    fields: ["models"],
    merge: (task) => mergedModels(task, type, (entries) => [...entries.filter((entry) => entry.name !== name), { name, model }]),
  });
}

/** Takes entries of a name off the task's list; the models stay. Throws as {@link linkModel}. */
export async function unlinkModel(calls: TaskCalls, { type, name }: Pick<ModelLink, "type" | "name">): Promise<void> {
  const { port, taskId, signal } = calls;
  await editTask(calls, () => port.call("tasks.delete_models", { task: taskId, models: [{ type, name: nameText(name) }] }, { signal }), {
    fields: ["models"],
    merge: (task) => mergedModels(task, type, (entries) => entries.filter((entry) => entry.name !== nameText(name))),
  });
}

/** The entries of a task's document, inputs first, in their order. */
export function modelLinks(task: Pick<TaskDocument, "models">): readonly ModelLink[] {
  return (["input", "output"] as const).flatMap((type) =>
    entriesOf(task, type).map(({ name, model }): ModelLink => ({ type, name, modelId: model })),
  );
}

interface Entry {
  readonly name: string;
  readonly model: string;
}

/** Without `updated`: the server reads a time in a request as a time and then asks for a text (4.3), and sets its own. */
function entriesOf(task: Pick<TaskDocument, "models">, type: ModelLink["type"]): Entry[] {
  return (task.models?.[type] ?? []).flatMap(({ name, model }) => (name != null && model != null ? [{ name, model }] : []));
}

function mergedModels(
  task: TaskDocument,
  type: ModelLink["type"],
  change: (entries: Entry[]) => Entry[],
): { models: Record<ModelLink["type"], Entry[]> } {
  const models = { input: entriesOf(task, "input"), output: entriesOf(task, "output") };
  return { models: { ...models, [type]: change(models[type]) } };
}
