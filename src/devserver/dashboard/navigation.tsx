/** Moving between views without loading the page again: the address is the only state there is of where one is. */
import { createContext, type ComponentChildren } from "preact";
import { useCallback, useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { SETTING_NAMES } from "./data/chart-settings.js";
import { parseRoute, routePath, type Route } from "./route.js";

/** Goes to a view. */
export type Navigate = (route: Route) => void;

/** Set by the entry. */
export const NavigateContext = createContext<Navigate | undefined>(undefined);

/** What to change of the part of the address after the question mark; `undefined` takes a name away. */
export type QueryChanges = Readonly<Record<string, string | undefined>>;

/** Changes that part, by what it is now; the page stays where it is. */
export type ChangeQuery = (changes: QueryChanges | ((now: URLSearchParams) => QueryChanges)) => void;

/** Set by the entry. */
export const QueryContext = createContext<readonly [URLSearchParams, ChangeQuery]>([new URLSearchParams(), () => undefined]);

/** The part of the address after the question mark, and the way to change it. */
export function useQuery(): readonly [URLSearchParams, ChangeQuery] {
  return useContext(QueryContext);
}

export interface Place {
  readonly route: Route;
  readonly query: URLSearchParams;
  readonly navigate: Navigate;
  readonly changeQuery: ChangeQuery;
}

/** The view that the address bar means, and the ways to change it. */
export function usePlace(): Place {
  const [{ path, search }, setPlace] = useState({ path: location.pathname, search: location.search });
  const unwritten = useRef<{ readonly search: string; readonly timer: ReturnType<typeof setTimeout> } | undefined>(undefined);
  const write = useCallback(() => {
    if (!unwritten.current) return;
    clearTimeout(unwritten.current.timer);
    history.replaceState(null, "", location.pathname + unwritten.current.search);
    unwritten.current = undefined;
  }, []);
  useEffect(() => {
    const follow = (): void => {
      clearTimeout(unwritten.current?.timer);
      unwritten.current = undefined;
      setPlace({ path: location.pathname, search: location.search });
    };
    addEventListener("popstate", follow);
    addEventListener("pagehide", write);
    return () => {
      removeEventListener("popstate", follow);
      removeEventListener("pagehide", write);
    };
  }, [write]);
  const navigate = useCallback(
    (route: Route) => {
      write();
      const next = routePath(route);
      if (next === location.pathname) return;
      const isOtherTab =
        (route.view === "task" || route.view === "compare") && document.querySelector(`[data-view=${route.view}]`) !== null;
      history.pushState(null, "", next + keptQuery());
      setPlace({ path: location.pathname, search: location.search });
      if (!isOtherTab) scrollTo(0, 0);
    },
    [write],
  );
  const changeQuery = useCallback<ChangeQuery>(
    (changes) => {
      const query = new URLSearchParams(unwritten.current?.search ?? location.search);
      for (const [name, value] of Object.entries(typeof changes === "function" ? changes(query) : changes)) {
        if (value === undefined) query.delete(name);
        else query.set(name, value);
      }
      clearTimeout(unwritten.current?.timer);
      unwritten.current = { search: queryText(query), timer: setTimeout(write, ADDRESS_DELAY_MS) };
      setPlace({ path: location.pathname, search: unwritten.current.search });
    },
    [write],
  );
  const route = useMemo(() => parseRoute(path), [path]);
  const query = useMemo(() => new URLSearchParams(search), [search]);
  return { route, query, navigate, changeQuery };
}

/** A slider changes the address many times a second, which browsers refuse to follow: it is written when it rests. */
const ADDRESS_DELAY_MS = 150;

/** How charts are drawn is the reader's choice for all of them, so it goes along to the next page. */
function keptQuery(): string {
  const now = new URLSearchParams(location.search);
  const kept = new URLSearchParams();
  for (const name of SETTING_NAMES) {
    const value = now.get(name);
    if (value !== null) kept.set(name, value);
  }
  return queryText(kept);
}

function queryText(query: URLSearchParams): string {
  // Commas between ids are readable as they are.
  const text = query.toString().replaceAll("%2C", ",");
  return text === "" ? "" : `?${text}`;
}

export interface LinkProps {
  readonly to: Route;
  readonly class?: string;
  /** Where the link leads to what is on the screen (`page`) or to the part of the site that it belongs to (`true`). */
  readonly current?: "page" | "true" | false;
  readonly children: ComponentChildren;
}

/** A real link, so that it can be copied and opened in a tab; a plain click stays in the page. */
export function Link({ to, class: className, current, children }: LinkProps) {
  const navigate = useContext(NavigateContext);
  return (
    <a
      href={routePath(to)}
      class={className}
      aria-current={current === false ? undefined : current}
      onClick={(event) => {
        if (!navigate || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        navigate(to);
      }}
    >
      {children}
    </a>
  );
}
