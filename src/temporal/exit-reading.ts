/** What an exit code or a signal means for a job. One pure function, shared by the backends, so that the same end is told the same way. */
import { TRAINING_FAILURES } from "./failure-types.js";
import type { TrainingEnd } from "./training-manager.js";

/** How a process ended, and what is known beside. */
export interface ExitFacts {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Somebody called `stop`. */
  readonly stopRequested: boolean;
  /** There is evidence of the kernel's killer: a counter that grew, a pod's reason. */
  readonly outOfMemory: boolean;
  /** What it held when it was ended for that, where somebody measured. */
  readonly heldBytes?: number;
}

const BYTES_PER_MEBIBYTE = 1024 * 1024;

/** sysexits.h: wrong usage, data, configuration. 75 is EX_TEMPFAIL. */
const isRefusal = (code: number): boolean => code === 2 || (code >= 64 && code <= 78 && code !== 75);
const SIGNALS: Readonly<Record<number, string>> = {
  129: "SIGHUP",
  130: "SIGINT",
  131: "SIGQUIT",
  134: "SIGABRT",
  137: "SIGKILL",
  139: "SIGSEGV",
  143: "SIGTERM",
};
const POLITE: ReadonlySet<string> = new Set(["SIGTERM", "SIGINT", "SIGHUP"]);

/**
 * | seen | means |
 * | --- | --- |
 * | a stop was asked for, any end but one for want of memory | stopped |
 * | 0 | completed |
 * | 137 or SIGKILL, with evidence | OutOfMemory |
 * | 137 or SIGKILL, without | Killed |
 * | 75 | TryAgain |
 * | 2, 64 to 78 | InvalidSpec |
 * | 130, 143, SIGTERM, SIGINT, SIGHUP, not asked for | Preempted |
 * | anything else | TrainerError |
 */
export function readExit({ exitCode, signal: given, stopRequested, outOfMemory, heldBytes }: ExitFacts): TrainingEnd {
  const signal = given ?? (exitCode === undefined ? undefined : SIGNALS[exitCode]);
  const how = given === undefined ? `ended with code ${String(exitCode ?? "(unknown)")}` : `was ended by ${given}`;
  const facts = { ...(exitCode === undefined ? {} : { exitCode }), ...(signal === undefined ? {} : { signal }) };
  if (outOfMemory && signal === "SIGKILL")
    return {
      outcome: "failed",
      failure: TRAINING_FAILURES.outOfMemory,
      message:
        heldBytes === undefined
          ? "the trainer was ended by the kernel for want of memory"
          : `the trainer was ended for holding ${String(Math.ceil(heldBytes / BYTES_PER_MEBIBYTE))} MiB, more than its memory limit`,
      ...facts,
    };
  if (stopRequested) return { outcome: "stopped", message: `the trainer was stopped and ${how}`, ...facts };
  if (exitCode === 0) return { outcome: "completed", message: "the trainer ended with code 0", ...facts };
  if (signal === "SIGKILL")
    return { outcome: "failed", failure: TRAINING_FAILURES.killed, message: "the trainer was killed by somebody (SIGKILL)", ...facts };
  if (signal !== undefined && POLITE.has(signal))
    return { outcome: "failed", failure: TRAINING_FAILURES.preempted, message: `the trainer was interrupted by ${signal}`, ...facts };
  if (exitCode === 75)
    return { outcome: "failed", failure: TRAINING_FAILURES.tryAgain, message: "the trainer asked for another try (code 75)", ...facts };
  if (exitCode !== undefined && isRefusal(exitCode))
    return {
      outcome: "failed",
      failure: TRAINING_FAILURES.invalidSpec,
      message: `the trainer refused what it was given (code ${String(exitCode)})`,
      ...facts,
    };
  return { outcome: "failed", failure: TRAINING_FAILURES.trainerError, message: `the trainer ${how}`, ...facts };
}
