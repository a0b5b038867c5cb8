/** What the AWS client threw, in our words: whose fault it is, whether it passes, what to do. One pure function. */
import { ConnectionError, describeError, DownloadError, TrainerSDKError, UploadError } from "../base/errors.js";

/** What was being done, for the message. */
export interface S3Target {
  readonly bucket: string;
  readonly key: string;
  /** Endpoint, or `AWS`. */
  readonly endpoint: string;
  /** The variable or option that named the place, for advice. Default `CHECKPOINT_URI`. */
  readonly namedBy?: string | undefined;
}

/** Refusals by S3's code, and what helps. They pass only when a person acts. */
const adviceFor = ({ namedBy = "CHECKPOINT_URI" }: S3Target): Readonly<Record<string, string>> => ({
  AccessDenied: "Allow s3:PutObject and s3:AbortMultipartUpload on this bucket to these credentials",
  AllAccessDisabled: "The bucket is disabled; ask its owner",
  InvalidAccessKeyId: "The access key is not known at this endpoint; check the credentials and that they belong to it",
  SignatureDoesNotMatch: "The secret key is wrong, or belongs to another endpoint",
  NoSuchBucket: `Create the bucket, or correct ${namedBy}`,
  InvalidBucketName: `Correct the bucket in ${namedBy}`,
  PermanentRedirect: "The bucket lies in another region; set AWS_REGION to it",
  AuthorizationHeaderMalformed: "The bucket lies in another region; set AWS_REGION to it",
  IllegalLocationConstraintException: "The bucket lies in another region; set AWS_REGION to it",
  QuotaExceeded: "The store's quota is used up",
  XMinioStorageFull: "The store's disks are full",
});

/** Codes of answered failures that a later try may not meet: bytes damaged on the way, an upload that the store has lost, a clock or a token about to be renewed. */
const PASSING = new Set([
  "BadDigest",
  "ContentSHA256Mismatch",
  "ExpiredToken",
  "IncompleteBody",
  "InvalidDigest",
  "InvalidPart",
  "NoSuchUpload",
  "OperationAborted",
  "RequestTimeTooSkewed",
  "TokenRefreshRequired",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
  "XMinioStorageFull",
]);

/** Codes that mean "not now", whatever their status. */
const OUTAGE = new Set([
  "InternalError",
  "RequestTimeout",
  "ServiceUnavailable",
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
]);

/** What of {@link adviceFor} is another when bytes were to be read. */
const READ_ADVICE: Readonly<Record<string, string>> = {
  AccessDenied: "Allow s3:GetObject on this bucket to these credentials, and s3:ListBucket where a prefix is named",
  NoSuchBucket: "Check the bucket and the endpoint",
  NoSuchKey: "There is no such object (any more); check the address",
  InvalidBucketName: "Check the bucket's name",
};

/**
 * Turns what an S3 call threw into what an ObjectStore may throw, or, with `read`, into what a source of downloads may. Our
 * own errors pass as they are.
 */
export function s3Failure(error: unknown, target: S3Target, read?: { readonly uri: string }): Error {
  if (TrainerSDKError.isInstance(error)) return error;
  const fail = (message: string, details: FailureDetails): Error =>
    read
      ? new DownloadError(message, {
          uri: read.uri,
          retryable: details.retryable,
          cause: error,
          ...(details.isOutage ? OUT_OF_SERVICE : {}),
        })
      : new UploadError(message, { retryable: details.retryable, cause: error, ...(details.isOutage ? OUT_OF_SERVICE : {}) });
  const where = `s3 bucket ${target.bucket} at ${target.endpoint}, key ${target.key}`;
  const code = error instanceof Error ? error.name : "";
  const status = statusOf(error);
  if (code === "CredentialsProviderError") {
    return fail(
      `No credentials for ${where}: ${describeError(error)}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.`,
      { retryable: true },
    );
  }
  if (error instanceof Error && error.message === "Region is missing") {
    return fail(`No region for ${where}. Set AWS_REGION to the bucket's region.`, { retryable: false });
  }
  if (status === undefined) {
    return (
      unanswered(error, code, where) ??
      fail(`The ${read ? "download from" : "upload to"} ${where} failed: ${describeError(error)}.`, { retryable: true })
    );
  }
  const said = `${where} answered ${String(status)} ${code}: ${describeError(error)}`;
  if (OUTAGE.has(code) || status === 429 || (status >= 500 && status !== 501)) {
    return fail(`${said}.`, { isOutage: true, retryable: true });
  }
  const known = { ...adviceFor(target), ...(read && READ_ADVICE) };
  const byStatus: Readonly<Record<number, string>> = {
    403: "AccessDenied",
    404: "NoSuchKey",
    301: "PermanentRedirect",
    307: "PermanentRedirect",
  };
  const advice = known[code] ?? known[byStatus[status] ?? ""];
  return fail(`${said}.${advice === undefined ? "" : ` ${advice}.`}`, { retryable: PASSING.has(code) });
}

interface FailureDetails {
  readonly retryable: boolean;
  readonly isOutage?: boolean;
}
const OUT_OF_SERVICE = { code: "STORAGE_UNAVAILABLE" } as const;

/** No status: the network. Undefined for an answer that was not S3's (a 200 whose body no S3 would write). */
function unanswered(error: unknown, code: string, where: string): Error | undefined {
  const isTimeout = code === "TimeoutError";
  const system = systemCodeOf(error);
  if (isTimeout || system !== undefined) {
    return new ConnectionError(`No answer from ${where}: ${describeError(error)}. Check the endpoint and that it is up.`, {
      code: isTimeout ? "TIMEOUT" : "CONNECTION_FAILED",
      ambiguous: system === undefined || !["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"].includes(system),
      cause: error,
    });
  }
  return undefined;
}

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: unknown } } | undefined)?.$metadata;
  const status = metadata?.httpStatusCode ?? (error as { $response?: { statusCode?: unknown } } | undefined)?.$response?.statusCode;
  // A 2xx that ended in an error is no answer to decide by.
  return typeof status === "number" && status >= 300 ? status : undefined;
}

function systemCodeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code;
    if (typeof code === "string") return code;
    if (at instanceof AggregateError && at.errors.length > 0) return systemCodeOf(at.errors[0]);
  }
  return undefined;
}
