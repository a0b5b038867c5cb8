/** All models of a source, once its runs are tasks. One that fails is named and does not stop the others. */
import { ApiError, describeError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { Inventory } from "./inventory.js";
import type { Ledger } from "./ledger.js";
import { linkInputModels, type TaskInputs } from "./input-models.js";
import { migrateModel } from "./migrate-model.js";
import { modelKey } from "./migration-options.js";
import { REGISTERED_TAG, sourceModels, type SourceModel } from "./source-models.js";

/** What became of the models. */
export interface MigratedModels {
  migrated: number;
  unchanged: number;
  /** Of those, the ones of which MLflow gives no file out: they name where MLflow says that the files are. */
  withoutFiles: number;
  readonly failures: { readonly model: string; readonly reason: string }[];
}

export interface ModelsWork {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly sourceId: string;
  readonly inventory: Inventory;
  readonly ledger: Ledger | undefined;
  readonly artifacts: "copy" | "link";
  readonly redo: boolean;
  /** What tasks have read, by run. */
  readonly inputs: ReadonlyMap<string, TaskInputs>;
  readonly signal: AbortSignal;
  /** Undefined for a run that is not moved. */
  taskOf(runId: string): Promise<string | undefined>;
  projectOf(experimentId: string): string | undefined;
  onFile(sizeBytes: number): void;
  /** Counted as it goes, so that an end in the middle can still be told. */
  readonly done: MigratedModels;
}

/** @throws What keeps the lists from being read; the signal's reason. */
export async function migrateModels(work: ModelsWork): Promise<void> {
  const { mlflow, clearml, sourceId, inventory, done, signal } = work;
  const ids = new Map<string, string>();
  const names = new LinkNames();
  for await (const model of sourceModels(mlflow, inventory, signal)) {
    signal.throwIfAborted();
    try {
      const run = model.runId === undefined ? undefined : inventory.runs.get(model.runId);
      const experimentId = run?.experiment.experiment_id ?? model.experimentId;
      const parentId = model.madeFrom === undefined ? undefined : ids.get(model.madeFrom);
      const { id, outcome, hasFiles } = await migrateModel({
        mlflow,
        clearml,
        sourceId,
        model,
        taskId: run && (await work.taskOf(run.runId)),
        projectId: experimentId === undefined ? undefined : work.projectOf(experimentId),
        parentId,
        linkName: names.of(model),
        artifacts: work.artifacts,
        redo: work.redo,
        signal,
        onFile: (sizeBytes) => {
          work.onFile(sizeBytes);
        },
      });
      ids.set(model.key, id);
      done[outcome]++;
      if (!hasFiles) done.withoutFiles++;
      await work.ledger?.add({ kind: "model", model: model.key, modelId: id });
    } catch (error) {
      if (isForAll(error, signal)) throw error;
      done.failures.push({ model: model.label, reason: describeError(error) });
    }
  }
  for (const [runId, inputs] of work.inputs) {
    try {
      await linkInputModels(work, inputs);
    } catch (error) {
      if (isForAll(error, signal)) throw error;
      done.failures.push({ model: `input models of run ${runId}`, reason: describeError(error) });
    }
  }
  await removeSuperseded(work, ids);
}

/** An interruption, and refused credentials: asking with them for each model that is left might close an account. */
function isForAll(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || (ApiError.isInstance(error) && error.status === 401);
}

/** Names of a task's models: of two that share one, such as the checkpoints of a training, the later one has its id behind it. */
class LinkNames {
  readonly #taken = new Set<string>();

  of({ runId, owner, name, key }: SourceModel): string {
    const own = typeof owner === "object" && "version" in owner ? `${name} v${owner.version}` : name;
    const place = JSON.stringify([runId, own]);
    const isFree = !this.#taken.has(place);
    this.#taken.add(place);
    return isFree ? own : `${own} (${key.replace(/^logged:/, "")})`;
  }
}

/** What stood for a registered model without a version goes, once there is one: a model of its own stands for each. */
async function removeSuperseded({ clearml, sourceId, signal }: ModelsWork, ids: ReadonlyMap<string, string>): Promise<void> {
  const request = { tags: [REGISTERED_TAG], search_hidden: true, only_fields: ["id", "system_tags"] };
  const prefix = modelKey(sourceId, "registered:");
  const versioned = new Set([...ids.keys()].flatMap((key) => /^version:([^:]*):/.exec(key)?.[1] ?? []));
  const superseded: string[] = [];
  for await (const { id, system_tags } of clearml.models.getAll(request, { signal })) {
    const name = system_tags?.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
    if (name !== undefined && versioned.has(name)) superseded.push(id);
  }
  for (const model of superseded) await clearml.models.delete({ model, force: true, delete_external_artifacts: false }, { signal });
}
