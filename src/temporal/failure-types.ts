/**
 * The ways in which the activities fail, by stable name: what a workflow decides by. Workflow-safe: imports nothing.
 * Adding one is a minor release; renaming one is a major release.
 */

/** Types of the activities' ApplicationFailures. */
export const TRAINING_FAILURES = {
  /** The input, the command or the template cannot be used, or the trainer refused its configuration (exit code 2, 64 to 78). Not retryable. */
  invalidSpec: "InvalidSpec",
  /** The program could not be started: no such image, command, secret or folder. Not retryable. */
  imageUnavailable: "ImageUnavailable",
  /** The kernel ended it for want of memory; there is evidence. Not retryable as it is: the workflow may give it more. */
  outOfMemory: "OutOfMemory",
  /** The trainer said that it failed, or ended with a code of its own. Not retryable. */
  trainerError: "TrainerError",
  /** Killed by a signal that nobody here sent, without evidence of what for. Not retryable. */
  killed: "Killed",
  /** It ran longer than it was allowed to. Not retryable. */
  deadlineExceeded: "DeadlineExceeded",
  /** Interrupted: the machine was wanted for something else, or somebody sent SIGTERM. Retryable. */
  preempted: "Preempted",
  /** The machine is gone, or was restarted. Retryable. */
  nodeLost: "NodeLost",
  /** The trainer asked for another try (exit code 75). Retryable. */
  tryAgain: "TryAgain",
  /** The place where trainers run, or ClearML, cannot be asked. Retryable. */
  backendUnavailable: "BackendUnavailable",
  /** The trainer runs on another machine and is not started here before its lease has lapsed. Retryable. */
  heldElsewhere: "HeldElsewhere",
  /** What ran under the name is not ours, or a later attempt owns the job. Not retryable. */
  lostOwnership: "LostOwnership",
  /** It was there, and is gone without a word of how it ended. Retryable. */
  jobVanished: "JobVanished",
  /** The job said that it completed, but a checkpoint or model that it must have is not there. Not retryable. */
  outputMissing: "OutputMissing",
  /** What the trainer still had to say died with its disk. Not retryable. */
  journalUnreachable: "JournalUnreachable",
  /** Records of the job are still waiting for a destination. Retryable. */
  recordsPending: "RecordsPending",
} as const;

/** A type of failure. */
export type TrainingFailureType = (typeof TRAINING_FAILURES)[keyof typeof TRAINING_FAILURES];

/** Those after which the same call may succeed later without anything being changed. */
const RETRYABLE_FAILURES: readonly TrainingFailureType[] = [
  TRAINING_FAILURES.preempted,
  TRAINING_FAILURES.nodeLost,
  TRAINING_FAILURES.tryAgain,
  TRAINING_FAILURES.backendUnavailable,
  TRAINING_FAILURES.heldElsewhere,
  TRAINING_FAILURES.jobVanished,
  TRAINING_FAILURES.recordsPending,
];

/** True for a type after which the same call may succeed later. */
export function isRetryableFailure(type: string): boolean {
  return (RETRYABLE_FAILURES as readonly string[]).includes(type);
}
