/** An offline session on the command line: brought to the ClearML that the environment names. */
import { createClearML } from "../clearml/create-clearml.js";
import { importOfflineSession } from "../clearml/offline/import-session.js";
import { openSession } from "../clearml/offline/session-archive.js";
import { parseSessionTask, TASK_FILE } from "../clearml/offline/session-layout.js";
import type { SyncResult } from "./sync-result.js";

/** @throws what the import throws: the session is as it was, and may be tried again. */
export async function syncSession(
  file: string,
  options: { readonly dryRun: boolean; readonly signal: AbortSignal },
  env: Readonly<Record<string, string | undefined>>,
): Promise<SyncResult> {
  if (options.dryRun) {
    await using archive = await openSession(file);
    const { name, project_name } = parseSessionTask(await archive.text(TASK_FILE), file);
    return { source: file, status: "pending", note: `an offline session: task ${String(name)} of project ${String(project_name)}` };
  }
  await using clearml = createClearML({}, env);
  const { taskId, webUrl, wasThere, problems, events, files } = await importOfflineSession(clearml, file, { signal: options.signal });
  const task = `task ${taskId}${webUrl === undefined ? "" : `, ${webUrl}`}`;
  if (wasThere) return { source: file, status: "nothing-pending", note: `imported before: ${task}` };
  return {
    source: file,
    status: problems.length === 0 ? "delivered" : "rejected",
    sinks: { clearml: { delivered: events, pending: 0, rejected: problems.length } },
    ...(problems.length > 0 ? { error: problems.join("; ") } : {}),
    note: `${task}; ${String(files)} files`,
  };
}
