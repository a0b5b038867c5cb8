/**
 * What ClearML says no with: HTTP status and `meta.result_subcode`. Decisions are taken by these two and never by
 * `result_msg`, whose text is for people (`clearml-protocol`, 1.2 and 1.4).
 */

/** One kind of refusal. */
export interface ClearMLErrorKind {
  readonly status: number;
  readonly subcode: number;
  /** What it means, for a person. */
  readonly meaning: string;
}

/** The kinds that a client meets. "Not found" is 400 with a subcode; 404 is an endpoint that does not exist. */
export const CLEARML_ERRORS = {
  RETIRED_ENDPOINT: { status: 301, subcode: 1, meaning: "the endpoint was retired for this API version" },
  BAD_REQUEST: { status: 400, subcode: 0, meaning: "the path or the body is malformed" },
  IMPERSONATION_CONFLICT: { status: 400, subcode: 5, meaning: "two impersonation headers were sent" },
  IMPERSONATION_NOT_ALLOWED: { status: 400, subcode: 6, meaning: "this role may not impersonate" },
  INVALID_ID: { status: 400, subcode: 10, meaning: "the id is not valid" },
  MISSING_FIELDS: { status: 400, subcode: 11, meaning: "required fields are missing" },
  VALIDATION_ERROR: {
    status: 400,
    subcode: 12,
    meaning: "a field has a wrong type or is missing, or a nested document holds an unknown one",
  },
  UNKNOWN_FIELD: { status: 400, subcode: 14, meaning: "a query names a field that does not exist" },
  INVALID_FIELDS_COMBINATION: { status: 400, subcode: 15, meaning: "the given fields exclude each other" },
  BAD_FIELD_VALUE: { status: 400, subcode: 16, meaning: "a field's value is not allowed, such as a tag that starts with __$" },
  EMPTY_BATCH: { status: 400, subcode: 17, meaning: "the batch holds no line" },
  BAD_REGEX: { status: 400, subcode: 21, meaning: "the pattern is not a valid regular expression" },
  UNKNOWN_ACCESS_KEY: { status: 400, subcode: 75, meaning: "there is no such access key" },
  INVALID_TASK_ID: { status: 400, subcode: 101, meaning: "there is no such task, or it belongs to another company" },
  INVALID_TASK_STATUS: { status: 400, subcode: 110, meaning: "the task's status does not allow it" },
  TASK_PUBLISHED: { status: 400, subcode: 113, meaning: "the task is published" },
  TASK_STATUS_RACE: { status: 400, subcode: 121, meaning: "somebody changed the task's status at the same time" },
  TASK_FIELD_MISSING: { status: 400, subcode: 122, meaning: "the task lacks a field that is needed" },
  TASK_NOT_DELETABLE: { status: 400, subcode: 123, meaning: "the task cannot be deleted: published children or models depend on it" },
  TASK_NOT_FOUND: { status: 400, subcode: 130, meaning: "there is no such task" },
  EVENTS_NOT_ADDED: { status: 400, subcode: 131, meaning: "no event of the batch was added" },
  REPORTS_ONLY: { status: 400, subcode: 150, meaning: "the operation is for reports only" },
  INVALID_MODEL_ID: { status: 400, subcode: 201, meaning: "there is no such model, or it belongs to another company" },
  MODEL_ALREADY_READY: { status: 400, subcode: 203, meaning: "the model is published already" },
  MODEL_IN_USE: { status: 400, subcode: 205, meaning: "tasks use the model" },
  MODEL_TASK_PUBLISHED: { status: 400, subcode: 206, meaning: "the task that made the model is published" },
  INVALID_PROJECT_ID: { status: 400, subcode: 401, meaning: "there is no such project" },
  PROJECT_HAS_TASKS: { status: 400, subcode: 402, meaning: "the project holds tasks" },
  PROJECT_HAS_MODELS: { status: 400, subcode: 405, meaning: "the project holds models" },
  PROJECT_HAS_DATASETS: { status: 400, subcode: 406, meaning: "the project holds data sets" },
  INVALID_PROJECT_NAME: { status: 400, subcode: 407, meaning: "the project's name is empty, or a part of it is" },
  PROJECT_LOCATION_CHANGE: { status: 400, subcode: 408, meaning: "projects.update cannot move a project" },
  PROJECT_PATH_TOO_DEEP: { status: 400, subcode: 409, meaning: "the project's path has more than 10 parts" },
  PROJECT_HAS_PIPELINES: { status: 400, subcode: 413, meaning: "the project holds pipelines" },
  PUBLIC_PROJECT_EXISTS: { status: 400, subcode: 414, meaning: "a public project has that name" },
  INVALID_QUEUE_ID: { status: 400, subcode: 701, meaning: "there is no such queue" },
  QUEUE_NOT_EMPTY: { status: 400, subcode: 702, meaning: "the queue is not empty" },
  TASK_NOT_IN_QUEUE: { status: 400, subcode: 703, meaning: "the task is not in the queue" },
  TASK_ALREADY_QUEUED: { status: 400, subcode: 706, meaning: "the task is in the queue already" },
  NO_DEFAULT_QUEUE: { status: 400, subcode: 707, meaning: "no queue is marked as the default" },
  SEVERAL_DEFAULT_QUEUES: { status: 400, subcode: 708, meaning: "more than one queue is marked as the default" },
  STORED_DATA_INVALID: {
    status: 400,
    subcode: 800,
    meaning: "the stored document would be invalid, such as a name of fewer than 3 characters",
  },
  NOT_UNIQUE: { status: 400, subcode: 801, meaning: "something of that name exists already" },
  UNKNOWN_WORKER: { status: 400, subcode: 1001, meaning: "there is no such worker" },
  WORKER_NOT_REGISTERED: { status: 400, subcode: 1004, meaning: "the worker is not registered" },
  BAD_SCROLL_ID: { status: 400, subcode: 1104, meaning: "the scroll id is not valid" },
  BAD_AUTH_SCHEME: { status: 401, subcode: 10, meaning: "the authorization scheme is not known" },
  NO_CREDENTIALS: { status: 401, subcode: 20, meaning: "no credentials were sent" },
  MALFORMED_CREDENTIALS: { status: 401, subcode: 21, meaning: "the credentials are malformed" },
  WRONG_CREDENTIALS: { status: 401, subcode: 22, meaning: "access key and secret key do not belong together, or were revoked" },
  INVALID_TOKEN: { status: 401, subcode: 30, meaning: "the token is invalid, expired or revoked" },
  UNKNOWN_FIXED_USER: { status: 401, subcode: 40, meaning: "the user is not one of the configured ones" },
  ROLE_NOT_ALLOWED: { status: 403, subcode: 20, meaning: "this role may not call the endpoint" },
  NO_WRITE_PERMISSION: { status: 403, subcode: 21, meaning: "public and example objects cannot be changed" },
  ENDPOINT_NOT_FOUND: { status: 404, subcode: 0, meaning: "there is no such endpoint in this version" },
  INTERNAL_ERROR: { status: 500, subcode: 0, meaning: "the server met an unexpected error" },
  SERVER_ERROR: { status: 500, subcode: 1, meaning: "the server met an unexpected error" },
  LOW_DISK_SPACE: { status: 500, subcode: 4, meaning: "the server's index is short of disk space" },
  DATA_ERROR: { status: 500, subcode: 100, meaning: "the server's index or database refused; one bad event is enough" },
  DATABASE_UNAVAILABLE: { status: 500, subcode: 102, meaning: "the server's database cannot be reached" },
} as const satisfies Record<string, ClearMLErrorKind>;

/** What an answer's status and subcode mean, where that is known. */
export function meaningOf(status: number, subcode: number | undefined): string | undefined {
  return Object.values(CLEARML_ERRORS).find((kind) => kind.status === status && kind.subcode === subcode)?.meaning;
}
