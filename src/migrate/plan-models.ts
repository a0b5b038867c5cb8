/** What a migration would move of models: how many of each kind, and their files. Reads MLflow alone. */
import type { Inventory } from "./inventory.js";
import { noteModel } from "./lossy-sources.js";
import type { LossyThings } from "./lossy-things.js";
import type { MigrationOptions } from "./migration-options.js";
import { modelFiles } from "./model-files.js";
import { sourceModels } from "./source-models.js";

/** Models, by kind. */
export interface PlannedModels {
  /** Logged models (MLflow 3). */
  readonly logged: number;
  /** Versions of registered models. */
  readonly versions: number;
  /** Registered models without a version. */
  readonly registered: number;
  /** Files of them, each counted once for each model that has a package of its own. */
  readonly files: number;
  readonly fileBytes: number;
  /** Models of which MLflow lists no file: their address stands in the place of files. */
  readonly withoutFiles: number;
}

/** @throws What keeps the lists from being read; the signal's reason. */
export async function planModels(
  { mlflow, artifacts }: Pick<MigrationOptions, "mlflow" | "artifacts">,
  inventory: Inventory,
  lossy: LossyThings,
  signal: AbortSignal,
): Promise<PlannedModels> {
  const counts = { logged: 0, versions: 0, registered: 0, files: 0, fileBytes: 0, withoutFiles: 0 };
  for await (const model of sourceModels(mlflow, inventory, signal)) {
    noteModel(lossy, model);
    counts[model.owner === undefined ? "registered" : "version" in (model.owner as object) ? "versions" : "logged"]++;
    if (model.owner === undefined || model.madeFrom !== undefined) continue;
    const files = await modelFiles({ mlflow, model, signal });
    counts.files += files.length;
    for (const { file_size } of files) counts.fileBytes += Number(file_size ?? 0);
    if (files.length > 0 && artifacts === "link") lossy.note("linked-model", model.label);
    if (files.length > 0) continue;
    counts.withoutFiles++;
    lossy.note("no-model-files", model.label);
  }
  return counts;
}
