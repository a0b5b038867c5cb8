/**
 * API versions that brought endpoints, for those that servers in use may still lack (`clearml-protocol`, 1.1): so that a
 * refusal can say what to update to. Kept beside the server's published schema by a contract test.
 */

/** Version by endpoint; what is older than 2.9 is not listed. */
const SINCE: Readonly<Record<string, string>> = {
  "tasks.edit_hyper_params": "2.9",
  "tasks.delete_hyper_params": "2.9",
  "tasks.edit_configuration": "2.9",
  "tasks.delete_configuration": "2.9",
  "tasks.add_or_update_artifacts": "2.10",
  "tasks.delete_artifacts": "2.10",
  "models.move": "2.12",
  "tasks.archive": "2.12",
  "models.add_or_update_metadata": "2.13",
  "models.archive_many": "2.13",
  "models.delete_metadata": "2.13",
  "models.unarchive_many": "2.13",
  "projects.move": "2.13",
  "tasks.add_or_update_model": "2.13",
  "tasks.delete_models": "2.13",
  "tasks.unarchive_many": "2.13",
  "projects.validate_delete": "2.14",
  "queues.get_num_entries": "2.15",
  "queues.peek_task": "2.15",
  "events.scalar_metrics_iter_raw": "2.16",
  "events.get_task_single_value_metrics": "2.20",
  "events.delete_for_model": "2.22",
  "models.update_tags": "2.27",
  "tasks.update_tags": "2.27",
  "tasks.edit_runtime": "2.34",
};

/** The API version that an endpoint needs, where it is listed. */
export function endpointSince(endpoint: string): string | undefined {
  return Object.hasOwn(SINCE, endpoint) ? SINCE[endpoint] : undefined;
}
