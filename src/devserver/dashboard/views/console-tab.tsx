/** The console: the newest lines, with a search in them; it follows the end unless a reader has scrolled away from it. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { MAX_LINES, toLines, type ConsoleLine } from "../data/console-lines.js";
import { prepareSearch, type Found, type Search } from "../data/console-search.js";
import type { TaskDocument } from "../data/documents.js";
import { useConsole } from "../data/queries.js";
import { useShortcuts } from "../data/shortcuts.js";
import { formatCount } from "../format.js";
import { EmptyState, Loaded } from "../parts/notice.js";
import { ConsolePane } from "./console-pane.js";
import { ConsoleSearch, type SearchTerms } from "./console-search-bar.js";

/** Lowest level shown, with the levels it lets through. */
const LEVELS: readonly { readonly label: string; readonly levels: readonly string[] | undefined }[] = [
  { label: "All levels", levels: undefined },
  { label: "Warnings and errors", levels: ["warning", "warn", "error", "critical", "fatal"] },
  { label: "Errors", levels: ["error", "critical", "fatal"] },
];

export function ConsoleTab({ task }: { readonly task: TaskDocument }) {
  const tail = useConsole(task.id);
  const lines = useMemo(() => (tail.value === undefined ? [] : toLines(tail.value)), [tail.value]);
  return (
    <Loaded resource={tail} what="the console">
      {(value) => (value.events.length === 0 ? <NoLines /> : <SearchableConsole lines={lines} />)}
    </Loaded>
  );
}

function SearchableConsole({ lines }: { readonly lines: readonly ConsoleLine[] }) {
  const [terms, setTerms] = useState<SearchTerms>({ text: "", isPattern: false, matchesCase: false, onlyMatching: false });
  const [level, setLevel] = useState(0);
  const [follows, setFollows] = useState(true);
  const [current, setCurrent] = useState<string | undefined>(undefined);

  const search = useMemo(() => prepareSearch(terms), [terms.text, terms.isPattern, terms.matchesCase]);
  const allowed = LEVELS[level]?.levels;
  const { shown, found, matches } = useMemo(
    () => findIn(lines, search, allowed, terms.onlyMatching),
    [lines, search, allowed, terms.onlyMatching],
  );
  const at = current === undefined ? -1 : matches.indexOf(current);

  const move = (by: number): void => {
    if (matches.length === 0) return;
    // From nowhere a reader goes back from the newest, or forth from the oldest.
    const from = at >= 0 ? at : by > 0 ? -1 : matches.length;
    setCurrent(matches[(from + by + matches.length) % matches.length]);
    setFollows(false);
  };
  useEffect(() => {
    // What is written is looked for from the newest line.
    setCurrent(matches.at(-1));
    if (matches.length > 0) setFollows(false);
  }, [search]);
  useShortcuts("Console", [
    { keys: "n", does: "Next match", run: () => move(1) },
    { keys: "N", does: "Match before", run: () => move(-1) },
    { keys: "f", does: "Follow the end", run: () => setFollows(true) },
  ]);

  return (
    <>
      <div class="toolbar">
        <ConsoleSearch
          terms={terms}
          error={search.error}
          position={{ at, count: matches.length }}
          onChange={(changes) => {
            setTerms({ ...terms, ...changes });
          }}
          onMove={move}
        />
        <select
          aria-label="Level"
          value={String(level)}
          onChange={(event) => {
            setLevel(Number(event.currentTarget.value));
          }}
        >
          {LEVELS.map(({ label }, index) => (
            <option key={label} value={String(index)}>
              {label}
            </option>
          ))}
        </select>
        <label class="check">
          <input
            type="checkbox"
            checked={follows}
            onChange={(event) => {
              setFollows(event.currentTarget.checked);
            }}
          />
          Follow
        </label>
        <span class="toolbar-note">
          {lines.length >= MAX_LINES
            ? `newest ${formatCount(MAX_LINES)} lines`
            : `${formatCount(shown.length)} ${shown.length === 1 ? "line" : "lines"}`}
        </span>
      </div>
      <ConsolePane lines={shown} found={found} current={current} follows={follows} onFollow={setFollows} />
    </>
  );
}

interface FoundLines {
  readonly shown: readonly ConsoleLine[];
  /** What was found, by the line's id. */
  readonly found: ReadonlyMap<string, readonly Found[]>;
  /** Each place that was found, in order: the line's id and its number in the line. */
  readonly matches: readonly string[];
}

function findIn(lines: readonly ConsoleLine[], search: Search, levels: readonly string[] | undefined, onlyMatching: boolean): FoundLines {
  const found = new Map<string, readonly Found[]>();
  const matches: string[] = [];
  const isSearching = search.error === undefined && onlyMatching;
  const shown = lines.filter((line) => {
    if (levels && !levels.includes(line.level)) return false;
    const places = search.error === undefined ? search.find(line.text) : [];
    if (places.length > 0) found.set(line.id, places);
    for (const index of places.keys()) matches.push(`${line.id}/${String(index)}`);
    return !isSearching || places.length > 0 || search.isEmpty;
  });
  return { shown, found, matches };
}

function NoLines() {
  return (
    <EmptyState title="No console lines yet">
      <p class="muted">
        Lines reported with <code>sdk.log(&quot;info&quot;, message)</code> appear here as they arrive.
      </p>
    </EmptyState>
  );
}
