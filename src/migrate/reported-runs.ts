/**
 * Runs that a trainer wrote to MLflow beside ClearML, in the weeks in which it writes to both: they are in ClearML already,
 * as the tasks that the trainer itself reports to, and would be there twice.
 */
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import { externalKeyOf, SINK_TAGS } from "../mlflow/sink-tags.js";
import { tagOf } from "./run-tag.js";

/** True when the trainer's own task is there. @throws ApiError, ConnectionError; the signal's reason. */
export async function isReported({ session }: Pick<ClearML, "session">, run: MlflowRun, signal: AbortSignal): Promise<boolean> {
  const taskId = tagOf(run, SINK_TAGS.taskId);
  const key = tagOf(run, SINK_TAGS.key);
  const only_fields = ["id"];
  const isThere = async (of: { readonly id: string[] } | { readonly system_tags: string[] }): Promise<boolean> =>
    (await session.call("tasks.get_all", { ...of, only_fields, search_hidden: true, page: 0, page_size: 1 }, { signal })).tasks.length > 0;
  // By its id where the trainer knew it in time, else by the job's key, which task and run have in common.
  if (taskId !== undefined && (await isThere({ id: [taskId] }))) return true;
  return key !== undefined && (await isThere({ system_tags: [externalKeyOf(key)] }));
}
