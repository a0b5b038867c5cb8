/** Tasks chosen for a comparison, kept in the address: `?selected=<id>,<id>`. */
import { useQuery } from "../navigation.js";

/** Tasks compared at most; colours and screens have an end. */
export const MOST_COMPARED = 20;

export interface Selection {
  readonly ids: readonly string[];
  readonly isFull: boolean;
  readonly toggle: (id: string) => void;
  readonly clear: () => void;
}

export function useSelection(): Selection {
  const [query, changeQuery] = useQuery();
  const ids = selectedIn(query);
  return {
    ids,
    isFull: ids.length >= MOST_COMPARED,
    toggle: (id) => {
      // By what is selected now: two keys may come before the next drawing.
      changeQuery((now) => {
        const selected = selectedIn(now);
        const without = selected.filter((each) => each !== id);
        const next = without.length < selected.length ? without : [...selected, id].slice(0, MOST_COMPARED);
        return { selected: next.length === 0 ? undefined : next.join(",") };
      });
    },
    clear: () => changeQuery({ selected: undefined }),
  };
}

function selectedIn(query: URLSearchParams): string[] {
  return (query.get("selected") ?? "").split(",").filter((id) => id !== "");
}
