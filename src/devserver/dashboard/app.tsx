/**
 * The dashboard of the embedded ClearML: what a training has reported, live. It reads the ClearML API of its own origin
 * and changes nothing. This file is the entry: it assembles the parts and mounts them.
 */
import { render } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { EnvironmentContext, useServerEnvironment } from "./data/environment.js";
import { LiveFeed } from "./data/live-feed.js";
import { focusSearch, Shortcuts, ShortcutsContext, useShortcuts } from "./data/shortcuts.js";
import { ThemeContext, useTheme } from "./data/theme.js";
import { FeedContext } from "./data/use-resource.js";
import { Link, NavigateContext, QueryContext, usePlace, type Navigate } from "./navigation.js";
import { ConnectionBanner, ConnectionMark } from "./parts/connection-status.js";
import { EmptyState } from "./parts/notice.js";
import { ShortcutHelp } from "./parts/shortcut-help.js";
import { ThemeSwitch } from "./parts/theme-switch.js";
import type { Route } from "./route.js";
import { CallbacksTab } from "./views/callbacks-tab.js";
import { ComparePage } from "./views/compare-page.js";
import { ModelList } from "./views/model-list.js";
import { ModelPage } from "./views/model-page.js";
import { ProjectsPage } from "./views/projects-page.js";
import { TaskList } from "./views/task-list.js";
import { TaskPage } from "./views/task-page.js";

const ALL_TASKS: Route = { view: "tasks", project: "*" };
const ALL_MODELS: Route = { view: "models", project: "*" };

function App({ feed, shortcuts }: { readonly feed: LiveFeed; readonly shortcuts: Shortcuts }) {
  const { route, query, navigate, changeQuery } = usePlace();
  const theme = useTheme();
  const environment = useServerEnvironment();
  const queryAndChange = useMemo(() => [query, changeQuery] as const, [query, changeQuery]);
  useEffect(() => {
    feed.open();
    shortcuts.open();
    return () => {
      feed.close();
      shortcuts.close();
    };
  }, [feed, shortcuts]);
  return (
    <FeedContext.Provider value={feed}>
      <ShortcutsContext.Provider value={shortcuts}>
        <NavigateContext.Provider value={navigate}>
          <QueryContext.Provider value={queryAndChange}>
            <ThemeContext.Provider value={theme}>
              <EnvironmentContext.Provider value={environment}>
                <Bar route={route} navigate={navigate} />
                <ConnectionBanner />
                <View route={route} />
              </EnvironmentContext.Provider>
            </ThemeContext.Provider>
          </QueryContext.Provider>
        </NavigateContext.Provider>
      </ShortcutsContext.Provider>
    </FeedContext.Provider>
  );
}

function Bar({ route, navigate }: { readonly route: Route; readonly navigate: Navigate }) {
  useShortcuts("Go to", [
    { keys: "g t", does: "Tasks", run: () => navigate(ALL_TASKS) },
    { keys: "g p", does: "Projects", run: () => navigate({ view: "projects" }) },
    { keys: "g m", does: "Models", run: () => navigate(ALL_MODELS) },
    { keys: "g c", does: "Callbacks", run: () => navigate({ view: "callbacks" }) },
    { keys: "/", does: "The search field", run: focusSearch },
  ]);
  return (
    <header class="bar">
      <div class="bar-inner">
        <Link class="brand" to={ALL_TASKS}>
          trainer-sdk
        </Link>
        <nav aria-label="Main">
          <Link to={ALL_TASKS} current={current(route, "tasks", "task", "compare")}>
            Tasks
          </Link>
          <Link to={{ view: "projects" }} current={current(route, "projects")}>
            Projects
          </Link>
          <Link to={ALL_MODELS} current={current(route, "models", "model")}>
            Models
          </Link>
          <Link to={{ view: "callbacks" }} current={current(route, "callbacks")}>
            Callbacks
          </Link>
        </nav>
        <div class="bar-side">
          <ConnectionMark />
          <ThemeSwitch />
          <ShortcutHelp />
        </div>
      </div>
    </header>
  );
}

function current(route: Route, list: Route["view"], ...below: readonly Route["view"][]): "page" | "true" | false {
  if (route.view === list) return "page";
  return below.includes(route.view) && "true";
}

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case "projects":
      return <ProjectsPage />;
    case "tasks":
      return <TaskList project={route.project} />;
    case "task":
      return <TaskPage project={route.project} task={route.task} tab={route.tab} item={route.item} />;
    case "compare":
      return <ComparePage project={route.project} ids={route.tasks} tab={route.tab} />;
    case "models":
      return <ModelList project={route.project} />;
    case "model":
      return <ModelPage model={route.model} />;
    case "callbacks":
      return (
        <main data-view="callbacks">
          <header class="page-head">
            <h1>Callbacks</h1>
          </header>
          <CallbacksTab task={undefined} />
        </main>
      );
    case "unknown":
      return (
        <main data-view="unknown">
          <EmptyState title="Nothing is shown at this address">
            <p class="muted">
              <code>{route.path}</code> is not an address of this dashboard. <Link to={ALL_TASKS}>Go to the tasks</Link>.
            </p>
          </EmptyState>
        </main>
      );
  }
}

const root = document.getElementById("app");
if (root) render(<App feed={new LiveFeed()} shortcuts={new Shortcuts()} />, root);
