/** The place of a run's files where the MLflow server does not take them: its bucket, by the AWS chain and MLflow's own variables, or its folder. */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Logger } from "../base/logger.js";
import { recordedPlace } from "../mlflow/artifact-places.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import type { ObjectStore } from "../storage/object-store.js";
import { createObjectStore } from "../storage/open-object-store.js";

/** Opens nothing. Answers the store, or why there is none, as the end of a sentence. */
export async function mlflowArtifactStore(
  artifactUri: string,
  { env, logger }: { readonly env: Readonly<Record<string, string | undefined>>; readonly logger: Logger },
): Promise<ObjectStore | string> {
  const uri = artifactUri.startsWith("/") ? pathToFileURL(artifactUri).href : artifactUri.replace(/^file:\/+/, "file:///");
  if (/^s3:/i.test(uri)) {
    const parsed = parseCheckpointUri(uri, "the run's artifact address");
    if (parsed.status === "invalid") return parsed.issues.map(({ message }) => message).join(" ");
    // What MLflow's own client goes by. It is the bucket's endpoint, and that of checkpoints may be another.
    const endpoint = env["MLFLOW_S3_ENDPOINT_URL"]?.trim();
    const own = endpoint === undefined || endpoint === "" ? env : { ...env, AWS_ENDPOINT_URL_S3: endpoint };
    return createObjectStore(parsed.spec, { env: own, logger });
  }
  if (!uri.startsWith("file:")) return "only buckets (s3://) and folders can be";
  const folder = fileURLToPath(uri);
  const root = recordedPlace(folder)?.root ?? dirname(folder);
  const isHere = await stat(root).then(
    () => true,
    () => false,
  );
  return isHere ? createObjectStore({ kind: "folder", directory: folder }, { env, logger }) : `there is no ${root} on this machine`;
}
