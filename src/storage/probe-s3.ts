/**
 * Whether a bucket would take uploads, tried with the rights that uploads need and no others: a multipart upload is begun
 * and taken back. No object is written, none is read, and none has to be deleted.
 */
import { ConfigError } from "../base/errors.js";
import { createS3Client, importAws, loadAws, type AwsLoader } from "./s3-client.js";
import { s3Failure } from "./s3-errors.js";
import type { S3Settings } from "./s3-settings.js";

/** Below the prefix. Only its name is ever used. */
const PROBE_KEY = ".trainer-sdk-doctor";

/** What came of it. */
export interface S3Probe {
  /** Undefined: an upload may be begun. */
  readonly putFailure: Error | undefined;
  /** Undefined: it was taken back, or never begun. */
  readonly abortFailure: Error | undefined;
  /** The store's clock, from its answer. */
  readonly serverDate: string | undefined;
}

/** Never rejects but with the signal's reason. */
export async function probeS3(settings: S3Settings, signal: AbortSignal, loader: AwsLoader = importAws): Promise<S3Probe> {
  const key = settings.prefix === "" ? PROBE_KEY : `${settings.prefix}/${PROBE_KEY}`;
  const target = { bucket: settings.bucket, key, endpoint: settings.endpoint ?? "AWS", namedBy: settings.namedBy };
  const told = (error: unknown): Error => {
    signal.throwIfAborted();
    return error instanceof ConfigError ? error : s3Failure(error, target);
  };
  let serverDate: string | undefined;
  let client: ReturnType<typeof createS3Client> | undefined;
  try {
    const aws = await loadAws(loader, settings);
    client = createS3Client(aws, settings, { connectTimeoutMs: 5_000 });
    client.middlewareStack.add(
      (next) => async (given) => {
        const answer = await next(given);
        const { headers } = answer.response as { headers?: Record<string, string> };
        serverDate ??= headers?.["date"];
        return answer;
      },
      { step: "deserialize", priority: "low" },
    );
    const where = { Bucket: settings.bucket, Key: key };
    const { UploadId } = await client.send(new aws.s3.CreateMultipartUploadCommand(where), { abortSignal: signal });
    try {
      await client.send(new aws.s3.AbortMultipartUploadCommand({ ...where, UploadId }), { abortSignal: signal });
      return { putFailure: undefined, abortFailure: undefined, serverDate };
    } catch (error) {
      return { putFailure: undefined, abortFailure: told(error), serverDate };
    }
  } catch (error) {
    return { putFailure: told(error), abortFailure: undefined, serverDate };
  } finally {
    client?.destroy();
  }
}
