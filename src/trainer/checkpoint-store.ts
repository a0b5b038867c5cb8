/** Where files go: what was said (`CHECKPOINT_URI`), else the platform's internal storage, else ClearML's file server. */
import type { Issue } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { fileServerPort } from "../clearml/file-server-port.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import type { ObjectStore } from "../storage/object-store.js";
import { createObjectStore } from "../storage/open-object-store.js";
import { issuesOf, type Collaborators } from "./destinations.js";
import type { Environment } from "./environment.js";
import type { GivenOptions, ResolvedTrainerOptions } from "./options.js";

/** The store, where there is one. */
export interface CheckpointPlace {
  readonly store: ObjectStore | undefined;
  /** What it was made from; absent for a store of the caller's own. */
  readonly uri?: string;
  readonly issues: readonly Issue[];
}

/** The store, when there is one; opens nothing. */
export function checkpointStore(
  given: GivenOptions,
  resolved: ResolvedTrainerOptions,
  clearml: ClearML | undefined,
  collaborators: Collaborators,
): CheckpointPlace {
  if (typeof resolved.storage === "object") return { store: resolved.storage, issues: [] };
  const hasFileServer = clearml?.session.filesHost !== undefined;
  const uri = resolved.storage ?? internalStorageUri(resolved.env) ?? (hasFileServer ? "clearml" : undefined);
  if (uri === undefined) return { store: undefined, issues: [] };
  const parsed = parseCheckpointUri(uri);
  if (parsed.status === "invalid") return { store: undefined, issues: parsed.issues };
  for (const { path, message } of parsed.warnings) collaborators.logger.warn(`${path}: ${message}`);
  try {
    const store = createObjectStore(parsed.spec, {
      env: resolved.env,
      logger: collaborators.logger,
      credentials: given.storageCredentials,
      fileServer: clearml && hasFileServer ? fileServerPort(clearml.files) : undefined,
    });
    return { store, uri, issues: [] };
  } catch (error) {
    return { store: undefined, issues: issuesOf(error, "CHECKPOINT_URI") };
  }
}

/** The platform's own variables, which it injects without a URI (`platform-protocol`, 1.1). */
function internalStorageUri(env: Environment): string | undefined {
  const endpoint = env["INTERNAL_STORAGE_ENDPOINT"]?.trim();
  const bucket = env["INTERNAL_BUCKET_CHECKPOINTS"]?.trim();
  if (!endpoint || !bucket || !URL.canParse(endpoint)) return undefined;
  const { protocol, hostname, port } = new URL(endpoint);
  return `s3://${hostname}:${port || (protocol === "https:" ? "443" : "80")}/${bucket}`;
}
