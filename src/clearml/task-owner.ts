/** Whose folder a task's files go to, and where that folder is (`clearml-protocol`, 10.2, 10.3). */
import type { ObjectOwner } from "../protocol/clearml/object-path.js";
import type { CallOptions } from "./session.js";
import type { TaskApi } from "./task-api.js";

/** A task's folder, and the store where its files go unless somebody names another; undefined is the file server. */
export interface ObjectPlace {
  readonly owner: ObjectOwner;
  readonly destination: string | undefined;
}

/** As much of a {@link TaskApi} as the question takes. */
export type OwnedTask = Pick<TaskApi, "id" | "readFields"> & { readonly clearml: Pick<TaskApi["clearml"], "projects"> };

/**
 * The task's folder on any store, and the store: its own output destination, else its project's default one, else
 * undefined, which means the file server.
 *
 * @throws NotFoundError when the task is gone; else as the session's calls.
 */
export async function objectOwner(task: OwnedTask, options: CallOptions): Promise<ObjectPlace> {
  const { name, project: inProject, output } = await task.readFields(["name", "project", "output.destination"], options);
  const projectId = inProject ?? undefined;
  const project = projectId === undefined ? undefined : (await task.clearml.projects.getById({ project: projectId }, options)).project;
  const destination = [output?.destination, project?.default_output_destination].find((uri) => typeof uri === "string" && uri !== "");
  return {
    owner: {
      projectName: project?.name ?? "",
      ...(projectId === undefined ? {} : { projectId }),
      taskName: name ?? "",
      taskId: task.id,
    },
    destination: destination ?? undefined,
  };
}
