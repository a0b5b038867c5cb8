/** Tags by which a trainer's run is known: the sink writes them, the migration reads them. */

/** Prefix of every tag that the sink makes up. */
export const SINK_TAG_PREFIX = "trainer_sdk.";

export const SINK_TAGS = {
  /** The job's key, the same for every process that ever reports it: the run is searched by it. */
  key: "trainer_sdk.key",
  /** The journal that the run was made for. */
  journal: "trainer_sdk.journal",
  /** The ClearML task that the same job reports to, once it is known. */
  taskId: "trainer_sdk.task_id",
  /** Why the job failed or stopped. */
  reason: "trainer_sdk.reason",
} as const;

/** Prefix of the tag that holds what a later process would have made of a parameter; the parameter itself is written once. */
export const CHANGED_TAG_PREFIX = "trainer_sdk.changed.";

/** A job's key as a tag's value. MLflow's filters know no way to write a quote within quotes. */
export function runTagOf(externalKey: string): string {
  return externalKey.replaceAll("'", "%27");
}

/** The job's key again. */
export function externalKeyOf(tag: string): string {
  return tag.replaceAll("%27", "'");
}
