/** Lists that a server answers page by page. */
import { MLFLOW_API, type MlflowWire } from "./mlflow-wire.js";

/**
 * Rows of all pages. A page that is exactly full has a token even when nothing follows.
 *
 * @throws ApiError when the server repeats a token; what asking for a page throws.
 */
export async function* rowsOfPages<Page extends { readonly next_page_token?: string | undefined }, Row>(
  wire: MlflowWire,
  fetch: (token: string | undefined) => Promise<Page>,
  rowsOf: (page: Page) => readonly Row[],
): AsyncGenerator<Row, void, undefined> {
  const seen = new Set<string>();
  let token: string | undefined;
  do {
    const page = await fetch(token);
    yield* rowsOf(page);
    token = page.next_page_token === "" ? undefined : page.next_page_token;
    if (token !== undefined && seen.has(token))
      throw wire.refusal("GET", MLFLOW_API, 200, "a list does not end: it answers the same place again");
    if (token !== undefined) seen.add(token);
  } while (token !== undefined);
}
