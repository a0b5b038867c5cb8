/** Whether an element is on the screen or about to be: what is far away need not be drawn. */
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Half a screen ahead in either direction, so that scrolling finds things drawn. */
const MARGIN = "50% 0px";

export interface InView {
  readonly inView: boolean;
  /** The element's height when it was last in view; keeps its place while it is not. */
  readonly heightPx: number | undefined;
}

/** Follows the element. */
export function useInView(element: RefObject<HTMLElement | null>): InView {
  const [state, setState] = useState<InView>({ inView: false, heightPx: undefined });
  useEffect(() => {
    const node = element.current;
    if (!node) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        const entry = entries.at(-1);
        if (!entry) return;
        setState((before) => {
          if (before.inView === entry.isIntersecting) return before;
          return { inView: entry.isIntersecting, heightPx: before.inView ? entry.boundingClientRect.height : before.heightPx };
        });
      },
      { rootMargin: MARGIN },
    );
    observer.observe(node);
    return () => {
      observer.disconnect();
    };
  }, []);
  return state;
}
