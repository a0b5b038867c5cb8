/**
 * Connecting settings and configuration texts to a task: written from a local run, read back in a remote one, where
 * whoever started it may have changed them (`clearml-protocol`, 3.11, 13). What is read never has another shape than
 * what the caller handed in.
 */
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { ValidationError, describeError } from "../base/errors.js";
import { parseHocon } from "../base/hocon/parse-hocon.js";
import { resolveHocon } from "../base/hocon/resolve-hocon.js";
import type { JsonValue } from "../base/json.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { intoShape, type ParameterTree } from "./parameter-values.js";
import type { TaskApi, TaskEditOptions } from "./task-api.js";
import { configurationItem, setConfiguration } from "./task-edits.js";
import { DEFAULT_SECTION, sectionOf, sectionParameters, updateParameters } from "./task-parameters.js";

export interface ConnectOptions extends TaskEditOptions {
  /** Section of hyperparameters, or name of the configuration. Default `General`. */
  readonly name?: string | undefined;
  /** In a remote run too, keep the caller's values and write them. Default false. */
  readonly ignoreRemoteOverrides?: boolean | undefined;
}

export interface ConnectConfigurationOptions extends ConnectOptions {
  readonly description?: string | undefined;
}

/** A configuration: an object or list, a text of any form, or a file of this machine. */
export type ConfigurationSource =
  { readonly json: JsonValue } | { readonly text: string; readonly type?: string | undefined } | { readonly path: string };

/** Writes the settings into a section, or reads them from it when the task runs remotely. */
export async function connectParameters<Settings extends object>(
  api: TaskApi,
  settings: Settings,
  isRemote: boolean,
  options: ConnectOptions,
): Promise<Settings> {
  const { name = DEFAULT_SECTION, ignoreRemoteOverrides = false, ...edit } = options;
  const tree = settings as ParameterTree;
  const written = sectionParameters(name, tree);
  if (!isRemote || ignoreRemoteOverrides) {
    await updateParameters(api, written, edit);
    return settings;
  }
  const kept = sectionOf(await api.readFields(["hyperparams"], edit), name.trim());
  // A setting that is new in the code since the task was made is added to it, as ClearML's own client does.
  const added = written.filter((parameter) => !Object.hasOwn(kept, parameter.name.trim()));
  await updateParameters(api, added, edit);
  return intoShape(tree, kept) as Settings;
}

/** Writes a configuration under a name, or reads it when the task runs remotely. Answers with the text to use. */
export async function connectConfigurationText(
  api: TaskApi,
  source: ConfigurationSource,
  isRemote: boolean,
  options: ConnectConfigurationOptions,
): Promise<string> {
  const { name = DEFAULT_SECTION, description, ignoreRemoteOverrides = false, ...edit } = options;
  if (isRemote && !ignoreRemoteOverrides) {
    const kept = configurationText(await api.readFields(["configuration"], edit), name);
    if (kept !== undefined) return kept;
  }
  const { text, type } = await textOf(source);
  const item = configurationItem({ name, text, type, ...(description === undefined ? {} : { description }) });
  await api.edit("its configuration", edit, (calls) => setConfiguration(calls, item));
  return text;
}

/** Text of a configuration; undefined when there is none of that name. */
export function configurationText(task: TaskDocument, name: string): string | undefined {
  const { configuration } = task;
  const key = name.trim();
  return configuration && Object.hasOwn(configuration, key) ? (configuration[key]?.value ?? undefined) : undefined;
}

/** A configuration's text as what it says. @throws ValidationError when it is neither JSON nor HOCON. */
export function configurationObject(name: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // HOCON, then.
  }
  try {
    return resolveHocon(parseHocon(text, { file: name, include: () => undefined }), {});
  } catch (error) {
    const message = `the configuration ${JSON.stringify(name)} is neither JSON nor HOCON: ${describeError(error)}`;
    throw new ValidationError(`${message}.`, [{ path: "name", message }], error);
  }
}

async function textOf(source: ConfigurationSource): Promise<{ readonly text: string; readonly type: string }> {
  // JSON is HOCON, which is what Python's `dictionary` is read as.
  if ("json" in source) return { text: JSON.stringify(source.json, undefined, 2), type: "dictionary" };
  if ("text" in source) return { text: source.text, type: source.type ?? "text" };
  try {
    return { text: await readFile(source.path, "utf8"), type: extname(source.path).slice(1) || "file" };
  } catch (error) {
    const message = `the configuration file ${basename(source.path)} cannot be read: ${describeError(error)}`;
    throw new ValidationError(`${message}.`, [{ path: "path", message }], error);
  }
}
