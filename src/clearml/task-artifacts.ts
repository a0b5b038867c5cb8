/**
 * Artifacts of a task: stored first and registered then, so that an entry never names a file that did not arrive; fetched
 * with size and digest compared (`clearml-protocol`, 3.12, 10).
 */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { NotFoundError, UploadError, ValidationError, describeError } from "../base/errors.js";
import type { JsonValue } from "../base/json.js";
import { artifactObjectPath } from "../protocol/clearml/object-path.js";
import type { ArtifactDocument } from "../protocol/clearml/task-document.js";
import type { UploadProgress } from "../storage/object-store.js";
import { pinFile } from "../storage/pin-file.js";
import { artifactFile, contentTypeOf, cut, type ArtifactSource } from "./artifact-source.js";
import { freeText, nameText } from "./clearml-text.js";
import { DEFAULT_CONTENT_TYPE } from "./file-server.js";
import { editTask } from "./locked-task.js";
import type { CallOptions } from "./session.js";
import type { TaskApi, TaskEditOptions } from "./task-api.js";
import { artifactsOf, putArtifact } from "./task-edits.js";
import { objectOwner, type ObjectPlace } from "./task-owner.js";
import { unpackFiles } from "./zip-files.js";

export interface UploadArtifactOptions extends TaskEditOptions {
  /** Shown beside the artifact as rows of name and value. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Text shown in the web page. Default: by what it is, at most 65,536 characters. */
  readonly preview?: string | undefined;
  /** Default: by what it is, and for a file by its ending. */
  readonly contentType?: string | undefined;
  /** Where it goes. Default: the task's output destination, else ClearML's file server. */
  readonly destination?: string | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

export interface ArtifactCopyOptions extends CallOptions {
  /** Folder to put the copy in; made where it is missing. Default: a new temporary folder, which is the caller's to remove. */
  readonly folder?: string | undefined;
  /** Unpack an artifact of type `archive`. Default true. */
  readonly extract?: boolean | undefined;
}

/** An artifact of a task, as it was when the task was read. */
export class Artifact {
  readonly #api: TaskApi;
  /** What the server says of it. */
  readonly document: ArtifactDocument;

  /** @internal */
  constructor(api: TaskApi, document: ArtifactDocument) {
    this.#api = api;
    this.document = document;
  }

  get name(): string {
    return this.document.key;
  }
  /** `custom`, `archive`, `string`, `dict`, `pandas`, `numpy`, `image`, `pickle`, ... */
  get type(): string {
    return this.document.type ?? "custom";
  }
  get mode(): string {
    return this.document.mode ?? "output";
  }
  /** Where it lies; undefined for one that was never stored. */
  get url(): string | undefined {
    return this.document.uri ?? undefined;
  }
  get sizeBytes(): number | undefined {
    return this.document.content_size ?? undefined;
  }
  /** SHA-256, hexadecimal. */
  get hash(): string | undefined {
    return this.document.hash ?? undefined;
  }
  /** When it was registered; ClearML keeps seconds. */
  get timestamp(): Date | undefined {
    const { timestamp } = this.document;
    return typeof timestamp === "number" ? new Date(timestamp * 1000) : undefined;
  }
  get preview(): string | undefined {
    return this.document.type_data?.preview ?? undefined;
  }
  get contentType(): string | undefined {
    return this.document.type_data?.content_type ?? undefined;
  }
  get metadata(): Readonly<Record<string, string>> {
    return Object.fromEntries((this.document.display_data ?? []).map(([name, value]) => [cellText(name), cellText(value)]));
  }

  /**
   * Fetches the file, compared with the size and digest that were registered, and resolves with its path; of an archive
   * that was unpacked, with the folder's.
   *
   * @throws NotFoundError when it names no file; UploadError when the stored file is another than was registered, or
   * cannot be read; ConfigError for an address that cannot be reached; ApiError, ConnectionError; the signal's reason.
   */
  async getLocalCopy(options: ArtifactCopyOptions = {}): Promise<string> {
    const { url } = this;
    const signal = options.signal ?? new AbortController().signal;
    if (url === undefined || url === "") throw new NotFoundError(`The artifact ${this.name} of task ${this.#api.id} names no file.`);
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "trainer-sdk-download-")));
    await mkdir(folder, { recursive: true });
    const target = join(folder, fileNameOf(url));
    await this.#api.clearml.objects.fetch(url, target, { sizeBytes: this.sizeBytes, sha256: this.hash, signal });
    if (this.type !== "archive" || options.extract === false) return target;
    const unpacked = target.replace(/\.zip$/i, "") + (/\.zip$/i.test(target) ? "" : ".files");
    await unpackFiles(target, unpacked, signal);
    await rm(target, { force: true });
    return unpacked;
  }

  /** Fetches the file and answers with its text. @throws As {@link Artifact.getLocalCopy}. */
  async getText(options: CallOptions = {}): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-download-"));
    try {
      return await readFile(await this.getLocalCopy({ ...options, folder, extract: false }), "utf8");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Fetches the file and reads it as JSON. @throws UploadError when it is no JSON; else as {@link Artifact.getLocalCopy}. */
  async getJson(options: CallOptions = {}): Promise<JsonValue> {
    const text = await this.getText(options);
    try {
      return JSON.parse(text) as JsonValue;
    } catch (error) {
      throw new UploadError(`The artifact ${this.name} (${this.type}) is no JSON: ${describeError(error)}.`, {
        retryable: false,
        cause: error,
      });
    }
  }
}

