/** From the fields of a request to those of a stored task, for create, edit and clone. @see clearml-protocol 3.1, 3.2, 3.6 */
import type { JsonObject, JsonValue } from "../../base/json.js";
import type { RequestOf } from "../../protocol/clearml/endpoints.js";
import type {
  Artifact,
  Configuration,
  ConfigurationItem,
  Execution,
  Hyperparameters,
  ParameterItem,
  TaskDocument,
  TaskModel,
} from "../store/documents.js";
import { validationError } from "./api-failure.js";
import type { Call } from "./call.js";
import { plainMap } from "./plain-map.js";
import { modelOf, projectOf, taskOf, validName, validTags } from "./lookup.js";

type CreateRequest = RequestOf<"tasks.create">;
/** Fields that create and edit share. */
export type TaskFields = Omit<Partial<CreateRequest>, "name" | "type"> & {
  readonly name?: string | null | undefined;
  readonly type?: string | null | undefined;
};

/** The task as it goes out: without what only this server knows. */
export function taskOnTheWire(task: TaskDocument): TaskDocument {
  const { enqueue_status: _internal, ...visible } = task;
  return visible;
}

/** A name of a section, parameter or configuration as it is kept. @throws ApiFailure 400/12 when nothing is left of it. */
export function keptName(name: string): string {
  const kept = name.trim();
  if (kept === "") throw validationError("Empty key is not allowed");
  return kept;
}

/** A copy without nulls: what null means in a document is "not given". */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], null> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], null>;
  };
}

/** A parameter as it is kept. */
export function keptParameter(
  section: string,
  name: string,
  item: {
    readonly value?: string | null | undefined;
    readonly type?: string | null | undefined;
    readonly description?: string | null | undefined;
  },
): ParameterItem {
  return {
    ...(given({ type: item.type, description: item.description }) as Partial<ParameterItem>),
    section,
    name,
    value: item.value ?? "",
  };
}

/** A configuration text as it is kept. */
export function keptConfiguration(
  name: string,
  item: {
    readonly value?: string | null | undefined;
    readonly type?: string | null | undefined;
    readonly description?: string | null | undefined;
  },
): ConfigurationItem {
  return { ...(given({ type: item.type, description: item.description }) as Partial<ConfigurationItem>), name, value: item.value ?? "" };
}

function hyperparameters(fields: NonNullable<TaskFields["hyperparams"]>): Hyperparameters {
  return Object.fromEntries(
    Object.entries(fields).map(([section, items]) => [
      keptName(section),
      Object.fromEntries(
        Object.entries(items).map(([name, item]) => [keptName(name), keptParameter(keptName(section), keptName(name), item)]),
      ),
    ]),
  );
}

function configuration(fields: NonNullable<TaskFields["configuration"]>): Configuration {
  return Object.fromEntries(Object.entries(fields).map(([name, item]) => [keptName(name), keptConfiguration(keptName(name), item)]));
}

