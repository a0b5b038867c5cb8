/** The place of a run's files where the MLflow server does not take them: its bucket, by the AWS chain and MLflow's own variables, or its folder. */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { recordedPlace } from "../mlflow/artifact-places.js";
import { folderOfFileAddress } from "../mlflow/file-address.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import type { ObjectStore } from "../storage/object-store.js";
import { createObjectStore } from "../storage/open-object-store.js";

/** What a person is told who looks for the place that is wrong. */
const NAMED_BY = "the run's artifact address";

interface StoreSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** Opens nothing. Answers the store, or why there is none, as the end of a sentence; a wrong setting is such a reason, for points need no store. */
export async function mlflowArtifactStore(artifactUri: string, given: StoreSurroundings): Promise<ObjectStore | string> {
  try {
    return /^s3:/i.test(artifactUri) ? bucket(artifactUri, given) : await folder(artifactUri, given);
  } catch (error) {
    if (ConfigError.isInstance(error)) return error.message;
    throw error;
  }
}

function bucket(uri: string, { env, logger }: StoreSurroundings): ObjectStore | string {
  const parsed = parseCheckpointUri(uri, NAMED_BY);
  if (parsed.status === "invalid") return parsed.issues.map(({ message }) => message).join(" ");
  // What MLflow's own client goes by. It is the bucket's endpoint, and that of checkpoints may be another.
  const endpoint = env["MLFLOW_S3_ENDPOINT_URL"]?.trim() ?? "";
  if (endpoint !== "" && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)))
    return "MLFLOW_S3_ENDPOINT_URL must be an http or https URL, such as http://minio:9000";
  const own = endpoint === "" ? env : { ...env, AWS_ENDPOINT_URL_S3: endpoint };
  return createObjectStore(parsed.spec, { env: own, logger, namedBy: NAMED_BY });
}

async function folder(uri: string, { env, logger }: StoreSurroundings): Promise<ObjectStore | string> {
  const directory = uri.startsWith("/") ? uri : folderOfFileAddress(uri, process.cwd());
  if (directory === undefined) return "only buckets (s3://) and folders can be";
  const root = recordedPlace(directory)?.root ?? dirname(directory);
  const isHere = await stat(root).then(
    () => true,
    () => false,
  );
  return isHere ? createObjectStore({ kind: "folder", directory }, { env, logger }) : `there is no ${root} on this machine`;
}
