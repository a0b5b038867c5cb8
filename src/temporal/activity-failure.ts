/**
 * What is thrown out of an activity: an ApplicationFailure of a published type, retryable or not by that type. Words come
 * from errors whose messages hold no secret; a cause is not passed on, for its stack and fields would stay in the history.
 */
import { ApplicationFailure, CancelledFailure } from "@temporalio/activity";
import * as z from "zod";
import { ApiError, ConfigError, ConnectionError, UploadError, ValidationError, describeError } from "../base/errors.js";
import { isRetryableFailure, TRAINING_FAILURES, type TrainingFailureType } from "./failure-types.js";
import { failureMessage } from "./payload-limits.js";
import { ManagerError } from "./training-manager.js";

export interface FailureOptions {
  readonly details?: readonly unknown[];
  readonly nextRetryDelayMs?: number;
}

/** A failure of a type. */
export function trainingFailure(type: TrainingFailureType, message: string, options: FailureOptions = {}): ApplicationFailure {
  const { details = [], nextRetryDelayMs } = options;
  const failure = ApplicationFailure.create({
    type,
    message: failureMessage(message),
    nonRetryable: !isRetryableFailure(type),
    details: [...details],
    ...(nextRetryDelayMs === undefined ? {} : { nextRetryDelay: Math.ceil(nextRetryDelayMs) }),
  });
  // Of an end that has a name, our own lines say nothing, and would take room from the log's last ones.
  failure.stack = "";
  return failure;
}

/** What an activity throws for what was thrown inside of it. */
export function asFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && error === signal.reason) return error;
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof ManagerError) return trainingFailure(error.type, error.message);
  if (error instanceof z.ZodError) return trainingFailure(TRAINING_FAILURES.invalidSpec, `the input does not fit: ${issuesOf(error)}`);
  if (ConfigError.isInstance(error) || ValidationError.isInstance(error))
    return trainingFailure(TRAINING_FAILURES.invalidSpec, describeError(error));
  if (ApiError.isInstance(error) && error.status === 400 && !error.retryable)
    return trainingFailure(TRAINING_FAILURES.invalidSpec, describeError(error));
  if (ApiError.isInstance(error) || ConnectionError.isInstance(error) || UploadError.isInstance(error))
    return trainingFailure(TRAINING_FAILURES.backendUnavailable, describeError(error));
  // A mistake of ours, or of a dependency: worth another try, by its own name.
  return ApplicationFailure.create({
    type: error instanceof Error ? error.name : "Error",
    message: failureMessage(describeError(error)),
  });
}

function issuesOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}
