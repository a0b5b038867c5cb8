/** What a failed call to MLflow means for the records it carried: waiting for ever, waiting within a budget, or refused. Pure. */
import { ApiError, ConnectionError, TrainerSDKError, describeError } from "../../base/errors.js";
import { isOutageStatus } from "../../base/retry.js";
import { isMlflowAnswer } from "../../mlflow/mlflow-wire.js";
import type { Delivery } from "../../outbox/sink.js";

/** What the call carried: points of several records, or something of one record. */
export type Carried = "points" | "single";

/**
 * The outcome of records whose call threw.
 *
 * | failure | points | single |
 * | --- | --- | --- |
 * | no answer; aborted; 408, 425, 429, 502, 503, 504 | retry, unreachable | the same |
 * | 401, 403, 404, a redirect, a 200 that is not MLflow's | retry, answered | the same |
 * | 500 and above; 400 with MLflow's BAD_REQUEST | undecided, and the last one waits | retry, answered |
 * | any other 4xx | undecided: one of them is at fault | rejected |
 *
 * 500 is how a database that is gone is answered, and how a file store refuses a name (`loss` beside `loss/train`); BAD_REQUEST is
 * what MLflow makes of whatever its database says, a pool without a free connection among it, while its own rules have other
 * codes. Nobody can tell: of points the batch is taken apart, so that one that is at fault keeps no others back, and the budget
 * decides of what still fails by itself.
 */
export function failureOutcome(error: unknown, carried: Carried, signal: AbortSignal): Delivery {
  const reason = describeError(error);
  // Whatever was thrown, the outbox is closing: nobody refused anything.
  if (signal.aborted || ConnectionError.isInstance(error)) return { status: "retry", cause: "unreachable", reason };
  if (!ApiError.isInstance(error)) {
    if (!TrainerSDKError.isInstance(error)) return { status: "retry", cause: "answered", reason };
    return error.retryable ? { status: "retry", cause: "unreachable", reason } : { status: "rejected", reason };
  }
  const { status, retryAfterMs } = error;
  const isUnclear = status >= 500 || isMlflowAnswer(error, 400, "BAD_REQUEST");
  if (isOutageStatus(status))
    return { status: "retry", cause: "unreachable", reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  if (isUnclear && carried === "points") return { status: "undecided", reason, final: false };
  // Credentials, rights, a wrong address and a proxy's rules are a person's to mend, and then the very same records are right.
  if (isUnclear || status < 400 || [401, 403, 404].includes(status)) return { status: "retry", cause: "answered", reason };
  return carried === "points" ? { status: "undecided", reason, final: true } : { status: "rejected", reason };
}
