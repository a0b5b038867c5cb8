/** Weights on their way out: where they go, under which name, and what is recorded of them so that they can be verified later. */
import { basename } from "node:path";
import { UploadError } from "../base/errors.js";
import { describeFileError } from "../storage/file-errors.js";
import type { UploadProgress } from "../storage/object-store.js";
import { hashFile } from "../storage/private-copy.js";
import { modelObjectPath, type ObjectOwner } from "../protocol/clearml/object-path.js";
import type { ClearML } from "./create-clearml.js";
import type { MetadataEntry } from "./model-metadata.js";
import type { CallOptions } from "./session.js";

/** Metadata that the trainer's sink writes too. */
const SHA256_KEY = "sha256";
const SIZE_KEY = "size_bytes";
/** Address of the weights that the two are about: another client may have changed the weights since. */
const ADDRESS_KEY = "sha256_of";

/** How a file is stored as weights. */
export interface WeightsUploadOptions {
  /** `s3://bucket/prefix`, `s3://host:port/bucket/prefix`, `file:///folder`, or an address on ClearML's file server. */
  readonly destination?: string | undefined;
  /** Name in the store. Default: the file's own. */
  readonly targetFileName?: string | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Weights that are stored and verified. */
export interface StoredWeights {
  readonly uri: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Stores a file as the weights of what `owner` names. @throws UploadError, ApiError, ConnectionError, ConfigError; the signal's reason. */
export async function storeWeights(
  clearml: ClearML,
  owner: ObjectOwner,
  path: string,
  options: WeightsUploadOptions,
): Promise<StoredWeights> {
  const { destination, targetFileName = basename(path), onProgress } = options;
  const signal = options.signal ?? new AbortController().signal;
  const facts = await hashFile(path, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new UploadError(`The weights ${path} cannot be read: ${describeFileError(error)}.`, { retryable: false, cause: error });
  });
  const file = { path, ...facts, contentType: "application/octet-stream" };
  const uri = await clearml.objects.put(destination, modelObjectPath(owner, targetFileName), file, { onProgress, signal });
  return { uri, ...facts };
}

/** What is recorded of stored weights. */
export function weightsRecord({ uri, sizeBytes, sha256 }: StoredWeights): Readonly<Record<string, string>> {
  return { [SHA256_KEY]: sha256, [SIZE_KEY]: String(sizeBytes), [ADDRESS_KEY]: uri };
}

/** Keys of {@link weightsRecord}. */
export const WEIGHTS_RECORD_KEYS: readonly string[] = [SHA256_KEY, SIZE_KEY, ADDRESS_KEY];

/** What is known of a model's weights; nothing where it was recorded of other weights than it has now. */
export function recordedWeights(model: { readonly uri: string; getAllMetadata(): Readonly<Record<string, MetadataEntry>> }): {
  readonly sha256?: string;
  readonly sizeBytes?: number;
} {
  const metadata = model.getAllMetadata();
  const about = metadata[ADDRESS_KEY]?.value.trim();
  if (about !== undefined && about !== model.uri) return {};
  const sha256 = metadata[SHA256_KEY]?.value.trim();
  const size = metadata[SIZE_KEY]?.value.trim();
  return {
    ...(sha256 !== undefined && /^[0-9a-f]{64}$/i.test(sha256) ? { sha256: sha256.toLowerCase() } : {}),
    ...(size !== undefined && /^\d{1,15}$/.test(size) ? { sizeBytes: Number(size) } : {}),
  };
}

/** Whose folder weights lie in: their task's, or without a task the model's own, which then stands in the task's place. */
export interface WeightsOwner extends ObjectOwner {
  /** Where the task, else the project, wants its output; undefined where nobody said. */
  readonly destination: string | undefined;
}

/** Reads the owner's names. @throws ApiError when task or project are gone; ConnectionError; the signal's reason. */
export async function weightsOwner(
  clearml: ClearML,
  model: { readonly id: string; readonly name: string; readonly taskId: string | undefined; readonly projectId: string | undefined },
  options: CallOptions,
): Promise<WeightsOwner> {
  const task = model.taskId === undefined ? undefined : (await clearml.tasks.getById({ task: model.taskId }, options)).task;
  const projectId = task?.project ?? model.projectId;
  const project = projectId == null ? undefined : (await clearml.projects.getById({ project: projectId }, options)).project;
  return {
    projectName: project?.name ?? "",
    ...(projectId == null ? {} : { projectId }),
    taskName: task?.name ?? model.name,
    taskId: task?.id ?? model.id,
    destination: (task?.output?.destination || project?.default_output_destination) ?? undefined,
  };
}
