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
  const ids = (query.get("selected") ?? "").split(",").filter((id) => id !== "");
  const choose = (next: readonly string[]): void => {
    changeQuery({ selected: next.length === 0 ? undefined : next.join(",") });
  };
  return {
    ids,
    isFull: ids.length >= MOST_COMPARED,
    toggle: (id) => {
      if (ids.includes(id)) choose(ids.filter((each) => each !== id));
      else if (ids.length < MOST_COMPARED) choose([...ids, id]);
    },
    clear: () => choose([]),
  };
}
