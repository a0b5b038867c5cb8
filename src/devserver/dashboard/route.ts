/**
 * Which view an address means. The addresses are ClearML's own web forms, so a link that any ClearML client prints
 * opens the right page here; forms that this page has no view for lead to the nearest one that it has.
 * Pure: no browser needed. Source of the forms: `clearml-protocol`, section 11.
 */

/** Tabs of a task, in the order shown. */
export const TASK_TABS = ["scalars", "plots", "samples", "console", "artifacts", "models", "configuration", "callbacks", "info"] as const;

/** A tab of a task. */
export type TaskTab = (typeof TASK_TABS)[number];

/** Tabs of a comparison, in the order shown. */
export const COMPARE_TABS = ["scalars", "plots", "samples", "configuration"] as const;

/** A tab of a comparison. */
export type CompareTab = (typeof COMPARE_TABS)[number];

/** What is on the screen. `project` is `*` where it does not matter. */
export type Route =
  | { readonly view: "projects" }
  | { readonly view: "tasks"; readonly project: string }
  | { readonly view: "task"; readonly project: string; readonly task: string; readonly tab: TaskTab; readonly item: string | undefined }
  | { readonly view: "compare"; readonly project: string; readonly tasks: readonly string[]; readonly tab: CompareTab }
  | { readonly view: "models"; readonly project: string }
  | { readonly view: "model"; readonly project: string; readonly model: string }
  | { readonly view: "callbacks" }
  | { readonly view: "unknown"; readonly path: string };

/** Path of each tab below `/projects/<project>/tasks/<task>/output/`. */
const TAB_PATHS: Readonly<Record<TaskTab, string>> = {
  scalars: "metrics/scalar",
  plots: "metrics/plots",
  samples: "debugImages",
  console: "log",
  artifacts: "artifacts",
  models: "artifacts/output-model",
  configuration: "hyper-params",
  callbacks: "callbacks",
  info: "general",
};

/** Path of each tab below `/projects/<project>/compare-tasks;ids=<a>,<b>/`. */
const COMPARE_PATHS: Readonly<Record<CompareTab, string>> = {
  scalars: "scalars/graph",
  plots: "metrics-plots",
  samples: "debug-images",
  configuration: "hyper-params/values",
};

/** Reads a path such as `/projects/<project>/experiments/<task>/output/log`; never throws. */
export function parseRoute(pathname: string): Route {
  const parts = pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decodePart);
  const [area, ...rest] = parts;
  switch (area) {
    case undefined:
    case "login":
      return { view: "tasks", project: "*" };
    case "dashboard":
      return rest[0] === "callbacks" ? { view: "callbacks" } : { view: "tasks", project: "*" };
    case "projects":
      return rest[0] === undefined ? { view: "projects" } : parseProject(rest, pathname);
    case "pipelines":
      return parseProject(rest, pathname);
    case "datasets":
      return parseProject(rest.slice(1), pathname);
    case "reports":
      return rest[1] === undefined ? { view: "tasks", project: rest[0] ?? "*" } : taskRoute(rest[0] ?? "*", rest[1], rest.slice(2));
    default:
      return { view: "unknown", path: pathname };
  }
}

/** The address of a view, in ClearML's form. */
export function routePath(route: Route): string {
  switch (route.view) {
    case "tasks":
      return route.project === "*" ? "/" : `/projects/${encodeURIComponent(route.project)}/tasks`;
    case "task": {
      const item = route.item === undefined ? "" : `/${encodeURIComponent(route.item)}`;
      return `/projects/${encodeURIComponent(route.project)}/tasks/${encodeURIComponent(route.task)}/output/${TAB_PATHS[route.tab]}${item}`;
    }
    case "projects":
      return "/projects";
    case "compare":
      return `/projects/${encodeURIComponent(route.project)}/compare-tasks;ids=${route.tasks.map(encodeURIComponent).join(",")}/${COMPARE_PATHS[route.tab]}`;
    case "models":
      return `/projects/${encodeURIComponent(route.project)}/models`;
    case "model":
      return `/projects/${encodeURIComponent(route.project)}/models/${encodeURIComponent(route.model)}/general`;
    case "callbacks":
      return "/dashboard/callbacks";
    case "unknown":
      return route.path;
  }
}

function parseProject(parts: readonly string[], pathname: string): Route {
  const [project = "*", section, id, ...rest] = parts;
  const [name, ...parameters] = (section ?? "").split(";");
  switch (name) {
    case "":
    case "overview":
      return { view: "tasks", project };
    case "compare-tasks":
    case "compare-experiments":
      return compareRoute(project, parameters, [id, ...rest]);
    case "tasks":
    case "experiments":
      return id === undefined ? { view: "tasks", project } : taskRoute(project, id, rest);
    case "models":
      return id === undefined ? { view: "models", project } : { view: "model", project, model: id };
    case "compare-models":
      return { view: "models", project };
    default:
      return { view: "unknown", path: pathname };
  }
}

function compareRoute(project: string, parameters: readonly string[], path: readonly (string | undefined)[]): Route {
  const ids = parameters.find((each) => each.startsWith("ids="))?.slice("ids=".length) ?? "";
  const tasks = [...new Set(ids.split(",").filter((id) => id !== ""))];
  if (tasks.length === 0) return { view: "tasks", project };
  const tab = COMPARE_TABS.find((each) => COMPARE_PATHS[each].split("/")[0] === path[0]);
  // ClearML's own first tab, `details`, is mostly what the tasks were started with.
  return { view: "compare", project, tasks, tab: tab ?? (path[0] === "details" ? "configuration" : "scalars") };
}

function taskRoute(project: string, task: string, rest: readonly string[]): Route {
  const path = rest[0] === "output" || rest[0] === "info-output" ? rest.slice(1) : rest;
  const [tab, kind, item] = path;
  const at = (name: TaskTab, subject?: string): Route => ({ view: "task", project, task, tab: name, item: subject });
  switch (tab) {
    case "log":
      return at("console");
    case "artifacts":
      if (kind === "output-model" || kind === "input-model") return at("models", item);
      return at("artifacts", kind === "artifact" ? item : kind);
    case "execution":
    case "hyper-params":
      return at("configuration", item ?? kind);
    case "general":
      return at("info");
    case "callbacks":
      return at("callbacks");
    case "debugImages":
      return at("samples");
    case "metrics":
      return at(kind === "plots" ? "plots" : "scalars");
    default:
      return at("scalars");
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
