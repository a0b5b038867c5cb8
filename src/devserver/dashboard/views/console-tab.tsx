/** The console: the newest lines, following the end unless a reader has scrolled away from it. */
import { Component } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { MAX_LINES, toLines, type ConsoleLine } from "../data/console-lines.js";
import type { TaskDocument } from "../data/documents.js";
import { useConsole } from "../data/queries.js";
import { formatClock, formatCount, formatDateTime } from "../format.js";
import { EmptyState, Loaded } from "../parts/notice.js";

/** Events rendered as one piece, so that one new line, or one dropped, does not touch the thousands beside it. */
const BLOCK_EVENTS = 100;

/** Lowest level shown, with the levels it lets through. */
const LEVELS: readonly { readonly label: string; readonly levels: readonly string[] | undefined }[] = [
  { label: "All levels", levels: undefined },
  { label: "Warnings and errors", levels: ["warning", "warn", "error", "critical", "fatal"] },
  { label: "Errors", levels: ["error", "critical", "fatal"] },
];

export function ConsoleTab({ task }: { readonly task: TaskDocument }) {
  const tail = useConsole(task.id);
  const [search, setSearch] = useState("");
  const [level, setLevel] = useState(0);
  const [follows, setFollows] = useState(true);
  const lines = useMemo(() => (tail.value === undefined ? [] : toLines(tail.value)), [tail.value]);

  return (
    <Loaded resource={tail} what="the console">
      {(value) => {
        if (value.events.length === 0) return <NoLines />;
        const wanted = search.trim().toLowerCase();
        const allowed = LEVELS[level]?.levels;
        const shown = lines.filter(
          (line) => (allowed?.includes(line.level) ?? true) && (wanted === "" || line.text.toLowerCase().includes(wanted)),
        );
        return (
          <>
            <div class="toolbar">
              <input
                type="search"
                aria-label="Filter console lines"
                placeholder="Filter lines"
                value={search}
                onInput={(event) => {
                  setSearch(event.currentTarget.value);
                }}
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
            <ConsolePane lines={shown} follows={follows} onFollow={setFollows} />
          </>
        );
      }}
    </Loaded>
  );
}

interface ConsolePaneProps {
  readonly lines: readonly ConsoleLine[];
  readonly follows: boolean;
  readonly onFollow: (follows: boolean) => void;
}

function ConsolePane({ lines, follows, onFollow }: ConsolePaneProps) {
  const pane = useRef<HTMLDivElement>(null);
  // What the pane scrolled to by itself is not a reader scrolling away.
  const lastTop = useRef(0);
  useEffect(() => {
    if (!follows || !pane.current) return;
    pane.current.scrollTop = pane.current.scrollHeight;
    lastTop.current = pane.current.scrollTop;
  }, [lines, follows]);

  const onScroll = (): void => {
    const element = pane.current;
    if (!element) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
    if (isAtEnd && !follows) onFollow(true);
    else if (follows && !isAtEnd && element.scrollTop < lastTop.current - 4) onFollow(false);
    lastTop.current = element.scrollTop;
  };

  return (
    <div class="console" ref={pane} onScroll={onScroll} tabIndex={0} role="region" aria-label="Console output">
      {lines.length === 0 && <p class="muted">No line matches.</p>}
      {[...toBlocks(lines)].map(([number, block]) => (
        <ConsoleBlock key={number} lines={block} />
      ))}
    </div>
  );
}

/** Drawn again only when one of its own lines is another. */
class ConsoleBlock extends Component<{ readonly lines: readonly ConsoleLine[] }> {
  override shouldComponentUpdate(next: { readonly lines: readonly ConsoleLine[] }): boolean {
    const { lines } = this.props;
    return (
      lines.length !== next.lines.length ||
      lines.some((line, index) => line.id !== next.lines[index]?.id || line.text !== next.lines[index].text)
    );
  }

  override render() {
    return (
      <div class="console-block">
        {this.props.lines.map((line) => (
          <div key={line.id} class="line" data-level={line.level}>
            <time title={formatDateTime(line.timestamp)}>{formatClock(line.timestamp)}</time>
            <span class="line-level">{line.level}</span>
            <span class="line-text">{line.text}</span>
          </div>
        ))}
      </div>
    );
  }
}

function toBlocks(lines: readonly ConsoleLine[]): Map<number, ConsoleLine[]> {
  return Map.groupBy(lines, (line) => Math.floor(line.event / BLOCK_EVENTS));
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
