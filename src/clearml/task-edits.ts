/** Artifacts, tags, hyperparameters, configuration and runtime of a task: each safe to repeat, each merged by its name. */
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import type { ArtifactInput, ConfigurationInput, ParameterInput, TaskDocument } from "../protocol/clearml/task-document.js";
import type { ConfigurationFact, HyperparametersFact, TagsFact } from "../records/facts.js";
import type { TaskCalls } from "./task-calls.js";
import { freeText, nameText } from "./clearml-text.js";
import { isAnswer } from "./is-answer.js";
import { editTask } from "./locked-task.js";

/** A hyperparameter with all that its endpoint asks for. */
export type NamedParameter = ParameterInput & { readonly section: string; readonly name: string; readonly value: string };

/** Adds artifacts; one of the same key takes the old one's place. */
export async function putArtifact(calls: TaskCalls, artifact: ArtifactInput): Promise<void> {
  const { port, taskId, signal } = calls;
  const same = (other: { key?: string | null | undefined; mode?: string | null | undefined }): boolean =>
    other.key === artifact.key && (other.mode ?? "output") === (artifact.mode ?? "output");
  await editTask(calls, () => port.call("tasks.add_or_update_artifacts", { task: taskId, artifacts: [artifact] }, { signal }), {
    fields: ["execution.artifacts"],
    merge: (task) => ({ execution: { artifacts: [...artifactsOf(task).filter((other) => !same(other)), artifact] } }),
  });
}

/** Adds and removes tags, in any status. */
export async function editTags({ port, taskId, signal }: TaskCalls, fact: TagsFact): Promise<void> {
  if (fact.add.length === 0 && fact.remove.length === 0) return;
  await port.call(
    "tasks.update_tags",
    { ids: [taskId], add_tags: fact.add.map(nameText), remove_tags: fact.remove.map(nameText) },
    { signal },
  );
}

/**
 * The parameters of a fact. A value that the server would read as a date (`2024-01-31`) gets a trailing space: without
 * it the whole edit is refused (4.3).
 */
export function namedParameters(fact: HyperparametersFact): NamedParameter[] {
  return Object.entries(fact.values).map(([name, { value, type, description }]) => ({
    section: nameText(fact.section),
    name: nameText(name),
    value: freeText(value),
    ...(type === undefined ? {} : { type }),
    ...(description === undefined ? {} : { description: freeText(description) }),
  }));
}

/** Sets hyperparameters; others stay. */
export async function setParameters(calls: TaskCalls, parameters: readonly NamedParameter[]): Promise<void> {
  if (parameters.length === 0) return;
  const { port, taskId, signal } = calls;
  await editTask(
    calls,
    () =>
      port.call(
        "tasks.edit_hyper_params",
        { task: taskId, hyperparams: [...parameters], replace_hyperparams: "none", force: true },
        { signal },
      ),
    {
      fields: ["hyperparams"],
      merge: (task) => {
        const sections: Record<string, Record<string, ParameterInput>> = {};
        for (const [section, items] of Object.entries(task.hyperparams ?? {})) {
          sections[section] = Object.fromEntries(Object.entries(items).map(([name, item]) => [name, parameterOf(item)]));
        }
        for (const parameter of parameters) (sections[parameter.section] ??= {})[parameter.name] = parameter;
        return { hyperparams: sections };
      },
    },
  );
}

/** A configuration text as the wire takes it. */
export function configurationItem(
  fact: Omit<ConfigurationFact, "kind">,
): ConfigurationInput & { readonly name: string; readonly value: string } {
  return {
    name: nameText(fact.name),
    value: freeText(fact.text),
    ...(fact.type === undefined ? {} : { type: fact.type }),
    ...(fact.description === undefined ? {} : { description: freeText(fact.description) }),
  };
}

/** Sets one configuration text; others stay. */
export async function setConfiguration(calls: TaskCalls, item: ReturnType<typeof configurationItem>): Promise<void> {
  const { port, taskId, signal } = calls;
  await editTask(calls, () => port.call("tasks.edit_configuration", { task: taskId, configuration: [item], force: true }, { signal }), {
    fields: ["configuration"],
    merge: (task) => {
      const items = Object.entries(task.configuration ?? {}).map(([name, other]): [string, ConfigurationInput] => [
        name,
        configurationOf(other),
      ]);
      return { configuration: { ...Object.fromEntries(items), [item.name]: item } };
    },
  });
}

/**
 * Sets runtime keys; others stay. Keys must be without dots, `$`, double underscores and an underscore in front: the
 * endpoint escapes them, and nothing takes that back (3.10). A server older than it (2.34) gets the whole map, as
 * ClearML's own client sends it.
 */
export async function setRuntime(calls: TaskCalls, values: Readonly<Record<string, string>>): Promise<void> {
  const { port, taskId, signal } = calls;
  const merge = (task: TaskDocument): Pick<RequestOf<"tasks.edit">, "runtime"> => ({ runtime: { ...task.runtime, ...values } });
  const edit = (): Promise<unknown> => port.call("tasks.edit_runtime", { task: taskId, add_or_update: { ...values } }, { signal });
  try {
    await editTask(calls, edit, { fields: ["runtime"], merge });
  } catch (error) {
    if (!isAnswer(error, CLEARML_ERRORS.ENDPOINT_NOT_FOUND)) throw error;
    const { task } = await port.call("tasks.get_by_id", { task: taskId }, { signal });
    await port.call("tasks.edit", { task: taskId, force: true, ...merge(task) }, { signal });
  }
}

// Documents of an answer may hold fields that a request refuses (1.3): only the known ones go back.

/** The artifacts of a task as they may be sent back. */
export function artifactsOf(task: TaskDocument): ArtifactInput[] {
  return (task.execution?.artifacts ?? []).map(({ key, type, mode, uri, hash, content_size, timestamp, type_data, display_data }) => ({
    key,
    type: type ?? "custom",
    mode: mode === "input" ? "input" : "output",
    uri,
    hash,
    content_size,
    timestamp,
    type_data: type_data && { preview: type_data.preview, content_type: type_data.content_type, data_hash: type_data.data_hash },
    display_data: display_data?.map((row) => row.map(String)),
  }));
}

/** A parameter as it may be sent back. */
export function parameterOf({ section, name, value, type, description }: ParameterInput): ParameterInput {
  return { section, name, value, type, description };
}

/** A configuration text as it may be sent back. */
export function configurationOf({ name, value, type, description }: ConfigurationInput): ConfigurationInput {
  return { name, value, type, description };
}
