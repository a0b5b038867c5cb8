/** What a finished download says of itself, beside its files: of which states of which files it was made. */
import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import * as z from "zod";
import { onFirstUse } from "../../base/on-first-use.js";
import type { FileState } from "./file-source.js";

const schema = onFirstUse(() =>
  z.object({
    version: z.literal(1),
    uri: z.string(),
    createdAtMs: z.number(),
    sizeBytes: z.number(),
    files: z.array(z.object({ name: z.string(), uri: z.string(), sizeBytes: z.number(), version: z.string().optional() })),
  }),
);

export type DownloadManifest = z.output<ReturnType<typeof schema>>;

/** A file of a set with its state. */
export type StatedFile = FileState & { readonly name: string; readonly uri: string };

/** The manifest of these files. */
export function manifestOf(uri: string, files: readonly (StatedFile & { readonly sizeBytes: number })[], nowMs: number): DownloadManifest {
  return {
    version: 1,
    uri,
    createdAtMs: nowMs,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    files: files.map(({ name, uri: from, sizeBytes, version }) => ({
      name,
      uri: from,
      sizeBytes,
      ...(version === undefined ? {} : { version }),
    })),
  };
}

/** Undefined: none, half of one, or another version's. */
export async function readManifest(file: string): Promise<DownloadManifest | undefined> {
  try {
    return schema().parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** Resolves when it is on the disk. */
export async function writeManifest(file: string, manifest: DownloadManifest): Promise<void> {
  const handle = await open(file, "w", 0o644);
  try {
    await handle.writeFile(JSON.stringify(manifest));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** True when the files are the manifest's, each in the same state. A file without a version is never known to be. */
export function isOfFiles(manifest: DownloadManifest, files: readonly StatedFile[]): boolean {
  return files.every(({ version }) => version !== undefined) && contentKey(manifest.files) === contentKey(files);
}

/** One name for one content: what is named alike is alike. */
export function contentKey(
  files: readonly {
    readonly name: string;
    readonly uri: string;
    readonly sizeBytes?: number | undefined;
    readonly version?: string | undefined;
  }[],
): string {
  const lines = files.map(({ name, uri, sizeBytes, version }) => JSON.stringify([name, uri, sizeBytes, version])).sort();
  return createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 32);
}