/** Artifacts as they are kept: sorted by key, of mode output unless said. */
export function keptArtifacts(
  artifacts: readonly ({ readonly key: string; readonly type: string; readonly mode?: string | null | undefined } & object)[],
): Artifact[] {
  return artifacts
    .map((item) => ({ ...given(item), mode: item.mode ?? "output" }) as unknown as Artifact)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function taskModels(
  call: Call,
  entries: readonly { readonly name: string; readonly model: string; readonly updated?: string | null | undefined }[],
): TaskModel[] {
  return entries.map((entry) => {
    modelOf(call, entry.model);
    return { name: entry.name, model: entry.model, updated: entry.updated ?? call.now };
  });
}

/** Flat parameters and the model description of older clients, in today's places. */
function legacy(execution: JsonObject): { readonly hyperparams: Hyperparameters; readonly configuration: Configuration } {
  const sections = plainMap<Record<string, ParameterItem>>();
  for (const [key, value] of Object.entries((execution["parameters"] ?? {}) as JsonObject)) {
    const slash = key.indexOf("/");
    const section = keptName(slash > 0 ? key.slice(0, slash) : "Args");
    const name = keptName(slash > 0 ? key.slice(slash + 1) : key);
    (sections[section] ??= plainMap())[name] = {
      section,
      name,
      value: typeof value === "string" ? value : JSON.stringify(value ?? ""),
      type: "legacy",
    };
  }
  const texts = Object.entries((execution["model_desc"] ?? {}) as JsonObject).map(([name, value]): [string, ConfigurationItem] => {
    const text = typeof value === "string" ? value : JSON.stringify(value ?? "");
    return [keptName(name), { name: keptName(name), value: text, type: "legacy" }];
  });
  return { hyperparams: sections, configuration: Object.fromEntries(texts) };
}

function stripped(script: object): JsonObject {
  const result = plainMap<JsonValue>();
  for (const [key, value] of Object.entries(given(script)) as [string, JsonValue][])
    result[key] = typeof value === "string" ? value.trim() : value;
  return result;
}

/**
 * What a create or an edit writes over `base`. Documents inside (execution, script, output, models) are merged one
 * level deep, maps and the list of artifacts are replaced whole. Other tasks, models and projects that are named must exist.
 */
export function taskChanges(
  call: Call,
  fields: TaskFields,
  base: Pick<TaskDocument, "execution" | "models" | "output" | "hyperparams" | "configuration" | "script">,
): Partial<TaskDocument> {
  if (fields.parent) taskOf(call, fields.parent);
  if (fields.project) projectOf(call, fields.project);
  const { parameters, model_desc, ...execution } = given(fields.execution ?? {}) as JsonObject;
  const old = legacy({ parameters, model_desc });
  const hasParameters = Object.keys(old.hyperparams).length > 0;
  const hasTexts = Object.keys(old.configuration).length > 0;
  const params = fields.hyperparams ? hyperparameters(fields.hyperparams) : base.hyperparams;
  const texts = fields.configuration ? configuration(fields.configuration) : base.configuration;
  const artifacts = fields.execution?.artifacts;
  const changes = {
    name: fields.name ? validName(fields.name) : undefined,
    type: fields.type,
    tags: validTags(fields.tags, "tags"),
    system_tags: validTags(fields.system_tags, "system_tags"),
    comment: fields.comment,
    parent: fields.parent,
    project: fields.project,
    container: fields.container,
    runtime: fields.runtime,
    output: fields.output_dest ? { ...base.output, destination: fields.output_dest } : undefined,
    script: fields.script ? { ...EMPTY_TASK.script, ...base.script, ...stripped(fields.script) } : undefined,
    execution: fields.execution
      ? { ...base.execution, ...execution, ...(artifacts ? { artifacts: keptArtifacts(artifacts) } : {}) }
      : undefined,
    models: fields.models
      ? {
          input: fields.models.input ? taskModels(call, fields.models.input) : base.models.input,
          output: fields.models.output ? taskModels(call, fields.models.output) : base.models.output,
        }
      : undefined,
    hyperparams: fields.hyperparams || hasParameters ? mergeSections(params, old.hyperparams) : undefined,
    configuration: fields.configuration || hasTexts ? { ...texts, ...old.configuration } : undefined,
  };
  return given<object>(changes);
}

function mergeSections(base: Hyperparameters, over: Hyperparameters): Hyperparameters {
  const merged: Record<string, Readonly<Record<string, ParameterItem>>> = { ...base };
  for (const [section, items] of Object.entries(over)) merged[section] = { ...merged[section], ...items };
  return merged;
}

/** Parts of a new task that the caller did not give. */
export const EMPTY_TASK: Pick<TaskDocument, "execution" | "models" | "output" | "hyperparams" | "configuration"> & {
  readonly execution: Execution;
  readonly script: JsonObject;
} = {
  execution: {},
  // The official SDK writes into it without looking whether it is there.
  script: { binary: "python", repository: "", entry_point: "", requirements: {} },
  models: { input: [], output: [] },
  output: {},
  hyperparams: {},
  configuration: {},
};
