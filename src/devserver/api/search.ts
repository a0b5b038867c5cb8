/** A search from its request to the rows of its answer: hidden ones, filters, order, paging or scroll. @see clearml-protocol 3.8 */
import { MAX_PAGE_SIZE } from "../../protocol/clearml/limits.js";
import type { Call } from "./call.js";
import { valuesAt } from "./document-paths.js";
import { filterDocuments } from "./search-filters.js";
import type { SearchRules } from "./search-filters.js";

/** Fields of a request that page and order. */
export interface PageRequest {
  readonly id?: unknown;
  readonly order_by?: readonly string[] | null | undefined;
  readonly page?: number | null | undefined;
  readonly page_size?: number | null | undefined;
  readonly scroll_id?: string | null | undefined;
  readonly refresh_scroll?: boolean | null | undefined;
  readonly size?: number | null | undefined;
  readonly search_hidden?: boolean | null | undefined;
}

/** Rows of one page, and the scroll to go on with when one was asked for. */
export interface Page<D> {
  readonly rows: D[];
  readonly scroll: { readonly scroll_id?: string };
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function compareValues(a: unknown, b: unknown): number {
  if (a === b) return 0;
  // The database puts what is absent before everything else.
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return textOf(a) < textOf(b) ? -1 : 1;
}

function inOrder<D extends { readonly id: string }>(documents: D[], orderBy: readonly string[] | null | undefined): D[] {
  if (!orderBy || orderBy.length === 0) return documents;
  const keys = [...orderBy, "id"].map((key) => (key.startsWith("-") ? { path: key.slice(1), sign: -1 } : { path: key, sign: 1 }));
  const rows = documents.map((document) => ({ document, values: keys.map(({ path }) => valuesAt(document, path)[0]) }));
  rows.sort((a, b) => {
    for (const [at, { sign }] of keys.entries()) {
      const order = sign * compareValues(a.values[at], b.values[at]);
      if (order !== 0) return order;
    }
    return 0;
  });
  return rows.map((row) => row.document);
}

/** Runs the search that the call asks for. */
export function search<D extends { readonly id: string; readonly system_tags: readonly string[] }>(
  documents: Iterable<D>,
  rules: SearchRules,
  request: PageRequest,
  call: Call,
): Page<D> {
  const showHidden = request.search_hidden === true || (request.id !== undefined && request.id !== null);
  const found = filterDocuments(documents, rules, call.fields).filter((document) => showHidden || !document.system_tags.includes("hidden"));
  const rows = inOrder(found, request.order_by);
  const scrollId = request.scroll_id ?? undefined;
  if (scrollId !== undefined || (request.size ?? 0) > 0) {
    const { rows: page, id } = call.scrolls.next(rows, scrollId, request.size ?? MAX_PAGE_SIZE, request.refresh_scroll === true);
    return { rows: page, scroll: { scroll_id: id } };
  }
  // Cut without a word: a client that does not page misses rows here as it does there.
  const size = Math.min(Math.max(1, request.page_size ?? MAX_PAGE_SIZE), MAX_PAGE_SIZE);
  const start = Math.max(0, request.page ?? 0) * size;
  return { rows: rows.slice(start, start + size), scroll: {} };
}
