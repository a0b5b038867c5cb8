/** Moving between views without loading the page again: the address is the only state there is of where one is. */
import { createContext, type ComponentChildren } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";
import { parseRoute, routePath, type Route } from "./route.js";

/** Goes to a view. */
export type Navigate = (route: Route) => void;

/** Set by the entry. */
export const NavigateContext = createContext<Navigate | undefined>(undefined);

/** The view that the address bar means, and the way to change it. */
export function useRoute(): [Route, Navigate] {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const follow = (): void => {
      setPath(location.pathname);
    };
    addEventListener("popstate", follow);
    return () => {
      removeEventListener("popstate", follow);
    };
  }, []);
  const navigate = useCallback((route: Route) => {
    const next = routePath(route);
    if (next === location.pathname) return;
    history.pushState(null, "", next);
    setPath(next);
    if (route.view !== "task" || !document.querySelector("[data-view=task]")) scrollTo(0, 0);
  }, []);
  return [parseRoute(path), navigate];
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
