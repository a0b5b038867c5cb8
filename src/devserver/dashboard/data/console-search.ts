/** Finding text in console lines. Pure. */

/** A part of a text that was found, from `start` up to and without `end`. */
export interface Found {
  readonly start: number;
  readonly end: number;
}

/** What to look for. */
export interface SearchTerm {
  readonly text: string;
  readonly isPattern: boolean;
  readonly matchesCase: boolean;
}

/** Finds a term in a line, or says why it is none. */
export type Search =
  { readonly find: (line: string) => readonly Found[]; readonly isEmpty: boolean; readonly error?: undefined } | { readonly error: string };

/** Places marked in one line at most; a line of a million letters must not become a million marks. */
const MOST_IN_LINE = 100;

/** Letters of a line that are looked at. */
const LONGEST_LINE = 20_000;

/** Prepares a search; an empty text finds nothing. */
export function prepareSearch(term: SearchTerm): Search {
  if (term.text === "") return { find: () => [], isEmpty: true };
  let pattern: RegExp;
  try {
    const source = term.isPattern ? term.text : term.text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    pattern = new RegExp(source, term.matchesCase ? "gu" : "giu");
  } catch (error) {
    return { error: error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : String(error) };
  }
  return {
    isEmpty: false,
    find: (line) => {
      const found: Found[] = [];
      for (const match of line.slice(0, LONGEST_LINE).matchAll(pattern)) {
        // A pattern such as `a*` also finds nothing, everywhere.
        if (match[0] !== "") found.push({ start: match.index, end: match.index + match[0].length });
        if (found.length >= MOST_IN_LINE) break;
      }
      return found;
    },
  };
}

/** A piece of a line; `match` is its number among the found parts, undefined for what lies between. */
export interface LinePiece {
  readonly text: string;
  readonly match: number | undefined;
}

/** Cuts a line at what was found. */
export function cutLine(line: string, found: readonly Found[]): LinePiece[] {
  const pieces: LinePiece[] = [];
  let at = 0;
  for (const [match, { start, end }] of found.entries()) {
    if (start > at) pieces.push({ text: line.slice(at, start), match: undefined });
    pieces.push({ text: line.slice(start, end), match });
    at = end;
  }
  if (at < line.length) pieces.push({ text: line.slice(at), match: undefined });
  return pieces;
}
