/** Where files go: what was said (`CHECKPOINT_URI`), else the platform's internal storage, else ClearML's file server. */
import { ConfigError, type Issue } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { fileServerPort } from "../clearml/file-server-port.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import { CallbackClient } from "../sinks/platform/callback-client.js";
import { numericJobId } from "../sinks/platform/v2/platform-v2-job.js";
import { PLATFORM_V2_TIMEOUT_MS } from "../sinks/platform/v2/platform-v2-sink.js";
import { uploadTickets } from "../sinks/platform/v2/upload-tickets.js";
import type { ObjectStore } from "../storage/object-store.js";
import { createObjectStore } from "../storage/open-object-store.js";
import { PresignedObjectStore } from "../storage/presigned-object-store.js";
import { issuesOf, type Collaborators } from "./destinations.js";
import type { Environment } from "./environment.js";
import { offlineFilesUri } from "./offline.js";
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
  const signed = signedUploads(given, resolved, collaborators);
  if (signed) return signed;
  const hasFileServer = clearml?.session.filesHost !== undefined;
  const named = storageUriOf(given, resolved, hasFileServer);
  const uri = resolved.offline && (named ?? "clearml") === "clearml" ? offlineFilesUri(resolved, process.cwd()) : named;
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

/** Where files go, in the words of `CHECKPOINT_URI`; undefined: nowhere. */
export function storageUriOf(given: GivenOptions, resolved: ResolvedTrainerOptions, hasFileServer: boolean): string | undefined {
  if (isSigned(given, resolved)) return SIGNED;
  const said = typeof resolved.storage === "string" ? resolved.storage : undefined;
  return said ?? internalStorageUri(resolved.env, resolved.platform && DEFAULT_BUCKET) ?? (hasFileServer ? "clearml" : undefined);
}

/** What `CHECKPOINT_URI` says for addresses that the existing platform's backend signs. */
export const SIGNED = "platform";

/**
 * The existing platform signs addresses for a training job. They are taken when they are asked for, and in its dialect when
 * no other place is named and no credentials of the storage were injected.
 */
function signedUploads(given: GivenOptions, resolved: ResolvedTrainerOptions, collaborators: Collaborators): CheckpointPlace | undefined {
  if (!isSigned(given, resolved)) return undefined;
  const { callback, env, platform } = resolved;
  try {
    if (callback === undefined || platform === undefined)
      throw new ConfigError("CHECKPOINT_URI=platform needs CALLBACK_URL and the dialect platform-v2, whose backend signs the addresses.", [
        { path: "CHECKPOINT_URI", message: "platform needs CALLBACK_URL and CALLBACK_DIALECT=platform-v2" },
      ]);
    const { url, token } = callback;
    const { clock, transport } = collaborators;
    const client = new CallbackClient({ url, token, clock, transport, requestTimeoutMs: PLATFORM_V2_TIMEOUT_MS });
    const bucket = env["INTERNAL_BUCKET_CHECKPOINTS"]?.trim() || DEFAULT_BUCKET;
    const tickets = uploadTickets({ client, jobId: numericJobId(platform.trainingJobId), bucket });
    return { store: new PresignedObjectStore({ tickets, transport, clock }), uri: SIGNED, issues: [] };
  } catch (error) {
    return { store: undefined, issues: issuesOf(error, "CHECKPOINT_URI") };
  }
}

function isSigned(given: GivenOptions, { storage, platform, env }: ResolvedTrainerOptions): boolean {
  if (storage !== undefined || platform === undefined) return storage === SIGNED;
  // Without a training job's number there is nothing to sign for; whoever did not ask is not told.
  return !hasCredentials(given, env) && /^\d+$/.test(platform.trainingJobId ?? "");
}

function hasCredentials(given: GivenOptions, env: Environment): boolean {
  const isSet = (name: string): boolean => (env[name]?.trim() ?? "") !== "";
  const pairs = [
    ["INTERNAL_STORAGE_ACCESS_KEY", "INTERNAL_STORAGE_SECRET_KEY"],
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ] as const;
  return isSet("INTERNAL_STORAGE_ENDPOINT") && (given.storageCredentials !== undefined || pairs.some((names) => names.every(isSet)));
}

/** The platform's own name for the bucket of checkpoints. */
const DEFAULT_BUCKET = "training-checkpoints";

/** The platform's own variables, which it injects without a URI (`platform-protocol`, 1.1). */
function internalStorageUri(env: Environment, defaultBucket: string | undefined): string | undefined {
  const endpoint = env["INTERNAL_STORAGE_ENDPOINT"]?.trim();
  const bucket = env["INTERNAL_BUCKET_CHECKPOINTS"]?.trim() || defaultBucket;
  if (!endpoint || !bucket || !URL.canParse(endpoint)) return undefined;
  const { protocol, hostname, port } = new URL(endpoint);
  return `s3://${hostname}:${port || (protocol === "https:" ? "443" : "80")}/${bucket}`;
}
