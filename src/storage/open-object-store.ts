/** From what `CHECKPOINT_URI` says to the store it means: the one place that knows all three. Opens nothing. */
import { ConfigError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { StorageSpec } from "./checkpoint-uri.js";
import { FileServerObjectStore, type FileServerPort } from "./fileserver-object-store.js";
import { FolderObjectStore } from "./folder-object-store.js";
import type { ObjectStore } from "./object-store.js";
import type { AwsLoader, S3Timeouts } from "./s3-client.js";
import { S3ObjectStore } from "./s3-object-store.js";
import { resolveS3Settings, type S3Credentials, type StorageEnvironment } from "./s3-settings.js";

export interface StoreCollaborators extends S3Timeouts {
  readonly env: StorageEnvironment;
  readonly logger: Logger;
  /** Keys of the S3 endpoint; they win over every variable. */
  readonly credentials?: S3Credentials | undefined;
  /** The variable or option that names the place, for what is wrong with it. Default `CHECKPOINT_URI`. */
  readonly namedBy?: string | undefined;
  /** Needed for `clearml`. */
  readonly fileServer?: FileServerPort | undefined;
  /** Default: the installed AWS packages, loaded with the first upload. */
  readonly loadAws?: AwsLoader | undefined;
}

/**
 * The store that is meant. Touches neither network nor disk, and loads no package.
 *
 * @throws ConfigError when a variable cannot be used, or `clearml` is asked for without a ClearML.
 */
export function createObjectStore(spec: StorageSpec, collaborators: StoreCollaborators): ObjectStore {
  const { env, logger, credentials, namedBy = "CHECKPOINT_URI", fileServer, loadAws, connectTimeoutMs, idleTimeoutMs } = collaborators;
  switch (spec.kind) {
    case "folder":
      return new FolderObjectStore({ directory: spec.directory });
    case "fileserver": {
      if (fileServer) return new FileServerObjectStore({ fileServer });
      const message = "clearml means ClearML's file server, but no ClearML is configured (CLEARML_API_HOST and its keys)";
      throw new ConfigError(`${namedBy}: ${message}.`, [{ path: namedBy, message }]);
    }
    case "s3":
      return new S3ObjectStore({
        settings: resolveS3Settings(spec, { credentials, namedBy }, env),
        logger,
        loadAws,
        connectTimeoutMs,
        idleTimeoutMs,
      });
  }
}
