/** Tells one refusal of ClearML from another by its kind, never by its text (`clearml-protocol`, 1.4). */
import type { ApiError } from "../base/errors.js";
import { isClearMLError } from "./answers.js";
import type { ClearMLErrorKind } from "../protocol/clearml/error-kinds.js";

/** True when the error is that answer. */
export function isAnswer(error: unknown, kind: ClearMLErrorKind): error is ApiError {
  return isClearMLError(error, kind.status, kind.subcode);
}
