/**
 * The errors a caller can meet. Few classes, told apart by `code`; each message says what failed, on what, and what to
 * do. Outcomes that are expected (a sink that is down, a point that is not finite) are values and never come as errors.
 */

const BRAND = Symbol.for("trainer-sdk.error");

/** Stable, documented reasons. Adding one is a minor release; renaming or removing one is a major release. */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "ARGUMENT_INVALID"
  | "API_ERROR"
  | "CONNECTION_FAILED"
  | "TIMEOUT"
  | "UPLOAD_FAILED"
  | "FILE_CHANGED"
  | "STORAGE_UNAVAILABLE"
  | "DOWNLOAD_FAILED"
  | "JOURNAL_LOCKED"
  | "JOURNAL_UNWRITABLE"
  | "JOURNAL_VERSION"
  | "STOP_REQUESTED"
  | "NOT_FOUND"
  | "TASK_STATUS"
  | "CLOSED";

/** What every error of this package can be built from. */
export interface ErrorDetails {
  readonly code: ErrorCode;
  /** True when the same call may succeed later without anything being changed. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * Base of all errors that this package throws. Two copies of the package (ESM and CommonJS) have two copies of each
 * class, so use {@link TrainerSDKError.isInstance} rather than `instanceof` when the error may have crossed that line.
 */
export class TrainerSDKError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly [BRAND] = true;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    // The bundler puts an underscore before the name of a class that speaks of itself, as this one does.
    this.name = new.target.name.replace(/^_/, "");
    this.code = details.code;
    this.retryable = details.retryable ?? false;
  }

  /** True for an error of this class from any copy of the package. */
  static isInstance<T extends TrainerSDKError>(this: abstract new (...details: never[]) => T, value: unknown): value is T {
    if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
    if ((this as unknown) === TrainerSDKError) return true;
    // Another copy's class is another object: its name, walked up the prototype chain, is what the copies share.
    for (let prototype: unknown = Object.getPrototypeOf(value); prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
      if ((prototype as { constructor?: { name?: string } }).constructor?.name === this.name) return true;
    }
    return false;
  }
}

/** One thing that is wrong with a value, and where. */
export interface Issue {
  /** Dotted path or environment variable, such as `clearml.apiHost` or `CALLBACK_URL`. */
  readonly path: string;
  readonly message: string;
}

/** A bad option or environment value; all problems at once, in `issues`. Thrown by `init` with `strict: true` and by constructors. */
export class ConfigError extends TrainerSDKError {
  readonly issues: readonly Issue[];

  constructor(message: string, issues: readonly Issue[], cause?: unknown) {
    super(message, { code: "CONFIG_INVALID", cause });
    this.issues = issues;
  }
}

/** A caller's argument has the wrong type or lacks a required field: a bug at the call, thrown at once. */
export class ValidationError extends TrainerSDKError {
  readonly issues: readonly Issue[];

  constructor(message: string, issues: readonly Issue[], cause?: unknown) {
    super(message, { code: "ARGUMENT_INVALID", cause });
    this.issues = issues;
  }
}

/** Facts of an answer that was not a success. */
export interface ApiErrorDetails {
  /** Who answered: `clearml`, `platform`, `fileserver`, `s3`. */
  readonly service: string;
  readonly method: string;
  /** The URL without query string, user name or password. */
  readonly url: string;
  readonly status: number;
  /** ClearML's `meta.result_subcode`, where there is one. */
  readonly subcode?: number;
  readonly requestId?: string;
  /** At most 500 characters of the body, for a person. */
  readonly bodyExcerpt?: string;
  /** The server's own wish, from `Retry-After`. */
  readonly retryAfterMs?: number;
  readonly retryable: boolean;
  readonly cause?: unknown;
}

