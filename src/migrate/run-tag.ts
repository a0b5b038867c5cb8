/** Reads a tag of a run. Pure. */
import type { MlflowRun } from "../mlflow/mlflow-documents.js";

/** A tag's value; an empty one is none. */
export function tagOf(run: MlflowRun, key: string): string | undefined {
  const value = run.data.tags.find((tag) => tag.key === key)?.value;
  return value === "" ? undefined : value;
}
