/**
 * Compares each model of MLflow with its model in ClearML: texts, tags, aliases, stage, metadata, lineage, and every file. What it
 * expects it reads and works out by itself, and not with the code that copied. Writes nothing.
 */
import { describeError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import type { MlflowModelVersion, MlflowRegisteredModel } from "../mlflow/mlflow-documents.js";
import { lossless } from "../mlflow/mlflow-json.js";
import type { MlflowFilesOwner, MlflowSource } from "../mlflow/mlflow-source.js";
import { DEFAULT_WORKSPACE, otherWorkspace } from "../mlflow/workspaces.js";
import type { Differences } from "./differences.js";
import type { Inventory } from "./inventory.js";
import { noteModel } from "./lossy-sources.js";
import { modelKey, runKey } from "./migration-options.js";
import { asPublic, asShown, compareMetadata, nameAsShown, type MetadataPair } from "./verify-metadata.js";
import { verifyModelFiles } from "./verify-model-files.js";

export interface ModelsToVerify {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly sourceId: string;
  readonly inventory: Inventory;
  readonly found: Differences;
  readonly signal: AbortSignal;
}

/** What a model of ClearML should say. */
interface Expected {
  readonly label: string;
  /** End of its key. */
  readonly key: string;
  readonly owner: MlflowFilesOwner | undefined;
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly facts: readonly MetadataPair[];
  /** MLflow's own tags, which are metadata too. */
  readonly modelTags: readonly MetadataPair[];
  /** MLflow's answers, as text. */
  readonly document: string;
  readonly address: string;
  readonly runId: string | undefined;
  /** Key of the logged model that it was made from. */
  readonly madeFrom: string | undefined;
  /** Values that MLflow ties to the model itself. */
  readonly metrics: number;
}

/** Notes what differs. @throws What keeps the lists from being read; the signal's reason. */
export async function verifyModels(given: ModelsToVerify): Promise<void> {
  const { found, signal } = given;
  for await (const expected of expectedModels(given)) {
    signal.throwIfAborted();
    found.counts.models++;
    noteModel(found.lossy, expected);
    try {
      const [document, ...others] = await withKey(given, expected.key);
      if (!document || others.length > 0)
        found.add(expected.runId, expected.label, "1 model", `${String(others.length + (document ? 1 : 0))} models`);
      else await verifyModel(given, expected, document);
    } catch (error) {
      if (signal.aborted) throw error;
      found.add(expected.runId, expected.label, "readable", describeError(error));
    }
  }
}

/** All that MLflow has, of the experiments that are looked at. */
async function* expectedModels({ mlflow, inventory, signal }: ModelsToVerify): AsyncGenerator<Expected, void, undefined> {
  const { experiments, isPart, runs, workspaces } = inventory;
  const logged = new Set<string>();
  // Of these a task keeps the experiment, and so no model does.
  const withTasks = new Set([...runs.values()].map((run) => run.experiment.experiment_id));
  for (const experiment of experiments) {
    const { experiment_id: id, name: experimentName } = experiment;
    for await (const model of mlflow.loggedModels(id, { signal })) {
      const { info } = model;
      logged.add(info.model_id);
      yield {
        label: `logged model ${info.model_id}`,
        key: `logged:${info.model_id}`,
        owner: { modelId: info.model_id },
        name: nameAsShown(info.name, info.model_id),
        description: "",
        tags: ["mlflow", "logged-model"],
        facts: known([
          ["mlflow_model_id", info.model_id],
          ["mlflow_model_type", info.model_type],
          ["mlflow_status", info.status],
          ["mlflow_run_id", info.source_run_id],
          ["mlflow_experiment_name", experimentName],
          ["mlflow_workspace", otherWorkspace(experiment)],
          ["mlflow_artifact_uri", info.artifact_uri],
          ["mlflow_creation_timestamp_ms", info.creation_timestamp_ms],
          ["mlflow_last_updated_timestamp_ms", info.last_updated_timestamp_ms],
          ["mlflow_experiment", withTasks.has(id) ? undefined : JSON.stringify(experiment, lossless)],
        ]),
        modelTags: info.tags.map(({ key, value }) => [key, asPublic(value)]),
        document: asPublic(JSON.stringify(model, lossless)),
        address: asPublic(info.artifact_uri ?? ""),
        runId: info.source_run_id || undefined,
        madeFrom: undefined,
        metrics: model.data.metrics.length,
      };
    }
  }
  const isAll = !isPart;
  for await (const { name, workspace } of mlflow.registeredModels({ signal })) {
    if (!workspaces.includes(otherWorkspace({ workspace }) ?? DEFAULT_WORKSPACE)) continue;
    const registered = await mlflow.registeredModel(name, { signal, workspace });
    let versions = 0;
    for await (const version of mlflow.modelVersions(name, { signal, workspace })) {
      versions++;
      const expected = expectedVersion(registered, version);
      const isOurs = isAll || runs.has(version.run_id ?? "") || logged.has(expected.madeFrom?.slice("logged:".length) ?? "");
      const hasParent = expected.madeFrom !== undefined && logged.has(expected.madeFrom.slice("logged:".length));
      if (isOurs) yield hasParent ? expected : { ...expected, madeFrom: undefined };
    }
    if (versions === 0 && isAll) yield expectedRegistered(registered);
  }
}

function expectedVersion({ latest_versions: _, ...registered }: MlflowRegisteredModel, version: MlflowModelVersion): Expected {
  const { name, version: number, current_stage: stage = "", run_id: runId, source = "" } = version;
  const aliases = registered.aliases.flatMap(({ alias, version: of }) => (String(of) === number ? [`alias:${alias}`] : []));
  const given = version["model_id"];
  const parent = typeof given === "string" && given !== "" ? given : /^models:\/+(m-[0-9a-f]+)\/?$/.exec(source)?.[1];
  const workspace = otherWorkspace(registered);
  return {
    label: `version ${number} of the registered model ${JSON.stringify(name)}${workspace === undefined ? "" : ` of the workspace ${workspace}`}`,
    key: `version:${asKey(name, workspace)}:${number}`,
    owner: { name, version: number, workspace },
    name: nameAsShown(name, name),
    description: asPublic([version.description, registered.description].filter((text) => text !== undefined && text !== "").join("\n\n")),
    tags: ["mlflow", `v${number}`, ...(["", "None"].includes(stage) ? [] : [`stage:${stage}`]), ...aliases],
    facts: known([
      ["mlflow_registered_model", name],
      ["mlflow_workspace", workspace],
      ["mlflow_version", number],
      ["mlflow_stage", stage === "" ? undefined : stage],
      ["mlflow_source", version.source],
      ["mlflow_run_id", runId],
      ["mlflow_status", version.status],
      ["mlflow_user_id", version.user_id],
      ["mlflow_creation_timestamp_ms", version.creation_timestamp],
      ["mlflow_last_updated_timestamp_ms", version.last_updated_timestamp],
    ]),
    modelTags: version.tags.map(({ key, value }) => [key, asPublic(value)]),
    document: asPublic(JSON.stringify({ registered_model: registered, model_version: version }, lossless)),
    address: asPublic(source),
    runId: runId || undefined,
    madeFrom: parent === undefined ? undefined : `logged:${parent}`,
    metrics: 0,
  };
}

function expectedRegistered({ latest_versions: _, ...registered }: MlflowRegisteredModel): Expected {
  const { name } = registered;
  const workspace = otherWorkspace(registered);
  return {
    label: `registered model ${JSON.stringify(name)}${workspace === undefined ? "" : ` of the workspace ${workspace}`} without a version`,
    key: `registered:${asKey(name, workspace)}`,
    owner: undefined,
    name: nameAsShown(name, name),
    description: asPublic(registered.description ?? ""),
    tags: ["mlflow", "registered-model"],
    facts: known([
      ["mlflow_registered_model", name],
      ["mlflow_workspace", workspace],
      ["mlflow_creation_timestamp_ms", registered.creation_timestamp],
      ["mlflow_last_updated_timestamp_ms", registered.last_updated_timestamp],
    ]),
    modelTags: registered.tags.map(({ key, value }) => [key, asPublic(value)]),
    document: asPublic(JSON.stringify({ registered_model: registered }, lossless)),
    address: "",
    runId: undefined,
    madeFrom: undefined,
    metrics: 0,
  };
}

function asKey(name: string, workspace: string | undefined): string {
  return [...(workspace === undefined ? [] : [workspace]), encodeURIComponent(name.toWellFormed())].join("/");
}

function known(pairs: readonly (readonly [string, string | number | bigint | undefined])[]): readonly MetadataPair[] {
  return pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, asPublic(String(value))] as const]));
}