/** A server answered, and the answer was no. */
export class ApiError extends TrainerSDKError {
  readonly service: string;
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly subcode: number | undefined;
  readonly requestId: string | undefined;
  readonly bodyExcerpt: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: ApiErrorDetails) {
    super(message, { code: "API_ERROR", retryable: details.retryable, cause: details.cause });
    this.service = details.service;
    this.method = details.method;
    this.url = details.url;
    this.status = details.status;
    this.subcode = details.subcode;
    this.requestId = details.requestId;
    this.bodyExcerpt = details.bodyExcerpt;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/**
 * No answer came: name resolution, refused, reset, or (code `TIMEOUT`) too slow. `ambiguous` is true when the request
 * may have reached the server, so the work may have been done.
 */
export class ConnectionError extends TrainerSDKError {
  readonly ambiguous: boolean;

  constructor(message: string, details: { code: "CONNECTION_FAILED" | "TIMEOUT"; ambiguous: boolean; cause?: unknown }) {
    super(message, { code: details.code, retryable: true, cause: details.cause });
    this.ambiguous = details.ambiguous;
  }
}

/** Bytes could not be stored, or what was stored is not what was sent. */
export class UploadError extends TrainerSDKError {
  constructor(
    message: string,
    details: { code?: "UPLOAD_FAILED" | "FILE_CHANGED" | "STORAGE_UNAVAILABLE"; retryable: boolean; cause?: unknown },
  ) {
    super(message, { code: details.code ?? "UPLOAD_FAILED", retryable: details.retryable, cause: details.cause });
  }
}

/** Bytes could not be fetched, or are not what was promised. `uri` names the file or the place, without any signature. */
export class DownloadError extends TrainerSDKError {
  readonly uri: string;

  constructor(
    message: string,
    details: { code?: "DOWNLOAD_FAILED" | "FILE_CHANGED" | "STORAGE_UNAVAILABLE"; uri: string; retryable: boolean; cause?: unknown },
  ) {
    super(message, { code: details.code ?? "DOWNLOAD_FAILED", retryable: details.retryable, cause: details.cause });
    this.uri = details.uri;
  }
}

/** The journal's folder cannot be used: locked by a live process, not writable, of a newer version. `path` names it. */
export class JournalError extends TrainerSDKError {
  readonly path: string;

  constructor(
    message: string,
    details: { code: Extract<ErrorCode, `JOURNAL_${string}`>; path: string; retryable?: boolean; cause?: unknown },
  ) {
    super(message, details);
    this.path = details.path;
  }
}

/** Who asked a trainer to stop. */
export type StopSource = "clearml" | "platform" | "caller" | "signal";

/** The reason of `sdk.signal`: somebody asked the job to stop. Not a failure; save what matters and call `reportStopped`. */
export class StopRequestedError extends TrainerSDKError {
  readonly source: StopSource;

  constructor(source: StopSource, reason: string) {
    super(reason, { code: "STOP_REQUESTED" });
    this.source = source;
  }
}

/** What was asked for by name or id does not exist, or these credentials cannot see it. */
export class NotFoundError extends TrainerSDKError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: "NOT_FOUND", cause });
  }
}

/** A task's status does not allow what was asked of it. */
export class TaskStatusError extends TrainerSDKError {
  readonly taskId: string;
  /** The status that it had. */
  readonly status: string;

  constructor(message: string, details: { readonly taskId: string; readonly status: string; readonly cause?: unknown }) {
    super(message, { code: "TASK_STATUS", cause: details.cause });
    this.taskId = details.taskId;
    this.status = details.status;
  }
}

/** The object was closed before the call. */
export class ClosedError extends TrainerSDKError {
  constructor(message: string) {
    super(message, { code: "CLOSED" });
  }
}

/** The text of anything that was thrown, with the causes that say more, for a log line or a reason. Never throws. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return textOf(error);
  const cause = error.cause instanceof Error ? error.cause : undefined;
  const code = (error as { code?: unknown }).code;
  const own = textOf(error.message) || (typeof code === "string" ? code : error.name);
  // A message that is a sentence ends with a full stop; the cause goes on with it.
  return cause && !own.includes(cause.message) ? `${own.replace(/\.$/, "")}: ${describeError(cause)}` : own;
}

/** Errors of another realm are none by `instanceof`; what libraries throw in their place has a message too. */
function textOf(value: unknown): string {
  try {
    const message: unknown = typeof value === "object" && value !== null ? (value as { message?: unknown }).message : undefined;
    return typeof message === "string" && message !== "" ? message : String(value);
  } catch {
    // Without a prototype, or with one that throws.
    return Object.prototype.toString.call(value);
  }
}
