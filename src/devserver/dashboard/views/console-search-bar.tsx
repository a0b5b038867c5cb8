/** The field in which console text is looked for, with its options and the way from one match to the next. */
import type { SearchTerm } from "../data/console-search.js";
import { formatCount } from "../format.js";

export interface SearchTerms extends SearchTerm {
  /** Lines without a match are left out. */
  readonly onlyMatching: boolean;
}

export interface ConsoleSearchProps {
  readonly terms: SearchTerms;
  /** Why the text is no regular expression. */
  readonly error: string | undefined;
  /** Number of the match that is shown, -1 for none, and how many there are. */
  readonly position: { readonly at: number; readonly count: number };
  readonly onChange: (changes: Partial<SearchTerms>) => void;
  readonly onMove: (by: 1 | -1) => void;
}

export function ConsoleSearch({ terms, error, position, onChange, onMove }: ConsoleSearchProps) {
  return (
    <div class="console-search" role="search">
      <input
        type="search"
        aria-label="Search the console"
        placeholder={terms.isPattern ? "Regular expression" : "Search lines"}
        value={terms.text}
        aria-invalid={error !== undefined}
        aria-describedby="search-state"
        onInput={(event) => {
          onChange({ text: event.currentTarget.value });
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          onMove(event.shiftKey ? -1 : 1);
        }}
      />
      <Option label=".*" what="Regular expression" on={terms.isPattern} onToggle={(isPattern) => onChange({ isPattern })} />
      <Option label="Aa" what="Match case" on={terms.matchesCase} onToggle={(matchesCase) => onChange({ matchesCase })} />
      <Option label="Only" what="Only matching lines" on={terms.onlyMatching} onToggle={(onlyMatching) => onChange({ onlyMatching })} />
      <button type="button" class="quiet" aria-label="Match before" disabled={position.count === 0} onClick={() => onMove(-1)}>
        ↑
      </button>
      <button type="button" class="quiet" aria-label="Next match" disabled={position.count === 0} onClick={() => onMove(1)}>
        ↓
      </button>
      <span id="search-state" class="search-state" role="status" data-error={error !== undefined || undefined}>
        {error ?? (terms.text === "" ? "" : matchWords(position))}
      </span>
    </div>
  );
}

function matchWords({ at, count }: ConsoleSearchProps["position"]): string {
  if (count === 0) return "no match";
  return at < 0 ? `${formatCount(count)} ${count === 1 ? "match" : "matches"}` : `${formatCount(at + 1)} of ${formatCount(count)}`;
}

interface OptionProps {
  readonly label: string;
  readonly what: string;
  readonly on: boolean;
  readonly onToggle: (on: boolean) => void;
}

function Option({ label, what, on, onToggle }: OptionProps) {
  return (
    <button type="button" class="quiet" aria-pressed={on} aria-label={what} title={what} onClick={() => onToggle(!on)}>
      {label}
    </button>
  );
}
