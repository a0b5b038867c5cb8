/** All models of a source, once its runs are tasks. One that fails is named and does not stop the others. */
import { describeError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import type { Inventory } from "./inventory.js";
import type { Ledger } from "./ledger.js";
import { migrateModel } from "./migrate-model.js";
import { sourceModels } from "./source-models.js";

/** What became of the models. */
export interface MigratedModels {
  migrated: number;
  unchanged: number;
  /** Of those, the ones whose files MLflow does not give out: they name where MLflow says that the files are. */
  withoutFiles: number;
  readonly failures: { readonly model: string; readonly reason: string }[];
}

export interface ModelsWork {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly sourceId: string;
  readonly inventory: Inventory;
  readonly ledger: Ledger | undefined;
  readonly redo: boolean;
  readonly signal: AbortSignal;
  /** Undefined for a run that is not moved. */
  taskOf(runId: string): Promise<string | undefined>;
  projectOf(experimentId: string): string | undefined;
  onFile(sizeBytes: number): void;
}

/** @throws What keeps the lists from being read; the signal's reason. */
export async function migrateModels(work: ModelsWork): Promise<MigratedModels> {
  const { mlflow, clearml, sourceId, inventory, signal } = work;
  const done: MigratedModels = { migrated: 0, unchanged: 0, withoutFiles: 0, failures: [] };
  const ids = new Map<string, string>();
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
      if (signal.aborted) throw error;
      done.failures.push({ model: model.label, reason: describeError(error) });
    }
  }
  return done;
}
