/** Addresses of pages in ClearML's web application (`clearml-protocol`, 11). Web 2.x redirects the older `experiments` to `tasks`; both work. */

/** A task's console page. `*` stands for the project where it is not known. */
export function taskWebUrl(webHost: string, task: { readonly taskId: string; readonly projectId?: string | null | undefined }): string {
  return `${base(webHost)}/projects/${part(task.projectId ?? "*")}/experiments/${part(task.taskId)}/output/log`;
}

/** A model's page. `*` stands for the project where it is not known. */
export function modelWebUrl(webHost: string, model: { readonly modelId: string; readonly projectId?: string | null | undefined }): string {
  return `${base(webHost)}/projects/${part(model.projectId ?? "*")}/models/${part(model.modelId)}/general`;
}

/** The table of a project's tasks; without an id, of all tasks. */
export function projectWebUrl(webHost: string, projectId?: string | null): string {
  return `${base(webHost)}/projects/${part(projectId ?? "*")}/tasks`;
}

function base(webHost: string): string {
  return webHost.replace(/\/+$/, "");
}

function part(id: string): string {
  return id === "*" ? id : encodeURIComponent(id);
}
