/**
 * Which view an address means. The addresses are ClearML's own web forms, so a link that any ClearML client prints
 * opens the right page here; forms that this page has no view for lead to the nearest one that it has.
 * Pure: no browser needed. Source of the forms: `clearml-protocol`, section 11.
 */

/** Tabs of a task, in the order shown. */
export const TASK_TABS = ["scalars", "console", "artifacts", "models", "configuration", "callbacks", "info"] as const;

/** A tab of a task. */
export type TaskTab = (typeof TASK_TABS)[number];

/** What is on the screen. `project` is `*` where it does not matter. */
export type Route =
  | { readonly view: "tasks"; readonly project: string }
  | { readonly view: "task"; readonly project: string; readonly task: string; readonly tab: TaskTab; readonly item: string | undefined }
  | { readonly view: "models"; readonly project: string }
  | { readonly view: "model"; readonly project: string; readonly model: string }
  | { readonly view: "callbacks" }
  | { readonly view: "unknown"; readonly path: string };

/** Path of each tab below `/projects/<project>/tasks/<task>/output/`. */
const TAB_PATHS: Readonly<Record<TaskTab, string>> = {
  scalars: "metrics/scalar",
  console: "log",
  artifacts: "artifacts",
  models: "artifacts/output-model",
  configuration: "hyper-params",
  callbacks: "callbacks",
  info: "general",
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
  // Matrix parameters (`compare-tasks;ids=a,b`) belong to comparisons, which have no view here.
  switch (section?.split(";")[0]) {
    case undefined:
    case "overview":
    case "compare-tasks":
      return { view: "tasks", project };
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
