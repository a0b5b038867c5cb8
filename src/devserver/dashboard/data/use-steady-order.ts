/**
 * Rows that stay where they are while somebody is at work in them. News would otherwise sort the list anew between two
 * keys: the row that has the keyboard moves, which costs it the focus, and the next key hits another one or none.
 */
import { useRef } from "preact/hooks";

/**
 * `items` in their own order, or, while `isHeld()`, in the order of the last drawing: what is gone is left out, what has
 * come stands at the top. `isHeld` is asked at each drawing, because the keyboard moves without one.
 */
export function useSteadyOrder<T extends { readonly id: string }>(items: readonly T[], isHeld: () => boolean): readonly T[] {
  const drawn = useRef<readonly string[]>([]);
  const ordered = isHeld() ? inOrderOf(drawn.current, items) : items;
  drawn.current = ordered.map((item) => item.id);
  return ordered;
}

function inOrderOf<T extends { readonly id: string }>(ids: readonly string[], items: readonly T[]): readonly T[] {
  const place = new Map(ids.map((id, index) => [id, index]));
  // Sorting is stable: those without a place keep their own order, before all others.
  return [...items].sort((a, b) => (place.get(a.id) ?? -1) - (place.get(b.id) ?? -1));
}
