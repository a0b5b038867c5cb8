/** The width of an element, followed: drawings are made for the place they have. */
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** 0 until it is known. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const node = element.current;
    if (!node) return undefined;
    const observer = new ResizeObserver(() => {
      setWidth(Math.floor(node.clientWidth));
    });
    observer.observe(node);
    return () => {
      observer.disconnect();
    };
  }, []);
  return width;
}
