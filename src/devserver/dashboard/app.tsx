/**
 * The dashboard of the embedded ClearML: what a training has reported, live. It reads the ClearML API of its own origin
 * and changes nothing. This file is the entry: it assembles the parts and mounts them.
 */
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { EnvironmentContext, useServerEnvironment } from "./data/environment.js";
import { LiveFeed } from "./data/live-feed.js";
import { FeedContext } from "./data/use-resource.js";
import { Link, NavigateContext, useRoute } from "./navigation.js";
import { ConnectionBanner, ConnectionMark } from "./parts/connection-status.js";
import { EmptyState } from "./parts/notice.js";
import type { Route } from "./route.js";
import { CallbacksTab } from "./views/callbacks-tab.js";
import { ModelList } from "./views/model-list.js";
import { ModelPage } from "./views/model-page.js";
import { TaskList } from "./views/task-list.js";
import { TaskPage } from "./views/task-page.js";

function App({ feed }: { readonly feed: LiveFeed }) {
  const [route, navigate] = useRoute();
  const environment = useServerEnvironment();
  useEffect(() => {
    feed.open();
    return () => {
      feed.close();
    };
  }, [feed]);
  return (
    <FeedContext.Provider value={feed}>
      <NavigateContext.Provider value={navigate}>
        <header class="bar">
          <div class="bar-inner">
            <Link class="brand" to={{ view: "tasks", project: "*" }}>
              trainer-sdk
            </Link>
            <nav aria-label="Main">
              <Link to={{ view: "tasks", project: "*" }} current={current(route, "tasks", "task")}>
                Tasks
              </Link>
              <Link to={{ view: "models", project: "*" }} current={current(route, "models", "model")}>
                Models
              </Link>
              <Link to={{ view: "callbacks" }} current={route.view === "callbacks" && "page"}>
                Callbacks
              </Link>
            </nav>
            <ConnectionMark />
          </div>
        </header>
        <ConnectionBanner />
        <EnvironmentContext.Provider value={environment}>
          <View route={route} />
        </EnvironmentContext.Provider>
      </NavigateContext.Provider>
    </FeedContext.Provider>
  );
}

function current(route: Route, list: Route["view"], single: Route["view"]): "page" | "true" | false {
  if (route.view === list) return "page";
  return route.view === single && "true";
}

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case "tasks":
      return <TaskList project={route.project} />;
    case "task":
      return <TaskPage project={route.project} task={route.task} tab={route.tab} item={route.item} />;
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
              <code>{route.path}</code> is not an address of this dashboard.{" "}
              <Link to={{ view: "tasks", project: "*" }}>Go to the tasks</Link>.
            </p>
          </EmptyState>
        </main>
      );
  }
}

const root = document.getElementById("app");
if (root) render(<App feed={new LiveFeed()} />, root);
