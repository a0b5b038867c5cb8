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

/** A data set's page. */
export function datasetWebUrl(webHost: string, dataset: { readonly datasetId: string; readonly projectId: string }): string {
  return `${base(webHost)}/datasets/simple/${part(dataset.projectId)}/tasks/${part(dataset.datasetId)}`;
}

/** The page of all queues, or of all workers. A single one has no page of its own. */
export function workersAndQueuesWebUrl(webHost: string, tab: "queues" | "workers"): string {
  return `${base(webHost)}/workers-and-queues/${tab}`;
}

/** Several tasks side by side. `*` stands for the project where it is not known. */
export function compareWebUrl(
  webHost: string,
  comparison: {
    readonly taskIds: readonly string[];
    readonly projectId?: string | null | undefined;
    /** Default `scalars/values`. */
    readonly tab?: "details" | "hyper-params/values" | "scalars/values" | "metrics-plots" | "debug-images";
  },
): string {
  const ids = comparison.taskIds.map(part).join(",");
  return `${base(webHost)}/projects/${part(comparison.projectId ?? "*")}/compare-tasks;ids=${ids}/${comparison.tab ?? "scalars/values"}`;
}

/** What an embeddable view shows. */
export interface WidgetView {
  /** `scalar` and `plot` draw a chart, `single` a table of single values, `sample` a debug sample, `parcoords` parallel coordinates. */
  readonly type: "scalar" | "plot" | "single" | "sample" | "parcoords";
  /** Tasks, or with `objectType` models. One line of the chart for each. */
  readonly objects: readonly string[];
  readonly objectType?: "task" | "model";
  /** Titles of charts. */
  readonly metrics?: readonly string[];
  /** Lines of the charts. */
  readonly variants?: readonly string[];
  /** X axis of scalars. Default: the web application's own, iterations. */
  readonly xAxis?: "iter" | "timestamp" | "iso_time";
  /** Light colours instead of dark ones. */
  readonly light?: boolean;
}

/**
 * An address for an `iframe`: of the web application's pages only these may be embedded elsewhere. The viewer must be
 * logged in to ClearML in the same browser, or the view answers 401.
 */
export function widgetUrl(webHost: string, view: WidgetView): string {
  const query = new URLSearchParams({ type: view.type, objectType: view.objectType ?? "task" });
  const lists = { objects: view.objects, metrics: view.metrics ?? [], variants: view.variants ?? [] };
  for (const [name, values] of Object.entries(lists)) for (const value of values) query.append(name, value);
  if (view.xAxis !== undefined) query.set("xaxis", view.xAxis);
  if (view.light === true) query.set("light", "true");
  return `${base(webHost)}/widgets/?${query.toString()}`;
}

function base(webHost: string): string {
  return webHost.replace(/\/+$/, "");
}

function part(id: string): string {
  return id === "*" ? id : encodeURIComponent(id);
}
