/** What a person's words on the command line mean: folders with journals in them, archives, or a place in object storage. */
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A place to look at. */
export type Place =
  /** A journal's folder. */
  | { readonly kind: "journal"; readonly directory: string }
  /** Where hand-overs lie, as a URI. */
  | { readonly kind: "archives"; readonly uri: string };

/** Folders that are never looked into. */
const PASSED_OVER = new Set(["node_modules", ".git", "pins"]);
/** Journals lie in `.trainer-sdk/<job>/rank-<n>` at the deepest; a home folder is not searched to its bottom. */
const MAX_DEPTH = 5;

/**
 * The journals and archives under one argument: a folder (itself a journal, or one with journals somewhere below it), an
 * archive, or a URI.
 *
 * @throws Error with words for a person when there is nothing there.
 */
export async function findJournals(argument: string): Promise<readonly Place[]> {
  if (/^(s3|file):\/\//i.test(argument)) return [{ kind: "archives", uri: argument }];
  const path = resolve(argument);
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) throw new Error(`there is no ${path}`);
  if (facts.isFile()) {
    if (path.endsWith(".tar.gz")) return [{ kind: "archives", uri: pathToFileURL(path).href }];
    throw new Error(`${path} is neither a folder nor a hand-over archive (.tar.gz)`);
  }
  const places: Place[] = [];
  await look(path, 0, places);
  if (places.length === 0) throw new Error(`there is no journal in ${path}, nor up to ${String(MAX_DEPTH)} folders below it`);
  return places;
}

async function look(directory: string, depth: number, places: Place[]): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  if (entries.some((entry) => entry.isFile() && /^journal-\d{8,}\.ndjson$/.test(entry.name))) places.push({ kind: "journal", directory });
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isFile() && /^[0-9a-f]{32}-[0-9a-f]{8}\.tar\.gz$/.test(entry.name))
      places.push({ kind: "archives", uri: pathToFileURL(path).href });
    if (entry.isDirectory() && depth < MAX_DEPTH && !PASSED_OVER.has(entry.name)) await look(path, depth + 1, places);
  }
}
