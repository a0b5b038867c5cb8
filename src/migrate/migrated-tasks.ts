/** The tasks that migrations have made, found in ClearML by their keys: MLflow is not asked. */
import type { ClearML } from "../clearml/create-clearml.js";
import { ConfigError } from "../base/errors.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { TASK_TAG } from "./task-of-run.js";

const PREFIX = "trainer-sdk:mlflow:";

/** A task and the run that it was. */
export interface MigratedTask {
  readonly sourceId: string;
  readonly runId: string;
  readonly task: TaskDocument;
}

/**
 * All tasks of one source, archived ones too.
 *
 * @param sourceId - Undefined: the only source there is.
 * @throws ConfigError when nobody said which of several sources is meant.
 */
export async function migratedTasks(
  clearml: ClearML,
  sourceId: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly sourceId: string | undefined; readonly tasks: readonly MigratedTask[] }> {
  const bySource = new Map<string, MigratedTask[]>();
  const only_fields = ["id", "name", "status", "parent", "project", "tags", "system_tags", "runtime", "execution.artifacts"];
  for await (const task of clearml.tasks.getAll({ tags: [TASK_TAG], search_hidden: true, only_fields }, { signal })) {
    const found = keyOf(task.system_tags ?? []);
    if (found) push(bySource, { ...found, task });
  }
  if (sourceId !== undefined) return { sourceId, tasks: bySource.get(sourceId) ?? [] };
  const [first, second] = bySource.keys();
  if (second !== undefined) {
    const names = [...bySource.keys()].map((name) => JSON.stringify(name)).join(", ");
    const message = `is needed: ClearML holds tasks of several sources, ${names}`;
    throw new ConfigError(`The source id ${message}.`, [{ path: "sourceId", message }]);
  }
  return { sourceId: first, tasks: first === undefined ? [] : (bySource.get(first) ?? []) };
}

function keyOf(systemTags: readonly string[]): { readonly sourceId: string; readonly runId: string } | undefined {
  for (const tag of systemTags) {
    const [, source, runId] = /^([^:]+):([^:]+)$/.exec(tag.startsWith(PREFIX) ? tag.slice(PREFIX.length) : "") ?? [];
    if (source !== undefined && runId !== undefined) return { sourceId: decodeURIComponent(source), runId };
  }
  return undefined;
}

function push(bySource: Map<string, MigratedTask[]>, found: MigratedTask): void {
  const tasks = bySource.get(found.sourceId);
  if (tasks) tasks.push(found);
  else bySource.set(found.sourceId, [found]);
}