/** Stores a source and registers it under a name. The same name again takes the older one's place. */
export async function uploadArtifact(
  api: TaskApi,
  name: string,
  source: ArtifactSource,
  options: UploadArtifactOptions,
  place?: ObjectPlace,
): Promise<Artifact> {
  const key = nameText(name.trim());
  if (key === "") throw new ValidationError("An artifact needs a name.", [{ path: "name", message: "is empty" }]);
  const { metadata, preview, contentType, destination, onProgress, ...edit } = options;
  const document =
    "uri" in source
      ? { type: "custom", uri: source.uri, preview: undefined, contentType: contentTypeOf(source.uri) }
      : await stored(
          api,
          key,
          source,
          { destination, onProgress, signal: options.signal ?? new AbortController().signal, place },
          contentType,
        );
  const shown = preview === undefined ? document.preview : cut(preview, "full preview");
  const kind = contentType ?? document.contentType;
  const artifact = {
    key,
    type: document.type,
    mode: "output" as const,
    uri: document.uri,
    ...("hash" in document ? { hash: document.hash, content_size: document.sizeBytes } : {}),
    // Seconds, where an event has milliseconds (trap 29).
    timestamp: Math.trunc(api.clearml.clock.now() / 1000),
    type_data: {
      ...(shown === undefined ? {} : { preview: freeText(shown) }),
      ...(kind === undefined ? {} : { content_type: kind }),
    },
    ...(metadata && { display_data: Object.entries(metadata).map(([row, value]) => [freeText(row), freeText(rowText(value))]) }),
  };
  await api.edit("its artifacts", edit, (calls) => putArtifact(calls, artifact));
  return new Artifact(api, artifact);
}

async function stored(
  api: TaskApi,
  key: string,
  source: Exclude<ArtifactSource, { readonly uri: string }>,
  to: {
    readonly destination: string | undefined;
    readonly onProgress: UploadArtifactOptions["onProgress"];
    readonly signal: AbortSignal;
    readonly place: ObjectPlace | undefined;
  },
  contentType: string | undefined,
) {
  const { signal, onProgress } = to;
  const { owner, destination } = to.place ?? (await objectOwner(api, { signal }));
  const file = await artifactFile(key, source, signal);
  try {
    const { clock, objects } = api.clearml;
    const content = await pinFile({ source: file.path, directory: "", pin: "none", mayBeEmpty: true, signal, clock });
    if ("rejected" in content) {
      const message = content.rejected;
      throw new ValidationError(`The artifact ${key} cannot be stored: ${message}`, [{ path: "path", message }]);
    }
    const toStore = { ...content, contentType: contentType ?? file.contentType ?? DEFAULT_CONTENT_TYPE };
    const objectPath = artifactObjectPath(owner, key, file.fileName).replace(/^\/+/, "");
    const uri = await objects.put(to.destination ?? destination, objectPath, toStore, { signal, onProgress });
    return { ...file, uri, hash: content.sha256, sizeBytes: content.sizeBytes };
  } finally {
    await file.dispose();
  }
}

/** The task's artifacts by name; of two modes under one name, the output's. */
export function artifactsByName(api: TaskApi, documents: readonly ArtifactDocument[]): Record<string, Artifact> {
  const named: Record<string, Artifact> = {};
  for (const document of documents) {
    if (!Object.hasOwn(named, document.key) || document.mode !== "input") named[document.key] = new Artifact(api, document);
  }
  return named;
}

/** Takes artifacts off the task's list. The files stay where they are. */
export async function deleteArtifacts(api: TaskApi, names: readonly string[], options: TaskEditOptions): Promise<void> {
  const keys = names.map((name) => nameText(name.trim()));
  if (keys.length === 0) return;
  await api.edit("its artifacts", options, (calls) =>
    editTask(
      calls,
      () =>
        calls.port.call(
          "tasks.delete_artifacts",
          { task: api.id, artifacts: keys.map((key) => ({ key, mode: "output" as const })) },
          { signal: calls.signal },
        ),
      {
        fields: ["execution.artifacts"],
        merge: (task) => ({
          execution: { artifacts: artifactsOf(task).filter(({ key, mode }) => mode === "input" || !keys.includes(key)) },
        }),
      },
    ),
  );
}

/** A cell of a row that another client may have written. */
function cellText(cell: unknown): string {
  return typeof cell === "string" ? cell : cell === null || cell === undefined ? "" : JSON.stringify(cell);
}

function rowText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return String(value);
  // Of these JSON has no text.
  return ["undefined", "function", "symbol"].includes(typeof value) ? "" : JSON.stringify(value);
}

/** The last part of an address, as a name for a file of this machine. */
function fileNameOf(url: string): string {
  const last = basename(url.replace(/[?#].*$/s, ""));
  let name = last;
  try {
    name = /^https?:/i.test(url) ? decodeURIComponent(last) : last;
  } catch {
    // Not quoted after all.
  }
  return name.replaceAll(/[/\\\0]/g, "_") || "artifact";
}
