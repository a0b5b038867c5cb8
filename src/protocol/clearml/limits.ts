/**
 * Numbers and words that the server fixes. Sections are those of the notes on ClearML Server 2.3.0 that this package
 * was written by; where the official Python SDK sets the number, that is said.
 */

/** The API version that every request names in its path. Newer servers answer it with these shapes (1.1). */
export const API_VERSION = "2.34";

/** Content type of a batch. Exactly this: with a charset parameter the server reads the body as one JSON text (1.1). */
export const JSON_LINES = "application/json-lines";

/** Iteration that marks a single value, shown in the summary table instead of a chart: -2^31 (4.5). */
export const SINGLE_VALUE_ITERATION = -2_147_483_648;
/** Metric under which the official SDK reports single values (4.5). */
export const SINGLE_VALUE_METRIC = "Summary";

/** Charts of the machine's load, which do not move a task's last iteration (4.5, 4.8). */
export const MONITOR_MACHINE = ":monitor:machine";
export const MONITOR_GPU = ":monitor:gpu";

/** Fewest characters of a task's, model's or queue's name and of each part of a project's path; fewer answer 400/800 or 400/12 (3.1, 6). */
export const NAME_MIN_LENGTH = 3;
/** Most parts of a project's path; more answer 400/409 (6). */
export const PROJECT_MAX_DEPTH = 10;

/** Rows that a search returns at most, whatever was asked for, without a word (3.8). */
export const MAX_PAGE_SIZE = 500;
/** A search's scroll that was idle for longer starts again at its first row (3.8). */
export const SCROLL_IDLE_MS = 600_000;

/** Points that a histogram returns for a line at most, and unless asked otherwise (4.6). */
export const MAX_HISTOGRAM_SAMPLES = 6000;
export const DEFAULT_HISTOGRAM_SAMPLES = 2000;
/** Tasks in one `events.multi_task_scalar_metrics_iter_histogram` at most (4.6). */
export const MAX_HISTOGRAM_TASKS = 100;
/** Points in one page of `events.scalar_metrics_iter_raw` at most (4.6). */
export const MAX_RAW_BATCH_SIZE = 200_000;
/** Lines in one page of `events.get_task_log` at most: the index counts no further (4.6). */
export const MAX_LOG_BATCH_SIZE = 10_000;
/** Metric and variant pairs that a task's `last_metrics` holds; later pairs are not summarised (3.9). */
export const MAX_LAST_METRICS = 2000;
/** UTF-8 bytes of an event's metric, variant, key, url, worker and level (4.3). */
export const MAX_KEYWORD_BYTES = 32_766;

/** An `in_progress` task that was silent for so long is stopped by the server (3.5). */
export const WATCHDOG_TIMEOUT_MS = 7_200_000;
/** A worker that was heard of within this time counts as alive when a stop is asked for (3.4). */
export const ACTIVE_WORKER_MS = 600_000;
/** Part of `status_message` by which the server asks a running task's worker to stop (3.4). */
export const STOPPING_MESSAGE = "stopping";

/** Longest lifetime of a token that can be asked for, and the usual one, in seconds (2.1). */
export const MAX_TOKEN_LIFETIME_SEC = 31_536_000;
export const DEFAULT_TOKEN_LIFETIME_SEC = 2_592_000;
/** Cookie that carries the token to API and file server when there is no `Authorization` (2.1). */
export const TOKEN_COOKIE = "clearml_token_basic";
