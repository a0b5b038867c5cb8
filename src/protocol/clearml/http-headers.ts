/** Headers of the API, in lower case as they are compared (`clearml-protocol`, 1.5). */

/** Name and version of the client program. */
export const CLIENT_HEADER = "x-clearml-client";
/** Name of the worker; the server's default for an event's `worker`. */
export const WORKER_HEADER = "x-clearml-worker";
/** Echoed by the server in `meta.trx`. */
export const TRANSACTION_HEADER = "x-clearml-trx";
