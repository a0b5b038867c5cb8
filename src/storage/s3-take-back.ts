/** Ends an upload in parts that will not be completed: until then its parts lie in the store unseen and cost money. */
import type { S3Client } from "@aws-sdk/client-s3";
import type { AwsModules } from "./s3-client.js";

/** Time for an unfinished upload to be taken back. */
const ABORT_TIMEOUT_MS = 10_000;

export interface UnfinishedUpload {
  readonly aws: AwsModules;
  readonly client: S3Client;
  readonly bucket: string;
  /** With the store's prefix. */
  readonly key: string;
  /** Told when it could not be taken back. */
  readonly onLeftover: (uploadId: string, error: unknown) => void;
}

/** Resolves true when S3 has nothing of it any more. Never rejects; bounded. */
export async function takeBack(
  { aws, client, bucket, key, onLeftover }: UnfinishedUpload,
  uploadId: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const limit = AbortSignal.timeout(ABORT_TIMEOUT_MS);
  try {
    await client.send(new aws.s3.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId }), {
      abortSignal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    return true;
  } catch (error) {
    if (isUnknownUpload(error)) return true;
    if (signal?.aborted !== true) onLeftover(uploadId, error);
    return false;
  }
}

/** S3's answer about an upload that was completed, taken back, or ended by a lifecycle rule. */
export function isUnknownUpload(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === "NoSuchBucket") return false;
  // The code is in the body, which is lost when the connection is closed behind the status.
  return (
    error.name === "NoSuchUpload" ||
    (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode === 404
  );
}
