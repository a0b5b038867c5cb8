/** What a person's words on the command line mean: folders with journals in them, archives, sessions, or a place in object storage. */
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A place to look at. */
export type Place =
  /** A journal's folder. */
  | { readonly kind: "journal"; readonly directory: string }
  /** Where hand-overs lie, as a URI. */
  | { readonly kind: "archives"; readonly uri: string }
  /** An offline session of ClearML's client or ours: a zip, or the folder of one. */
  | { readonly kind: "session"; readonly path: string };

/** Folders that are never looked into. */
const PASSED_OVER = new Set(["node_modules", ".git", "pins"]);
/** Journals lie in `.trainer-sdk/<job>/rank-<n>` at the deepest; a home folder is not searched to its bottom. */
const MAX_DEPTH = 5;
/** Names of recorded sessions, as ClearML's client gives them. */
const OFFLINE_ID = /^offline-[0-9a-f]{32}$/;

/**
 * What can be delivered under one argument: a folder (itself a journal, or one with journals or sessions somewhere below
 * it), an archive, a session, or a URI.
 *
 * @throws Error with words for a person when there is nothing there.
 */
export async function findJournals(argument: string): Promise<readonly Place[]> {
  if (/^(s3|file):\/\//i.test(argument)) return [{ kind: "archives", uri: argument }];
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(argument)?.[0];
  if (scheme !== undefined) throw new Error(`nothing is fetched from ${scheme}: name a path, s3://bucket/prefix or file:///folder`);
  const path = resolve(argument);
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) throw new Error(`there is no ${path}`);
  if (facts.isFile()) {
    if (path.endsWith(".tar.gz")) return [{ kind: "archives", uri: pathToFileURL(path).href }];
    if (path.endsWith(".zip")) return [{ kind: "session", path }];
    throw new Error(`${path} is neither a folder, nor a hand-over archive (.tar.gz), nor an offline session (.zip)`);
  }
  const places: Place[] = [];
  await look(path, 0, places);
  if (places.length === 0)
    throw new Error(`there is no journal and no offline session in ${path}, nor up to ${String(MAX_DEPTH)} folders below it`);
  return places;
}

/** The journals alone. @throws Error with words for a person when there is none. */
export async function journalFolders(folder: string): Promise<readonly string[]> {
  const directories = (await findJournals(folder)).flatMap((place) => (place.kind === "journal" ? [place.directory] : []));
  if (directories.length === 0) throw new Error(`there is no journal's folder in ${folder}; archives are unpacked by sync alone`);
  return directories;
}

/** The one journal that is meant. @throws Error with words for a person when there are none, or several. */
export async function theJournal(folder: string): Promise<string> {
  const [directory, ...others] = await journalFolders(folder);
  if (directory === undefined || others.length > 0)
    throw new Error(`${folder} holds ${String(others.length + 1)} journals; name one of them (trainer-sdk journal ls ${folder})`);
  return directory;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

async function look(directory: string, depth: number, places: Place[]): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  if (entries.some((entry) => entry.isFile() && /^journal-\d{8,}\.ndjson$/.test(entry.name))) places.push({ kind: "journal", directory });
  if (entries.some((entry) => entry.isFile() && entry.name === "task.json") && OFFLINE_ID.test(basename(directory))) {
    // Its zip holds the same; when both are there, the zip is the one that was finished.
    if (!(await isFile(`${directory}.zip`))) places.push({ kind: "session", path: directory });
    return;
  }
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isFile() && entry.name.endsWith(".zip") && OFFLINE_ID.test(entry.name.slice(0, -4))) places.push({ kind: "session", path });
    if (entry.isFile() && /^[0-9a-f]{32}-[0-9a-f]{8}\.tar\.gz$/.test(entry.name))
      places.push({ kind: "archives", uri: pathToFileURL(path).href });
    if (entry.isDirectory() && depth < MAX_DEPTH && !PASSED_OVER.has(entry.name)) await look(path, depth + 1, places);
  }
}
