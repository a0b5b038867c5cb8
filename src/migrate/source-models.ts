/**
 * What MLflow calls a model, as the models of ClearML that it becomes: one for each logged model (MLflow 3), one for each
 * version of a registered model, and one for a registered model that has no version. ClearML has no versions, stages or aliases:
 * they are tags, and the whole of MLflow's answers is kept in the metadata. Reads MLflow alone.
 */
import { WEIGHTS_RECORD_KEYS } from "../clearml/model-weights.js";
import { lossless } from "../mlflow/mlflow-json.js";
import type { MlflowExperiment, MlflowLoggedModel, MlflowModelVersion, MlflowRegisteredModel } from "../mlflow/mlflow-documents.js";
import type { MlflowFilesOwner, MlflowSource } from "../mlflow/mlflow-source.js";
import { DEFAULT_WORKSPACE, otherWorkspace } from "../mlflow/workspaces.js";
import type { Inventory } from "./inventory.js";
import { mappedNames, taskNameOf } from "./mapped-names.js";
import { shownTag, withoutPasswords } from "./shown-text.js";
import { TASK_TAG } from "./task-of-run.js";

/** A model to be. */
export interface SourceModel {
  /** What it is called in reports. */
  readonly label: string;
  /** End of its key: told apart from all other models of the source. */
  readonly key: string;
  /** Undefined: there can be no files. */
  readonly owner: MlflowFilesOwner | undefined;
  readonly name: string;
  readonly comment: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where MLflow says that the files are. */
  readonly address: string;
  /** Run that made it, when MLflow names one. */
  readonly runId: string | undefined;
  readonly experimentId: string | undefined;
  /** Key of the logged model that it is a version of: the files are that one's. */
  readonly madeFrom: string | undefined;
  /** Values that MLflow ties to the model itself. */
  readonly metrics: number;
}

/** Metadata key of MLflow's own answers, as JSON. */
export const MODEL_DOCUMENT_KEY = "mlflow_document";
/** Metadata key of the experiment of a logged model, as JSON, where no run of it is moved and no task keeps it. */
export const MODEL_EXPERIMENT_KEY = "mlflow_experiment";
/** Metadata keys that the migration and an upload write besides: a tag of MLflow must not take their place. */
const RESERVED_KEYS = ["trainer_sdk_mlflow", "mlflow_files", ...WEIGHTS_RECORD_KEYS];
/** Tag of a registered model that has no version. */
export const REGISTERED_TAG = "registered-model";

/** Logged models first, for versions are made from them. Versions of runs that are not asked for are left out. */
export async function* sourceModels(
  mlflow: MlflowSource,
  { experiments, isPart, runs, workspaces }: Pick<Inventory, "experiments" | "isPart" | "runs" | "workspaces">,
  signal: AbortSignal,
): AsyncGenerator<SourceModel, void, undefined> {
  const logged = new Set<string>();
  const inhabited = new Set([...runs.values()].map(({ experiment }) => experiment.experiment_id));
  for (const experiment of experiments) {
    for await (const model of mlflow.loggedModels(experiment.experiment_id, { signal })) {
      logged.add(model.info.model_id);
      yield fromLogged(model, experiment, !inhabited.has(experiment.experiment_id));
    }
  }
  for await (const { name, workspace } of mlflow.registeredModels({ signal })) {
    if (!workspaces.includes(otherWorkspace({ workspace }) ?? DEFAULT_WORKSPACE)) continue;
    const registered = await mlflow.registeredModel(name, { signal, workspace });
    let versions = 0;
    for await (const version of mlflow.modelVersions(name, { signal, workspace })) {
      versions++;
      const run = version.run_id === undefined ? undefined : runs.get(version.run_id);
      const modelId = loggedModelOf(version);
      if (isPart && run === undefined && (modelId === undefined || !logged.has(modelId))) continue;
      yield fromVersion(registered, version, modelId !== undefined && logged.has(modelId) ? modelId : undefined);
    }
    if (versions === 0 && !isPart) yield fromRegistered(registered);
  }
}

function fromRegistered({ latest_versions: _, ...registered }: MlflowRegisteredModel): SourceModel {
  const { name } = registered;
  const facts = {
    mlflow_registered_model: name,
    mlflow_workspace: otherWorkspace(registered),
    mlflow_creation_timestamp_ms: registered.creation_timestamp,
    mlflow_last_updated_timestamp_ms: registered.last_updated_timestamp,
    [MODEL_DOCUMENT_KEY]: JSON.stringify({ registered_model: registered }, lossless),
  };
  return {
    label: `registered model ${nameInWorkspace(registered)} without a version`,
    key: `registered:${keyInWorkspace(registered)}`,
    owner: undefined,
    name: taskNameOf(name, name),
    comment: withoutPasswords(registered.description ?? ""),
    tags: [TASK_TAG, REGISTERED_TAG],
    metadata: metadataOf(facts, registered.tags),
    address: "",
    runId: undefined,
    experimentId: undefined,
    madeFrom: undefined,
    metrics: 0,
  };
}

