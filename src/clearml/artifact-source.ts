/**
 * From what a caller wants to keep to the file that is stored, with the type, name, content type and preview that
 * ClearML's own client would give it, so that its `get()` loads the same thing (`clearml-protocol`, 3.12).
 */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, extname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ValidationError } from "../base/errors.js";
import type { JsonObject, JsonValue } from "../base/json.js";
import { describeFileError, errnoOf } from "../storage/file-errors.js";
import { MAX_PREVIEW_LENGTH } from "./clearml-text.js";
import { csvText, tablePreview, type ArtifactTable } from "./artifact-table.js";
import { fileSizeText } from "./file-size-text.js";
import { filesOfFolder, filesOfList, packFiles, type ArchivedFile } from "./zip-files.js";

/** What an artifact is made of; exactly one of these. */
export type ArtifactSource =
  /** A file, or a folder that is packed into one archive. */
  | { readonly path: string }
  /** Several files, packed into one archive. */
  | { readonly paths: readonly string[] }
  | { readonly text: string }
  | { readonly json: JsonValue }
  /** Rows and columns, which Python gets as a pandas data frame. */
  | { readonly table: ArtifactTable }
  /** Bytes, under a file name whose ending says what they are. */
  | { readonly content: Uint8Array; readonly fileName: string }
  /** Something that lies elsewhere and is only named. */
  | { readonly uri: string };

/** A file to be stored as an artifact. */
export interface ArtifactFile {
  readonly path: string;
  readonly fileName: string;
  /** ClearML's word for what it is. */
  readonly type: "custom" | "archive" | "string" | "dict" | "pandas";
  readonly contentType: string | undefined;
  readonly preview: string;
  /** Removes what was made for the upload. */
  dispose(): Promise<void>;
}

/** Types by file ending, as Python's `mimetypes` names them; other files have none, as there. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ...{ ".bin": "application/octet-stream", ".csv": "text/csv", ".gif": "image/gif", ".gz": "application/gzip", ".html": "text/html" },
  ...{ ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript", ".json": "application/json", ".mp4": "video/mp4" },
  ...{ ".pdf": "application/pdf", ".png": "image/png", ".py": "text/x-python", ".svg": "image/svg+xml", ".tar": "application/x-tar" },
  ...{ ".tsv": "text/tab-separated-values", ".txt": "text/plain", ".wav": "audio/x-wav", ".webp": "image/webp", ".xml": "text/xml" },
  ...{ ".zip": "application/zip", ".h5": "application/x-hdf5", ".md": "text/markdown", ".mp3": "audio/mpeg" },
};

/** Type by a file's ending, where it is known. */
export function contentTypeOf(fileName: string): string | undefined {
  return CONTENT_TYPES[extname(fileName).toLowerCase()];
}

/**
 * The file to be stored. What is not a file already is written into a folder of its own, which `dispose` removes.
 *
 * @throws ValidationError for a source that is none; UploadError from packing; the signal's reason.
 */
export async function artifactFile(
  name: string,
  source: Exclude<ArtifactSource, { readonly uri: string }>,
  signal: AbortSignal,
): Promise<ArtifactFile> {
  if ("path" in source) return fromPath(resolve(source.path), signal);
  if ("paths" in source) {
    if (source.paths.length === 0) throw unfit("paths", "names no file");
    return packed(await filesOfList(source.paths), `${name}.zip`, "Archive content:\n", signal);
  }
  if ("text" in source) {
    return written(`${name}.txt`, source.text, { type: "string", contentType: "text/plain", preview: cut(source.text, "full text") });
  }
  if ("json" in source) {
    const text = JSON.stringify(sortedKeys(source.json), undefined, 4) as string | undefined;
    if (text === undefined) throw unfit("json", "is no JSON value");
    return written(`${name}.json`, text, { type: "dict", contentType: "application/json", preview: cut(text, "full serialized dict") });
  }
  if ("table" in source) {
    const bytes = await promisify(gzip)(csvText(source.table));
    return written(`${name}.csv.gz`, bytes, { type: "pandas", contentType: "text/csv", preview: tablePreview(source.table) });
  }
  const { content, fileName } = source;
  return written(basename(fileName), Uint8Array.from(content), {
    type: "custom",
    contentType: contentTypeOf(fileName),
    preview: filePreview(basename(fileName), content.byteLength),
  });
}

/** A preview within ClearML's limit, in the words of its own client where it is cut. */
export function cut(text: string, what: string): string {
  if (text.length < MAX_PREVIEW_LENGTH) return text;
  const kilobytes = String(MAX_PREVIEW_LENGTH / 1024);
  return `# ${what} too large to store, storing first ${kilobytes}kb\n${text.slice(0, MAX_PREVIEW_LENGTH).toWellFormed()}`;
}

async function fromPath(path: string, signal: AbortSignal): Promise<ArtifactFile> {
  let facts;
  try {
    facts = await stat(path);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw unfit("path", `${path} cannot be read: ${describeFileError(error)}`, error);
  }
  const fileName = basename(path);
  if (facts.isDirectory()) return packed(await filesOfFolder(path), `${fileName}.zip`, `Archive content ${path}/*:\n`, signal);
  if (!facts.isFile()) throw unfit("path", `${path} is neither a file nor a folder`);
  const preview = filePreview(fileName, facts.size);
  return { path, fileName, type: "custom", contentType: contentTypeOf(fileName), preview, dispose: () => Promise.resolve() };
}

async function packed(files: readonly ArchivedFile[], fileName: string, title: string, signal: AbortSignal): Promise<ArtifactFile> {
  const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-artifact-"));
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, "archive.zip");
  try {
    await packFiles(files, path, signal);
  } catch (error) {
    await dispose();
    throw error;
  }
  const lines = files.map((file) => `${file.name} - ${fileSizeText(file.sizeBytes)}\n`);
  const preview = cut(title + lines.join(""), "full preview");
  return { path, fileName, type: "archive", contentType: "application/zip", preview, dispose };
}

async function written(
  fileName: string,
  content: string | Uint8Array,
  facts: Pick<ArtifactFile, "type" | "contentType" | "preview">,
): Promise<ArtifactFile> {
  const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-artifact-"));
  const path = join(folder, "content");
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(path, content, { flush: true });
  } catch (error) {
    await dispose();
    throw error;
  }
  return { path, fileName, ...facts, dispose };
}

function filePreview(fileName: string, sizeBytes: number): string {
  return `${fileName} - ${fileSizeText(sizeBytes)}\n`;
}

/** Keys in order, so that the same value is the same file. */
function sortedKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as JsonObject).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, item === undefined ? item : sortedKeys(item)]));
}

function unfit(path: string, message: string, cause?: unknown): ValidationError {
  return new ValidationError(`The artifact cannot be made: ${path} ${message}.`, [{ path, message }], cause);
}
