/** The lines of a console, thousands of them, of which only those that changed are drawn again. */
import { Component } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ConsoleLine } from "../data/console-lines.js";
import { cutLine, type Found } from "../data/console-search.js";
import { formatClock, formatDateTime } from "../format.js";

/** Events rendered as one piece, so that one new line, or one dropped, does not touch the thousands beside it. */
const BLOCK_EVENTS = 100;

export interface ConsolePaneProps {
  readonly lines: readonly ConsoleLine[];
  /** What was found, by the line's id. */
  readonly found: ReadonlyMap<string, readonly Found[]>;
  /** The match that is shown: the line's id and the match's number in the line. */
  readonly current: string | undefined;
  readonly follows: boolean;
  readonly onFollow: (follows: boolean) => void;
}

export function ConsolePane({ lines, found, current, follows, onFollow }: ConsolePaneProps) {
  const pane = useRef<HTMLDivElement>(null);
  // What the pane scrolled to by itself is not a reader scrolling away.
  const lastTop = useRef(0);
  useEffect(() => {
    if (!follows || !pane.current) return;
    pane.current.scrollTop = pane.current.scrollHeight;
    lastTop.current = pane.current.scrollTop;
  }, [lines, follows]);
  useEffect(() => {
    if (current === undefined || follows) return;
    const element = pane.current;
    const mark = element?.querySelector("mark[data-current]");
    if (!element || !mark) return;
    // The pane alone: `scrollIntoView` would also move the page.
    const [outer, inner] = [element.getBoundingClientRect(), mark.getBoundingClientRect()];
    element.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
    lastTop.current = element.scrollTop;
  }, [current]);

  const onScroll = (): void => {
    const element = pane.current;
    if (!element) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
    if (isAtEnd && !follows && element.scrollTop > lastTop.current) onFollow(true);
    else if (follows && !isAtEnd && element.scrollTop < lastTop.current - 4) onFollow(false);
    lastTop.current = element.scrollTop;
  };

  return (
    <div class="console" ref={pane} onScroll={onScroll} tabIndex={0} role="region" aria-label="Console output">
      {lines.length === 0 && <p class="muted">No line matches.</p>}
      {[...toBlocks(lines)].map(([number, block]) => (
        <ConsoleBlock
          key={number}
          lines={block}
          found={found}
          current={block.some((line) => current?.startsWith(`${line.id}/`)) ? current : undefined}
        />
      ))}
    </div>
  );
}

interface ConsoleBlockProps {
  readonly lines: readonly ConsoleLine[];
  readonly found: ReadonlyMap<string, readonly Found[]>;
  readonly current: string | undefined;
}

/** Drawn again only when one of its own lines, or what was found in one, is another. */
class ConsoleBlock extends Component<ConsoleBlockProps> {
  override shouldComponentUpdate(next: ConsoleBlockProps): boolean {
    const { lines, found, current } = this.props;
    return (
      current !== next.current ||
      lines.length !== next.lines.length ||
      lines.some((line, index) => {
        const other = next.lines[index];
        return line.id !== other?.id || line.text !== other.text || !isSame(found.get(line.id), next.found.get(line.id));
      })
    );
  }

  override render() {
    const { lines, found, current } = this.props;
    return (
      <div class="console-block">
        {lines.map((line) => (
          <div key={line.id} class="line" data-level={line.level}>
            <time title={formatDateTime(line.timestamp)}>{formatClock(line.timestamp)}</time>
            <span class="line-level">{line.level}</span>
            <span class="line-text">
              <LineText line={line} found={found.get(line.id)} current={current} />
            </span>
          </div>
        ))}
      </div>
    );
  }
}

interface LineTextProps {
  readonly line: ConsoleLine;
  readonly found: readonly Found[] | undefined;
  readonly current: string | undefined;
}

function LineText({ line, found, current }: LineTextProps) {
  if (found === undefined) return <>{line.text}</>;
  return (
    <>
      {cutLine(line.text, found).map(({ text, match }, index) =>
        match === undefined ? (
          text
        ) : (
          <mark key={index} data-current={current === `${line.id}/${String(match)}` || undefined}>
            {text}
          </mark>
        ),
      )}
    </>
  );
}

function isSame(a: readonly Found[] | undefined, b: readonly Found[] | undefined): boolean {
  if (a === b) return true;
  return a?.length === b?.length && (a ?? []).every((one, index) => one.start === b?.[index]?.start && one.end === b[index].end);
}

function toBlocks(lines: readonly ConsoleLine[]): Map<number, ConsoleLine[]> {
  return Map.groupBy(lines, (line) => Math.floor(line.event / BLOCK_EVENTS));
}
