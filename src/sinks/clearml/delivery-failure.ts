/**
 * What a failed call means for the records it carried. One pure function, so that the rules of design section 4 stand in
 * one table: waiting for ever, waiting within a budget, or refused.
 */
import { ApiError, ConfigError, ConnectionError, ValidationError, describeError } from "../../base/errors.js";
import { isRetryableStatus } from "../../clearml/answers.js";
import type { Delivery } from "../../outbox/sink.js";
import { CLEARML_ERRORS } from "../../protocol/clearml/error-kinds.js";

/** What the call carried: several events of several records, or one thing of one record. */
export type Carried = "events" | "single";

/** Somebody else changed the status at that moment (3.3). */
const STATUS_RACE = CLEARML_ERRORS.TASK_STATUS_RACE.subcode;
/** ClearML answers that its own storage is out (`clearml-protocol`, 1.4): low disk space, database unavailable. */
const OUTAGE_SUBCODES: ReadonlySet<number> = new Set([CLEARML_ERRORS.LOW_DISK_SPACE.subcode, CLEARML_ERRORS.DATABASE_UNAVAILABLE.subcode]);
/** The index refused a document, earlier chunks of the batch are stored (4.2). */
const INDEX_ERROR = CLEARML_ERRORS.DATA_ERROR.subcode;

/**
 * The outcome of records whose call threw.
 *
 * | failure | events | single |
 * | --- | --- | --- |
 * | no answer; aborted; 408, 429, 502 and above; 500 with subcode 4 or 102 | retry, unreachable | the same |
 * | 401 after a refresh, 403, 404, a redirect, 500, a 200 that is not ClearML's, 400/121 | retry, answered | the same |
 * | 500/100 | undecided: one of them is at fault | retry, answered |
 * | any other 4xx; a request that breaks its schema | undecided: one of them is at fault | rejected |
 */
export function failureOutcome(error: unknown, carried: Carried, signal: AbortSignal): Delivery {
  const reason = describeError(error);
  // Whatever was thrown, the outbox is closing: nobody refused anything.
  if (signal.aborted || ConnectionError.isInstance(error)) return { status: "retry", cause: "unreachable", reason };
  if (!ApiError.isInstance(error)) {
    // The request broke its own schema: that is this record's fault and stays so. Anything else may pass.
    const own = ValidationError.isInstance(error) || ConfigError.isInstance(error);
    return own ? refused(carried, reason) : { status: "retry", cause: "answered", reason };
  }
  const { status, subcode, retryAfterMs } = error;
  if (isRetryableStatus(status) || (status === 500 && subcode !== undefined && OUTAGE_SUBCODES.has(subcode))) {
    return { status: "retry", cause: "unreachable", reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  if (status === 500) {
    return subcode === INDEX_ERROR && carried === "events"
      ? { status: "undecided", reason, final: true }
      : { status: "retry", cause: "answered", reason };
  }
  // Credentials, a proxy's rules and a wrong address are a person's to mend, and then the very same records are right.
  if (status < 400 || status === 401 || status === 403 || status === 404 || (status === 400 && subcode === STATUS_RACE)) {
    return { status: "retry", cause: "answered", reason };
  }
  return refused(carried, reason);
}

function refused(carried: Carried, reason: string): Delivery {
  return carried === "events" ? { status: "undecided", reason, final: true } : { status: "rejected", reason };
}
