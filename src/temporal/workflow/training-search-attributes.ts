/** Search attributes that `trainingWorkflow` sets when it is asked to. The server must be told of them first; they are stored as plain text. */
import { defineSearchAttributeKey } from "@temporalio/common";

/** Keys by what they hold; all of type keyword. */
export const trainingSearchAttributes = {
  /** `TrainerJobId`. */
  jobId: defineSearchAttributeKey("TrainerJobId", "KEYWORD"),
  /** `TrainerStep`: `creating`, `training`, `finalizing`, `registering`, `stopping`, `ended`. */
  step: defineSearchAttributeKey("TrainerStep", "KEYWORD"),
  /** `ClearmlTaskId`. */
  taskId: defineSearchAttributeKey("ClearmlTaskId", "KEYWORD"),
} as const;
