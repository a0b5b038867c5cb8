/**
 * Reading a search to its end. The server cuts every page to 500 rows without a word and gives no total, so a reader
 * that asks once is silently wrong (`clearml-protocol`, 3.8).
 */
import { MAX_PAGE_SIZE } from "../protocol/clearml/limits.js";

/** Order in which new rows come last, so that rows made during the reading move nothing that was not read yet. */
export const STABLE_ORDER: readonly string[] = ["created"];

/** Fetches one page, counted from 0. */
export type FetchPage<Row> = (page: number, pageSize: number) => Promise<readonly Row[]>;

/**
 * All rows, each once. Rows deleted by somebody else during the reading move later ones up, which may then be missed:
 * the API knows no snapshot.
 */
export async function* allRows<Row extends { readonly id: string }>(
  fetchPage: FetchPage<Row>,
  pageSize: number = MAX_PAGE_SIZE,
): AsyncGenerator<Row, void, undefined> {
  const seen = new Set<string>();
  for (let page = 0; ; page++) {
    const rows = await fetchPage(page, pageSize);
    const before = seen.size;
    for (const row of rows) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      yield row;
    }
    // A short page is the last one. A full page of known rows comes from a server that does not page.
    if (rows.length < pageSize || seen.size === before) return;
  }
}