async function withKey({ clearml, sourceId, signal }: ModelsToVerify, key: string): Promise<readonly ModelDocument[]> {
  return (await clearml.models.getPage({ system_tags: [modelKey(sourceId, key)], search_hidden: true }, { signal })).models;
}

async function verifyModel(given: ModelsToVerify, model: Expected, document: ModelDocument): Promise<void> {
  const { clearml, sourceId, inventory, found, signal } = given;
  const { runId, label } = model;
  const same = (what: string, inMlflow: string | undefined, inClearML: string | null | undefined): void => {
    found.value(runId, `${label}: ${what}`, inMlflow, inClearML ?? undefined);
  };
  same("name", model.name, document.name);
  same("description", asShown(model.description), document.comment ?? "");
  same("tags", model.tags.toSorted().join("\n"), (document.tags ?? []).toSorted().join("\n"));
  compareMetadata({ facts: model.facts, tags: model.modelTags, document: model.document }, document.metadata, same);
  const [parent] = model.madeFrom === undefined ? [] : await withKey(given, model.madeFrom);
  same("model that it was made from", parent?.id, document.parent === "" ? undefined : document.parent);
  if (runId !== undefined && inventory.runs.has(runId)) {
    const filter = { system_tags: [runKey(sourceId, runId)], search_hidden: true };
    const [task] = (await clearml.tasks.getPage(filter, { signal })).tasks;
    same("task", task?.id, document.task);
    const isListed = task?.models?.output?.some((entry) => entry.model === document.id) ?? false;
    same("listed by its task", "true", String(isListed));
  }
  if (model.owner !== undefined) await verifyModelFiles(given, { ...model, owner: model.owner, parent }, document, same);
}
