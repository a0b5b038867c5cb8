/**
 * Hyperparameters of a task: `Section/name` with typed values, as ClearML's own client names them (`clearml-protocol`,
 * 3.10, 3.11). Deleting goes by rewriting what is left, because the server takes some names for commands (3.6).
 */
import type { JsonValue } from "../base/json.js";
import { ValidationError } from "../base/errors.js";
import type { ParameterInput, TaskDocument } from "../protocol/clearml/task-document.js";
import { freeText, nameText } from "./clearml-text.js";
import { editTask } from "./locked-task.js";
import { flattenParameters, parameterValue, readParameter, type KeptParameter, type ParameterTree } from "./parameter-values.js";
import type { TaskApi, TaskEditOptions } from "./task-api.js";
import type { TaskCalls } from "./task-calls.js";
import { setParameters as mergeParameters, type NamedParameter } from "./task-edits.js";

/** Where a parameter goes that names no section. */
export const DEFAULT_SECTION = "General";
/** User properties: editable in every status; its name is kept in lower case. */
export const PROPERTIES_SECTION = "properties";

/** A parameter's value with what is said about it. */
export interface DescribedParameter {
  readonly value: unknown;
  /** Python's name of the type. Default: by the value. */
  readonly type?: string | undefined;
  readonly description?: string | undefined;
}

/** Sections of a task by name. */
type Sections = NonNullable<TaskDocument["hyperparams"]>;

/** Splits `Section/name/with/slashes`; without a slash the section is `General`. @throws ValidationError for an empty part. */
export function parameterAddress(key: string): { readonly section: string; readonly name: string } {
  const slash = key.indexOf("/");
  const section = (slash < 0 ? DEFAULT_SECTION : key.slice(0, slash)).trim();
  const name = key.slice(slash + 1).trim();
  if (section !== "" && name !== "") return { section, name };
  const message = `${JSON.stringify(key)} names no parameter: write "Section/name"`;
  throw new ValidationError(`${message}.`, [{ path: "name", message }]);
}

/** The parameter as the wire takes it. */
export function namedParameter(section: string, name: string, { value, type, description }: DescribedParameter): NamedParameter {
  const text = parameterValue(value);
  const kind = type ?? text.type;
  return {
    section: nameText(section),
    name: nameText(name),
    value: freeText(text.value),
    ...(kind === undefined ? {} : { type: kind }),
    ...(description === undefined ? {} : { description: freeText(description) }),
  };
}

/** Parameters of flat names, as the wire takes them. */
export function flatParameters(values: Readonly<Record<string, unknown>>): NamedParameter[] {
  return Object.entries(values).map(([key, value]) => {
    const { section, name } = parameterAddress(key);
    return namedParameter(section, name, { value });
  });
}

/** The settings of one section, as the wire takes them. */
export function sectionParameters(section: string, tree: ParameterTree): NamedParameter[] {
  return Object.entries(flattenParameters(tree)).map(([name, { value, type, description }]) => ({
    section: nameText(section),
    name: nameText(name),
    value: freeText(value),
    ...(type === undefined ? {} : { type }),
    ...(description === undefined ? {} : { description }),
  }));
}

/** Everything but user properties, by `Section/name`. */
export function readParameters(task: TaskDocument, cast: boolean): Record<string, JsonValue> {
  const values: Record<string, JsonValue> = {};
  for (const [section, items] of Object.entries(task.hyperparams ?? {})) {
    if (section === PROPERTIES_SECTION) continue;
    for (const [name, item] of Object.entries(items)) values[`${section}/${name}`] = cast ? readParameter(item) : (item.value ?? "");
  }
  return values;
}

/** One section's items by name; empty when there is none. */
export function sectionOf(task: TaskDocument, section: string): Readonly<Record<string, KeptParameter>> {
  return (Object.hasOwn(task.hyperparams ?? {}, section) ? task.hyperparams?.[section] : undefined) ?? {};
}

/** Sets parameters; others stay. */
export function updateParameters(api: TaskApi, parameters: readonly NamedParameter[], options: TaskEditOptions): Promise<void> {
  return api.edit("its parameters", options, (calls) => mergeParameters(calls, parameters));
}

/** Sets parameters in the place of all others; user properties stay. */
export async function replaceParameters(api: TaskApi, parameters: readonly NamedParameter[], options: TaskEditOptions): Promise<void> {
  await rewrite(api, options, (sections) => {
    const kept: Sections = {};
    const properties = sections[PROPERTIES_SECTION];
    if (properties) kept[PROPERTIES_SECTION] = properties;
    for (const parameter of parameters) kept[parameter.section] = { ...kept[parameter.section], [parameter.name]: parameter };
    return kept;
  });
}

/** Deletes parameters by their section and name. Resolves with how many there were. */
export async function deleteParameters(
  api: TaskApi,
  addresses: readonly { readonly section: string; readonly name: string }[],
  options: TaskEditOptions,
): Promise<number> {
  let deleted = 0;
  await rewrite(api, options, (sections) => {
    deleted = 0;
    return Object.fromEntries(
      Object.entries(sections).map(([section, items]) => {
        const left = Object.entries(items).filter(([name]) => !addresses.some((gone) => gone.section === section && gone.name === name));
        deleted += Object.keys(items).length - left.length;
        return [section, Object.fromEntries(left)];
      }),
    );
  });
  return deleted;
}

/** Reads all sections and writes what `change` makes of them: whole sections, and those that became empty are deleted. */
async function rewrite(api: TaskApi, options: TaskEditOptions, change: (sections: Sections) => Sections): Promise<void> {
  await api.edit("its parameters", options, async (calls) => {
    const before = (await api.readFields(["hyperparams"], options)).hyperparams ?? {};
    const after = change(before);
    const isFull = (section: string): boolean => Object.keys(after[section] ?? {}).length > 0;
    const changed = Object.keys(after).filter(
      (section) => isFull(section) && JSON.stringify(after[section]) !== JSON.stringify(before[section]),
    );
    const gone = Object.keys(before).filter((section) => !isFull(section));
    await editTask(calls, () => writeSections(calls, after, changed, gone), {
      fields: ["hyperparams"],
      merge: (task) => {
        const wire = Object.entries(change(task.hyperparams ?? {}))
          .filter(([, items]) => Object.keys(items).length > 0)
          .map(([section, items]): [string, Record<string, ParameterInput>] => [
            section,
            Object.fromEntries(itemsOf(section, items).map((item) => [item.name, item])),
          ]);
        return { hyperparams: Object.fromEntries(wire) };
      },
    });
  });
}

async function writeSections(calls: TaskCalls, sections: Sections, changed: readonly string[], gone: readonly string[]): Promise<void> {
  const { port, taskId: task, signal } = calls;
  const hyperparams = changed.flatMap((section) => itemsOf(section, sections[section] ?? {}));
  if (hyperparams.length > 0)
    await port.call("tasks.edit_hyper_params", { task, hyperparams, replace_hyperparams: "section", force: true }, { signal });
  if (gone.length > 0)
    await port.call("tasks.delete_hyper_params", { task, hyperparams: gone.map((section) => ({ section })), force: true }, { signal });
}

/** A section's items with only the fields that a request may hold (1.3). */
function itemsOf(section: string, items: Sections[string]): NamedParameter[] {
  return Object.entries(items).map(([name, { value, type, description }]) => ({
    section,
    name,
    value: value ?? "",
    ...(typeof type === "string" ? { type } : {}),
    ...(typeof description === "string" ? { description } : {}),
  }));
}
