/** The `_ex` forms of documents: ids of other documents become `{id, name}`. @see clearml-protocol 3.8 */
import type { ModelDocument, TaskDocument, TaskModel } from "../store/documents.js";
import type { Call } from "./call.js";
import { taskOnTheWire } from "./task-fields.js";

interface Reference {
  readonly id: string;
  readonly name?: string;
}

function reference(id: string | undefined, name: string | undefined): Reference | undefined {
  if (id === undefined) return undefined;
  return name === undefined ? { id } : { id, name };
}

function owner(call: Call, document: { readonly user: string; readonly company: string }): object {
  return {
    user: { id: document.user, name: call.identity.user_name },
    company: { id: document.company, name: call.identity.company_name },
  };
}

function modelReference(call: Call, entry: TaskModel): object {
  const model = call.store.models.get(entry.model);
  return {
    ...entry,
    model: model
      ? { id: model.id, name: model.name, uri: model.uri, framework: model.framework, ready: model.ready, tags: model.tags }
      : { id: entry.model },
  };
}

function projectReference(call: Call, id: string | undefined): Reference | undefined {
  return reference(id, id === undefined ? undefined : call.store.projects.get(id)?.name);
}

function taskReference(call: Call, id: string | undefined): Reference | undefined {
  return reference(id, id === undefined ? undefined : call.store.tasks.get(id)?.name);
}

/** A task with its references resolved. */
export function resolvedTask(call: Call, task: TaskDocument): { readonly id: string } {
  const { queue } = task.execution;
  const resolved = {
    ...taskOnTheWire(task),
    ...owner(call, task),
    ...(task.project === undefined ? {} : { project: projectReference(call, task.project) }),
    ...(task.parent === undefined ? {} : { parent: taskReference(call, task.parent) }),
    models: {
      input: task.models.input.map((entry) => modelReference(call, entry)),
      output: task.models.output.map((entry) => modelReference(call, entry)),
    },
    ...(queue === undefined ? {} : { execution: { ...task.execution, queue: reference(queue, call.store.queues.get(queue)?.name) } }),
  };
  return resolved;
}

/** A model with its references resolved. */
export function resolvedModel(call: Call, model: ModelDocument): { readonly id: string } {
  const resolved = {
    ...model,
    ...owner(call, model),
    ...(model.project === undefined ? {} : { project: projectReference(call, model.project) }),
    ...(model.task === undefined ? {} : { task: taskReference(call, model.task) }),
    ...(model.parent === undefined ? {} : { parent: reference(model.parent, call.store.models.get(model.parent)?.name) }),
  };
  return resolved;
}
