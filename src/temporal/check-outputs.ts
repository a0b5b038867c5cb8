/**
 * Looks whether what a job claims to have made is there: its checkpoints and models as the task lists them, and the bytes
 * behind their addresses, where they lie in the store that the worker is set up for. Downloads nothing.
 */
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import { createObjectReader } from "../storage/open-object-reader.js";
import type { RequiredOutputs } from "./contract.js";
import type { Settings } from "./settings.js";

const CHECKPOINT_PREFIX = "checkpoint_";

export interface JobOutputs {
  /** Addresses by type. */
  readonly checkpoints: Readonly<Record<string, string>>;
  /** Ids of output models. */
  readonly models: readonly string[];
}

/** What the task lists. */
export function outputsOf(task: TaskDocument): JobOutputs {
  const checkpoints = (task.execution?.artifacts ?? []).flatMap(({ key, uri }) =>
    key.startsWith(CHECKPOINT_PREFIX) && uri != null ? [[key.slice(CHECKPOINT_PREFIX.length), uri] as const] : [],
  );
  const models = (task.models?.output ?? []).flatMap(({ model }) => (model == null ? [] : [model]));
  return { checkpoints: Object.fromEntries(checkpoints), models };
}

/** What is missing, in words; empty when all is there. @throws UploadError, ConnectionError when the store cannot be asked. */
export async function missingOutputs(
  settings: Settings,
  { checkpoints, models }: JobOutputs,
  required: RequiredOutputs,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const missing = (required.checkpoints ?? []).filter((type) => !(type in checkpoints)).map((type) => `the checkpoint "${type}"`);
  if (required.model === true && models.length === 0) missing.push("an output model");
  for (const [type, uri] of Object.entries(checkpoints)) {
    if ((await isThere(settings, uri, signal)) === false) missing.push(`the bytes of checkpoint "${type}" (${uri})`);
  }
  return missing;
}

/** Undefined: it lies where this worker cannot look. */
async function isThere(settings: Settings, uri: string, signal: AbortSignal): Promise<boolean | undefined> {
  const store = settings.storage === undefined ? undefined : parseCheckpointUri(settings.storage);
  const object = parseCheckpointUri(uri);
  if (store?.status !== "parsed" || object.status !== "parsed" || store.spec.kind !== object.spec.kind) return undefined;
  if (object.spec.kind === "fileserver") return undefined;
  const reader = createObjectReader(object.spec, settings.env);
  try {
    return (await reader.list(signal)).length > 0;
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (cause?.code === "ENOENT") return false;
    throw error;
  } finally {
    await reader.close();
  }
}
