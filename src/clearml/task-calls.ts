/**
 * What the edits of a task ask of ClearML: endpoints by name, for one task. Fulfilled by a session, which tries again by
 * itself, and by the sink's port, which leaves that to the outbox; the edits are the same for both.
 */
import type { RequestOf, ResponseOf, SingleEndpointName } from "../protocol/clearml/endpoints.js";

/** Calls endpoints. */
export interface ApiCalls {
  /** @throws ApiError, ConnectionError, ValidationError; the signal's own reason when it aborted. */
  call<Name extends SingleEndpointName>(
    endpoint: Name,
    request: RequestOf<Name>,
    options: { readonly signal: AbortSignal },
  ): Promise<ResponseOf<Name>>;
}

/** Calls about one task. */
export interface TaskCalls {
  readonly port: ApiCalls;
  readonly taskId: string;
  readonly signal: AbortSignal;
  /** False: an edit that the task's status closes is refused. Default: it is made by reading, merging and writing. */
  readonly isReopened?: boolean;
}
