/** Whose folder a task's files go to, and where that folder is (`clearml-protocol`, 10.2, 10.3). */
import type { ObjectOwner } from "../protocol/clearml/object-path.js";
import type { CallOptions } from "./session.js";
import type { TaskApi } from "./task-api.js";

/**
 * The task's folder on any store, and the store: its own output destination, else its project's default one, else
 * undefined, which means the file server.
 *
 * @throws NotFoundError when the task is gone; else as the session's calls.
 */
export async function objectOwner(
  api: TaskApi,
  options: CallOptions,
): Promise<{ readonly owner: ObjectOwner; readonly destination: string | undefined }> {
  const task = await api.readFields(["name", "project", "output.destination"], options);
  const projectId = task.project ?? undefined;
  const project = projectId === undefined ? undefined : (await api.clearml.projects.getById({ project: projectId }, options)).project;
  const destination = [task.output?.destination, project?.default_output_destination].find((uri) => typeof uri === "string" && uri !== "");
  return {
    owner: {
      projectName: project?.name ?? "",
      ...(projectId === undefined ? {} : { projectId }),
      taskName: task.name ?? "",
      taskId: api.id,
    },
    destination: destination ?? undefined,
  };
}
