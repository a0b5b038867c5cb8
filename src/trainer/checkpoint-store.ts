/** The store for files, made of the place that was named or found. */
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
import { PresignedObjectStore, type UploadTicketPort } from "../storage/presigned-object-store.js";
import { issuesOf, type Collaborators } from "./destinations.js";
import { offlineFilesUri } from "./offline.js";
import type { GivenOptions, ResolvedTrainerOptions } from "./options.js";
import { DEFAULT_BUCKET, isSigned, SIGNED, storagePlaceOf, strayPlace } from "./storage-place.js";

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
  const filesHost = clearml?.session.filesHost;
  const { place, issues } = storagePlaceOf(given, resolved, filesHost);
  const uri = resolved.offline && (place?.uri ?? "clearml") === "clearml" ? offlineFilesUri(resolved, process.cwd()) : place?.uri;
  if (uri === undefined) return { store: undefined, issues };
  const parsed = parseCheckpointUri(uri);
  if (parsed.status === "invalid") return { store: undefined, issues: parsed.issues };
  for (const { path, message } of parsed.warnings) collaborators.logger.warn(`${path}: ${message}`);
  const stray = place && strayPlace(place, resolved);
  if (stray !== undefined) collaborators.logger.warn(`${stray.message} ${stray.advice}`);
  try {
    const store = createObjectStore(parsed.spec, {
      env: resolved.env,
      logger: collaborators.logger,
      credentials: given.storageCredentials,
      fileServer: clearml && filesHost !== undefined ? fileServerPort(clearml.files) : undefined,
    });
    return { store, uri, issues };
  } catch (error) {
    return { store: undefined, issues: issuesOf(error, "CHECKPOINT_URI") };
  }
}

/**
 * The existing platform signs addresses for a training job. They are taken when they are asked for, and in its dialect when
 * no other place is named and no credentials of the storage were injected.
 */
function signedUploads(given: GivenOptions, resolved: ResolvedTrainerOptions, collaborators: Collaborators): CheckpointPlace | undefined {
  if (!isSigned(given, resolved)) return undefined;
  const { clock, transport } = collaborators;
  try {
    const tickets = signedTickets(resolved, collaborators);
    return { store: new PresignedObjectStore({ tickets, transport, clock }), uri: SIGNED, issues: [] };
  } catch (error) {
    return { store: undefined, issues: issuesOf(error, "CHECKPOINT_URI") };
  }
}

/**
 * The backend as the one who signs; asks for nothing yet.
 *
 * @throws ConfigError for a job that nothing is signed for, or a callback URL that cannot be used.
 */
export function signedTickets(
  { callback, env, platform }: ResolvedTrainerOptions,
  { clock, transport }: Pick<Collaborators, "clock" | "transport">,
): UploadTicketPort {
  if (callback === undefined || platform === undefined)
    throw new ConfigError("CHECKPOINT_URI=platform needs CALLBACK_URL and the dialect platform-v2, whose backend signs the addresses.", [
      { path: "CHECKPOINT_URI", message: "platform needs CALLBACK_URL and CALLBACK_DIALECT=platform-v2" },
    ]);
  const { url, token } = callback;
  const client = new CallbackClient({ url, token, clock, transport, requestTimeoutMs: PLATFORM_V2_TIMEOUT_MS });
  const bucket = env["INTERNAL_BUCKET_CHECKPOINTS"]?.trim() || DEFAULT_BUCKET;
  return uploadTickets({ client, jobId: numericJobId(platform.trainingJobId), bucket });
}
