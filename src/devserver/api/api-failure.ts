/** The answers of the API server that are not a success: HTTP status, ClearML's subcode, and the real server's words. */
import type { ErrorShape } from "./envelope.js";

/** Details that the real server appends to the message as `key=value`. */
export type FailureDetails = Readonly<Record<string, unknown>>;

/** Thrown by an endpoint; becomes the envelope's error. */
export class ApiFailure extends Error {
  readonly shape: ErrorShape;
  /** True when what was written before the failure stays written, as it does at the real server's index. */
  readonly keepsWrites: boolean;

  constructor(status: number, subcode: number, message: string, options: { readonly keepsWrites?: boolean } = {}) {
    super(message);
    this.name = "ApiFailure";
    this.shape = { code: status, subcode, message };
    this.keepsWrites = options.keepsWrites ?? false;
  }
}

function withDetails(message: string, details: FailureDetails): string {
  const list = Object.entries(details).filter(([, value]) => value !== undefined);
  return list.length === 0
    ? message
    : `${message}: ${list.map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ")}`;
}

/** 400/0. */
export const badRequest = (message: string): ApiFailure => new ApiFailure(400, 0, message);
/** 400/10: an id that the call cannot use. */
export const invalidId = (details: FailureDetails): ApiFailure => new ApiFailure(400, 10, withDetails("Invalid id", details));
/** 400/12: the request does not fit. */
export const validationError = (reason: string): ApiFailure => new ApiFailure(400, 12, `Validation error (${reason})`);
/** 400/15: fields that exclude each other. */
export const fieldsConflict = (reason: string): ApiFailure => new ApiFailure(400, 15, `Conflicting fields (${reason})`);
/** 400/16. */
export const fieldsValueError = (reason: string, details: FailureDetails = {}): ApiFailure =>
  new ApiFailure(400, 16, withDetails(`Fields value error (${reason})`, details));
/** 400/17. */
export const batchIsEmpty = (): ApiFailure => new ApiFailure(400, 17, "Batch contains no items");
/** 400/21. */
export const invalidRegex = (pattern: string): ApiFailure =>
  new ApiFailure(400, 21, withDetails("Invalid regular expression", { pattern }));
/** 400/101: also for a task of somebody else. */
export const invalidTaskId = (id: unknown): ApiFailure => new ApiFailure(400, 101, withDetails("Invalid task id", { id }));
/** 400/110. */
export const invalidTaskStatus = (details: FailureDetails): ApiFailure =>
  new ApiFailure(400, 110, withDetails("Invalid task status", details));
/** 400/122. */
export const missingTaskFields = (details: FailureDetails): ApiFailure =>
  new ApiFailure(400, 122, withDetails("Task is missing expected fields", details));
/** 400/123. */
export const taskCannotBeDeleted = (reason: string, details: FailureDetails): ApiFailure =>
  new ApiFailure(400, 123, withDetails(`Task has associated data or status that prevents deletion (${reason})`, details));
/** 400/131. */
export const eventsNotAdded = (details: FailureDetails): ApiFailure => new ApiFailure(400, 131, withDetails("No events added", details));
/** 400/201. */
export const invalidModelId = (id: unknown): ApiFailure => new ApiFailure(400, 201, withDetails("Invalid model id", { id }));
/** 400/203. */
export const modelIsReady = (id: string): ApiFailure => new ApiFailure(400, 203, withDetails("Model is already published", { model: id }));
/** 400/205. */
export const modelInUse = (details: FailureDetails): ApiFailure => new ApiFailure(400, 205, withDetails("Model is used by tasks", details));
/** 400/206. */
export const modelCreatingTaskPublished = (details: FailureDetails): ApiFailure =>
  new ApiFailure(400, 206, withDetails("Task that created the model is published", details));
/** 400/401. */
export const invalidProjectId = (id: unknown): ApiFailure => new ApiFailure(400, 401, withDetails("Invalid project id", { id }));
/** 400/701. */
export const invalidQueueId = (id: unknown): ApiFailure => new ApiFailure(400, 701, withDetails("Invalid queue id", { id }));
/** 400/800: what would be stored is not valid. */
export const dataValidationError = (details: FailureDetails): ApiFailure =>
  new ApiFailure(400, 800, withDetails("Data validation error", details));
/** 400/801. */
export const uniqueViolation = (details: FailureDetails): ApiFailure =>
  new ApiFailure(400, 801, withDetails("Value combination already exists", details));
/** 400/1104. */
export const invalidScrollId = (): ApiFailure => new ApiFailure(400, 1104, "Invalid scroll id");
/** 401 with a subcode. */
export const unauthorized = (subcode: 10 | 20 | 21 | 22 | 30, reason: string): ApiFailure =>
  new ApiFailure(401, subcode, `Unauthorized (${reason})`);
/** 403/20. */
export const roleNotAllowed = (role: string): ApiFailure =>
  new ApiFailure(403, 20, withDetails("Role is not allowed for this call", { role }));
/** 404/0: no such endpoint. */
export const endpointNotFound = (name: string, version: string): ApiFailure =>
  new ApiFailure(404, 0, `Unable to find endpoint for name ${name} and version ${version}`);
/** 500/0. */
export const generalError = (reason: string): ApiFailure => new ApiFailure(500, 0, `General data error (${reason})`);
/** 500/100: the index refused; what came before stays. */
export const indexError = (reason: string): ApiFailure => new ApiFailure(500, 100, `General data error (${reason})`, { keepsWrites: true });
