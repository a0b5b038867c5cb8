/**
 * Runs that a trainer wrote to MLflow beside ClearML, in the weeks in which it writes to both: they are in ClearML already,
 * as the tasks that the trainer itself reports to, and would be there twice.
 */
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import { externalKeyOf, SINK_TAGS } from "../mlflow/sink-tags.js";
import { tagOf } from "./run-tag.js";

/** Id of the trainer's own task; undefined when there is none. @throws ApiError, ConnectionError; the signal's reason. */
export async function reportedTask(
  { session }: Pick<ClearML, "session">,
  run: MlflowRun,
  signal: AbortSignal,
): Promise<string | undefined> {
  const taskId = tagOf(run, SINK_TAGS.taskId);
  const key = tagOf(run, SINK_TAGS.key);
  // Of several with one key the trainer keeps the oldest.
  const page = { only_fields: ["id"], order_by: ["created"], search_hidden: true, page: 0, page_size: 1 };
  const find = async (of: { readonly id: string[] } | { readonly system_tags: string[] }): Promise<string | undefined> =>
    (await session.call("tasks.get_all", { ...of, ...page }, { signal })).tasks[0]?.id;
  // By its id where the trainer knew it in time, else by the job's key, which task and run have in common.
  const known = taskId === undefined ? undefined : await find({ id: [taskId] });
  return known ?? (key === undefined ? undefined : find({ system_tags: [externalKeyOf(key)] }));
}
