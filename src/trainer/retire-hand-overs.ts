/**
 * A hand-over and the folder that it was made of hold the same records. Once the folder's are delivered the archive is
 * marked as done, so that nobody delivers its older state over a newer one.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as z from "zod";
import type { JsonObject } from "../base/json.js";
import { onFirstUse } from "../base/on-first-use.js";
import type { ObjectStore } from "../storage/object-store.js";

/** Ending of the small object beside an archive that was delivered. Writing it takes no right that the archive did not. */
export const DONE_SUFFIX = ".done";
/** In the journal's folder: which archives were made of it. */
const LIST_FILE = "handed-over.json";

const listSchema = onFirstUse(() => z.array(z.object({ place: z.string(), key: z.string(), uri: z.string() })));

/** An archive that was made of a folder. */
export interface HandedOver {
  /** Address of the place that the key is in. */
  readonly place: string;
  readonly key: string;
  readonly uri: string;
}

/** Notes in the folder that an archive was made of it. */
export async function noteHandOver(directory: string, archive: HandedOver): Promise<void> {
  const known = await handOversOf(directory);
  await writeFile(path.join(directory, LIST_FILE), `${JSON.stringify([...known, archive])}\n`);
}

/** The archives that were made of a folder and are not marked yet. */
export async function handOversOf(directory: string): Promise<readonly HandedOver[]> {
  try {
    const parsed = listSchema().safeParse(JSON.parse(await readFile(path.join(directory, LIST_FILE), "utf8")));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}

/**
 * Marks the folder's archives in this store: everything that the folder holds was delivered.
 *
 * @throws what the store throws.
 */
export async function retireHandOvers(directory: string, store: ObjectStore, signal: AbortSignal): Promise<void> {
  const known = await handOversOf(directory);
  const here = known.filter(({ key, uri }) => store.uriOf(key) === uri);
  if (here.length === 0) return;
  for (const { key } of here) await markDelivered(store, key, { delivered_from: "the journal's folder" }, signal);
  const others = known.filter((archive) => !here.includes(archive));
  if (others.length === 0) await rm(path.join(directory, LIST_FILE), { force: true });
  else await writeFile(path.join(directory, LIST_FILE), `${JSON.stringify(others)}\n`);
}

/** Puts the mark beside an archive. @throws what the store throws. */
export async function markDelivered(store: ObjectStore, archiveKey: string, facts: JsonObject, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-done-"));
  try {
    const text = Buffer.from(`${JSON.stringify(facts)}\n`);
    const file = path.join(folder, "done.json");
    await writeFile(file, text);
    const sha256 = createHash("sha256").update(text).digest("hex");
    await store.put(archiveKey + DONE_SUFFIX, { path: file, sizeBytes: text.length, sha256, contentType: "application/json" }, { signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