function fromLogged(model: MlflowLoggedModel, experiment: MlflowExperiment, keepsExperiment: boolean): SourceModel {
  const { info } = model;
  const facts = {
    mlflow_model_id: info.model_id,
    mlflow_model_type: info.model_type,
    mlflow_status: info.status,
    mlflow_run_id: info.source_run_id,
    mlflow_experiment_name: experiment.name,
    mlflow_workspace: otherWorkspace(experiment),
    mlflow_artifact_uri: info.artifact_uri,
    mlflow_creation_timestamp_ms: info.creation_timestamp_ms,
    mlflow_last_updated_timestamp_ms: info.last_updated_timestamp_ms,
    [MODEL_DOCUMENT_KEY]: JSON.stringify(model, lossless),
    [MODEL_EXPERIMENT_KEY]: keepsExperiment ? JSON.stringify(experiment, lossless) : undefined,
  };
  return {
    label: `logged model ${info.model_id}`,
    key: loggedKey(info.model_id),
    owner: { modelId: info.model_id },
    name: taskNameOf(info.name, info.model_id),
    comment: "",
    tags: [TASK_TAG, "logged-model"],
    metadata: metadataOf(facts, info.tags),
    address: withoutPasswords(info.artifact_uri ?? ""),
    runId: filled(info.source_run_id),
    experimentId: info.experiment_id,
    madeFrom: undefined,
    metrics: model.data.metrics.length,
  };
}

function fromVersion(registered: MlflowRegisteredModel, version: MlflowModelVersion, modelId: string | undefined): SourceModel {
  const { name } = version;
  const workspace = otherWorkspace(registered);
  const stage = filled(version.current_stage);
  const aliases = registered.aliases.filter((alias) => String(alias.version) === version.version).map(({ alias }) => alias);
  const { latest_versions: _, ...model } = registered;
  const facts = {
    mlflow_registered_model: name,
    mlflow_workspace: workspace,
    mlflow_version: version.version,
    mlflow_stage: stage,
    mlflow_source: version.source,
    mlflow_run_id: version.run_id,
    mlflow_status: version.status,
    mlflow_user_id: version.user_id,
    mlflow_creation_timestamp_ms: version.creation_timestamp,
    mlflow_last_updated_timestamp_ms: version.last_updated_timestamp,
    [MODEL_DOCUMENT_KEY]: JSON.stringify({ registered_model: model, model_version: version }, lossless),
  };
  return {
    label: `version ${version.version} of the registered model ${nameInWorkspace(registered)}`,
    key: `version:${keyInWorkspace(registered)}:${version.version}`,
    owner: { name, version: version.version, ...(workspace === undefined ? {} : { workspace }) },
    name: taskNameOf(name, name),
    comment: withoutPasswords(
      [filled(version.description), filled(registered.description)].filter((text) => text !== undefined).join("\n\n"),
    ),
    tags: [
      TASK_TAG,
      `v${version.version}`,
      ...(stage === undefined || stage === "None" ? [] : [`stage:${stage}`]),
      ...aliases.toSorted().map((alias) => `alias:${alias}`),
    ],
    metadata: metadataOf(facts, version.tags),
    address: withoutPasswords(version.source ?? ""),
    runId: filled(version.run_id),
    experimentId: undefined,
    madeFrom: modelId === undefined ? undefined : loggedKey(modelId),
    metrics: 0,
  };
}

function loggedModelOf(version: MlflowModelVersion): string | undefined {
  const given = version["model_id"];
  if (typeof given === "string" && given !== "") return given;
  return /^models:\/+(m-[0-9a-f]+)\/?$/.exec(version.source ?? "")?.[1];
}

function metadataOf(
  facts: Readonly<Record<string, string | number | bigint | undefined>>,
  tags: readonly { readonly key: string; readonly value: string }[],
): Readonly<Record<string, string>> {
  const known = Object.entries(facts).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, withoutPasswords(String(value))] as const],
  );
  const names = mappedNames(
    tags.map(({ key }) => key),
    [...known.map(([key]) => key), ...RESERVED_KEYS],
  );
  return Object.fromEntries([...known, ...tags.map((tag) => [names.get(tag.key) ?? tag.key, shownTag(tag)] as const)]);
}

/** Names repeat across workspaces; those of the default one have the keys that they had before there were others. */
function keyInWorkspace({ name, ...model }: MlflowRegisteredModel): string {
  const workspace = otherWorkspace(model);
  // An encoded name has no slash.
  return `${workspace === undefined ? "" : `${workspace}/`}${encodeURIComponent(name.toWellFormed())}`;
}

function nameInWorkspace({ name, ...model }: MlflowRegisteredModel): string {
  const workspace = otherWorkspace(model);
  return `${JSON.stringify(name)}${workspace === undefined ? "" : ` of the workspace ${workspace}`}`;
}

function loggedKey(modelId: string): string {
  return `logged:${modelId}`;
}

function filled(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
