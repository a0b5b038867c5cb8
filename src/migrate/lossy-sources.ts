/** What of a run or a model ClearML shows otherwise, as far as its own documents tell. Pure. */
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import type { LossyThings } from "./lossy-things.js";
import { hidesPasswords } from "./shown-text.js";

/** Notes what its status, times and inputs say; names and points are for whoever reads them. */
export function noteRun(lossy: LossyThings, run: MlflowRun): void {
  const { info } = run;
  const what = `run ${info.run_id}`;
  if (info.status === "RUNNING" || info.status === "SCHEDULED") lossy.note("unended", `${what}, ${info.status}`);
  if (hidesPasswords(run)) lossy.note("credentials", what);
  if (info.start_time !== undefined) lossy.note("times", `${what}, begun at ${String(info.start_time)} ms`);
  const inputs = run["inputs"] as { readonly dataset_inputs?: readonly { readonly dataset?: { readonly name?: unknown } }[] } | undefined;
  for (const { dataset } of inputs?.dataset_inputs ?? []) lossy.note("datasets", `${String(dataset?.name)} of ${what}`);
}

/** Notes what versions and values of models become. */
export function noteModel(lossy: LossyThings, model: { readonly label: string; readonly key: string; readonly metrics: number }): void {
  if (model.key.startsWith("version:")) lossy.note("version-numbers", model.label);
  if (model.metrics > 0) lossy.note("model-metrics", model.label, model.metrics);
}
