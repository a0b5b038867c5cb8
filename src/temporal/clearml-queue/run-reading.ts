/** What a trainer's task says of the trainer. Pure. */
import { readExit } from "../exit-reading.js";
import { TRAINING_FAILURES, type TrainingFailureType } from "../failure-types.js";
import type { TrainingEnd, TrainingState } from "../training-manager.js";
import { isPristine, type RunTask } from "./run-task.js";

/** Start of a status reason that the manager gave; what follows is how it ended. */
const OWN_WORDS = "trainer-sdk: ";
/** What an agent writes beside the statuses that it gives. */
const AGENT_WORDS = "Changed by clearml-agent";
const AGENT_EXIT = /^worker execution exit code (-?\d+)$/;
/** A server's words for a task that nobody was heard of for two hours. */
const WATCHDOG_WORDS = "Forced stop (non-responsive)";
const FAILURES: ReadonlySet<string> = new Set(Object.values(TRAINING_FAILURES));

/** A trainer's state, and whether it is the last word. */
export interface RunReading {
  /** `running` for one that is about to end. */
  readonly state: TrainingState;
  /** How it ends unless somebody says more: its process may still run, or its agent still ship the log. */
  readonly pending?: TrainingEnd | undefined;
}

/**
 * | status | launcher's word | means |
 * | --- | --- | --- |
 * | created | | never queued: queued; else somebody took it back, pending |
 * | queued | | queued |
 * | in_progress | none | starting, or running once the launcher has said so |
 * | in_progress | its agent is gone | ended: NodeLost |
 * | in_progress | any other | pending: the agent is about to say so too |
 * | any end, given by a manager | any | ended, by the manager's words |
 * | any other end | any | ended, by the launcher's word |
 * | any other end | none | by the agent's words; by a person's, pending once an agent has the task |
 */
export function readState(run: RunTask): RunReading {
  const { status, end, reason, isTaken } = run;
  if (status === "queued" || isPristine(run)) return { state: { phase: "queued" } };
  if (status === "created") return ending({ outcome: "stopped", message: "somebody took its ClearML task out of the queue, or reset it" });
  const said = end === undefined ? undefined : endOf(run);
  if (status === "in_progress") {
    if (said === undefined) return { state: { phase: run.isLaunched ? "running" : "starting" } };
    return end?.agentLost === true ? ended(said) : ending(said);
  }
  // What a launcher found out later changes nothing: the workflow has gone on by our words.
  const told = (reason.startsWith(OWN_WORDS) ? endByOwnWords(run) : said) ?? endByWords(run);
  if (told !== undefined) return ended(told);
  const wish: TrainingEnd = { outcome: "stopped", message: `its ClearML task is ${status}${wordsOf(run)}` };
  return isTaken ? ending(wish) : ended(wish);
}

/** The words to put beside a status, by which `readState` reads the same end again. */
export function wordsFor(end: TrainingEnd): { readonly status_reason: string; readonly status_message: string } {
  return { status_reason: `${OWN_WORDS}${end.failure ?? end.outcome}`, status_message: end.message };
}

function ended(end: TrainingEnd): RunReading {
  return { state: { phase: "ended", end } };
}

function ending(end: TrainingEnd): RunReading {
  return { state: { phase: "running", message: "about to end" }, pending: end };
}

/** By the launcher's word. */
function endOf({ end = {}, stop }: RunTask): TrainingEnd {
  if (end.startError !== undefined)
    return failed(TRAINING_FAILURES.imageUnavailable, `the trainer could not be started: ${end.startError}`);
  if (end.neverStarted === true) return { outcome: "stopped", message: "the trainer was stopped before it was started" };
  const read = readExit({
    exitCode: end.code,
    signal: end.signal,
    stopRequested: end.stopRequested === true || stop !== undefined,
    outOfMemory: end.oom === true,
  });
  if (read.outcome === "stopped" || read.failure === TRAINING_FAILURES.outOfMemory) return read;
  const facts = { exitCode: read.exitCode, signal: read.signal };
  if (end.agentLost === true) return failed(TRAINING_FAILURES.nodeLost, `the trainer's agent was gone; ${read.message}`, facts);
  if (end.interrupted === true) return failed(TRAINING_FAILURES.preempted, `the trainer's agent was told to end; ${read.message}`, facts);
  return read;
}

/** By the words of `wordsFor`. */
function endByOwnWords({ reason, message }: RunTask): TrainingEnd {
  const word = reason.slice(OWN_WORDS.length);
  if (FAILURES.has(word)) return failed(word as TrainingFailureType, message);
  return { outcome: word === "completed" ? "completed" : "stopped", message };
}

/** By what was written beside the status, when there is no word of the launcher. */
function endByWords({ status, message, reason, stop, isLaunched }: RunTask): TrainingEnd | undefined {
  if (message.includes(WATCHDOG_WORDS) || reason.includes(WATCHDOG_WORDS))
    return failed(TRAINING_FAILURES.nodeLost, "nothing was heard of the trainer's agent, and ClearML stopped the task");
  const isSilent = message === "" && reason === "";
  if (!message.startsWith(AGENT_WORDS) && !(status === "stopped" && isSilent)) return undefined;
  const stopRequested = stop !== undefined;
  if (status === "completed") return readExit({ exitCode: 0, signal: undefined, stopRequested, outOfMemory: false });
  const exitCode = Number(AGENT_EXIT.exec(reason)?.[1] ?? Number.NaN);
  if (status === "failed" && !isLaunched)
    return failed(
      TRAINING_FAILURES.imageUnavailable,
      `the agent could not start the trainer (${reason}); its console says why. It needs python3 where it runs the task, and keys that ClearML takes`,
    );
  if (status === "failed" && exitCode > 0) return readExit({ exitCode, signal: undefined, stopRequested, outOfMemory: false });
  if (status === "failed")
    return stopRequested
      ? { outcome: "stopped", message: "the trainer was stopped by its agent" }
      : failed(TRAINING_FAILURES.killed, `the trainer and its launcher were killed (${reason})`);
  // So an agent ends its task when it is itself told to end; when somebody asked for it, it says so.
  if (!stopRequested && (isSilent || reason === "user abort"))
    return failed(TRAINING_FAILURES.preempted, "the trainer's agent was told to end");
  return { outcome: "stopped", message: `the trainer was stopped by its agent: ${reason}` };
}

function failed(
  failure: TrainingFailureType,
  message: string,
  { exitCode, signal }: Pick<TrainingEnd, "exitCode" | "signal"> = {},
): TrainingEnd {
  return {
    outcome: "failed",
    failure,
    message,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function wordsOf({ message, reason }: RunTask): string {
  const words = [message, reason].filter((text) => text.trim() !== "").join("; ");
  return words === "" ? "" : `: ${words}`;
}
