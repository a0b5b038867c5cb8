/** Hand-overs in object storage: which there are, bringing one here, and noting that it was delivered. */
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { ConfigError } from "../base/errors.js";
import type { JsonObject } from "../base/json.js";
import type { Logger } from "../base/logger.js";
import { parseCheckpointUri, type StorageSpec } from "../storage/checkpoint-uri.js";
import type { ObjectReader } from "../storage/object-reader.js";
import { createObjectReader } from "../storage/open-object-reader.js";
import { createObjectStore } from "../storage/open-object-store.js";
import { ARCHIVE_SUFFIX, MANIFEST_FILE, type HandOverManifest } from "./hand-over.js";
import { DONE_SUFFIX, handOversOf, markDelivered, retireHandOvers } from "./retire-hand-overs.js";

/** An archive that was not delivered yet. */
export interface Archive {
  readonly uri: string;
  readonly sizeBytes: number;
  /** Brings it here and unpacks it; `remove` takes the copy away. */
  unpack(signal: AbortSignal): Promise<UnpackedArchive>;
  /** Notes that it was delivered, so that the next sync passes it over. */
  markDone(facts: JsonObject, signal: AbortSignal): Promise<void>;
}

export interface UnpackedArchive {
  readonly directory: string;
  /** Files that were no pinned copies: where they are here, by the path that their records name. */
  readonly moved: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

export interface ArchivePlace {
  readonly archives: readonly Archive[];
  /** Delivered before. */
  readonly done: number;
  close(): Promise<void>;
}

/**
 * The hand-overs under an address.
 *
 * @throws ConfigError for an address that cannot be used; UploadError or ConnectionError when it cannot be read.
 */
export async function openArchives(
  uri: string,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
  signal: AbortSignal,
): Promise<ArchivePlace> {
  const parsed = parseCheckpointUri(uri, uri);
  if (parsed.status === "invalid")
    throw new ConfigError(parsed.issues.map(({ path, message }) => `${path}: ${message}`).join("; "), parsed.issues);
  const { spec } = parsed;
  if (spec.kind === "fileserver")
    throw new ConfigError("ClearML's file server holds no hand-overs.", [{ path: uri, message: "holds no hand-overs" }]);
  const reader = createObjectReader(spec, env);
  try {
    const found = await reader.list(signal);
    const keys = new Set(found.map(({ key }) => key));
    const all = found.filter(({ key }) => key.endsWith(ARCHIVE_SUFFIX));
    const waiting = all.filter(({ key }) => !keys.has(key + DONE_SUFFIX));
    const base = parentOf(spec);
    const store = createObjectStore(base, { env, logger });
    return {
      archives: waiting.map(({ key, sizeBytes }) => ({
        uri: store.uriOf(key),
        sizeBytes,
        unpack: (unpacking) => unpack(reader, key, unpacking),
        markDone: (facts, marking) => markDelivered(store, key, facts, marking),
      })),
      done: all.length - waiting.length,
      close: async () => {
        await reader.close();
        await store.close();
      },
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** Of an address that names one archive, the place it lies in. */
function parentOf(spec: Exclude<StorageSpec, { readonly kind: "fileserver" }>): StorageSpec {
  const cut = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
  if (spec.kind === "folder") return spec.directory.endsWith(ARCHIVE_SUFFIX) ? { ...spec, directory: cut(spec.directory) || "/" } : spec;
  return spec.prefix.endsWith(ARCHIVE_SUFFIX) ? { ...spec, prefix: cut(spec.prefix) } : spec;
}

async function unpack(reader: ObjectReader, key: string, signal: AbortSignal): Promise<UnpackedArchive> {
  const { unpackTar } = await import("modern-tar/fs");
  const work = await mkdtemp(join(tmpdir(), "trainer-sdk-sync-"));
  const remove = (): Promise<void> => rm(work, { recursive: true, force: true });
  try {
    const archive = join(work, "archive.tar.gz");
    const directory = join(work, "journal");
    await mkdir(directory);
    await reader.download(key, archive, signal);
    // Only plain files below the folder: an archive is somebody else's word.
    const onlyFiles = unpackTar(directory, { filter: ({ type }) => type === "file" || type === "directory" });
    await pipeline(createReadStream(archive), createGunzip(), onlyFiles, { signal });
    await rm(archive);
    const manifest = JSON.parse(await readFile(join(directory, MANIFEST_FILE), "utf8")) as HandOverManifest;
    if ((manifest.version as number) !== 1) throw new Error("it was written by a newer version of trainer-sdk; update trainer-sdk");
    const moved = Object.fromEntries(
      Object.entries(manifest.files).flatMap(([path, name]) => (/^files\/[^/\\]+$/.test(name) ? [[path, join(directory, name)]] : [])),
    );
    return { directory, moved, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Marks the archives that were made of a folder whose records are delivered now.
 *
 * @throws what their stores throw.
 */
export async function retireArchivesOf(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (const { place } of await handOversOf(directory)) {
    const parsed = parseCheckpointUri(place);
    if (parsed.status === "invalid") continue;
    const store = createObjectStore(parsed.spec, { env, logger });
    try {
      await retireHandOvers(directory, store, signal);
    } finally {
      await store.close();
    }
  }
}
