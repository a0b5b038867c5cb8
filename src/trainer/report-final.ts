/**
 * The end of a job: once, last, and after everything that was called before it. The gate closes when the verb is called;
 * the record is written when the files that were being taken in have their place before it.
 */
import { within } from "../base/deadline.js";
import { describeError } from "../base/errors.js";
import type { JsonObject, JsonValue } from "../base/json.js";
import type { FinalFact } from "../records/facts.js";
import { checkObject, checkOptionalText, checkText, countProblem, wrongType } from "./check.js";
import { receiptOf, rejectedReceipt, type Receipt } from "./receipt.js";
import { plainCopy } from "./plain-copy.js";
import { present } from "./present.js";
import { metricsFrom, type MetricsInput } from "./report-progress.js";
import type { ResumeToken } from "./resume-token.js";
import type { Run } from "./run.js";

export interface CompletedInput {
  readonly finalMetrics?: MetricsInput;
  /** Results of an inference, evaluation or export job: plain JSON. */
  readonly results?: Readonly<Record<string, JsonValue>>;
  readonly epoch?: number;
  readonly totalEpochs?: number;
}

export interface FailedInput {
  /** A word for machines, such as `out-of-memory`. */
  readonly reason?: string;
  readonly epoch?: number;
  readonly totalEpochs?: number;
}

export interface StoppedInput {
  readonly finalMetrics?: MetricsInput;
  readonly epoch?: number;
  readonly totalEpochs?: number;
}

/** Of an error's stack in the journal. */
const MAX_STACK_CHARACTERS = 16_384;
/** The longest the end waits for files that are being copied: what comes later is rejected, and counted. */
const MAX_TAKING_MS = 600_000;

export function reportCompleted(run: Run, input: CompletedInput): Promise<Receipt> {
  const verb = "reportCompleted";
  checkObject(verb, "input", input);
  if (input.results !== undefined) checkJson(verb, "results", input.results);
  return end(run, verb, input, { status: "completed", ...present({ results: plainCopy(input.results) }) });
}

export function reportFailed(run: Run, error: unknown, input: FailedInput): Promise<Receipt> {
  const verb = "reportFailed";
  checkObject(verb, "input", input);
  checkOptionalText(verb, "reason", input.reason);
  return end(run, verb, input, { status: "failed", error: thrownFacts(error), ...present({ reason: input.reason }) });
}

/** Anything can be thrown; its name and stack are taken where they are texts. */
function thrownFacts(error: unknown): NonNullable<FinalFact["error"]> {
  const { name, message, stack } = (typeof error === "object" && error !== null ? error : new Error(describeError(error))) as Partial<
    Record<"name" | "message" | "stack", unknown>
  >;
  const known = typeof name === "string" && name !== "" ? name : "Error";
  return {
    name: known,
    message: message === "" ? known : typeof message === "string" ? message : describeError(error),
    ...present({ stack: typeof stack === "string" ? stack.slice(0, MAX_STACK_CHARACTERS) : undefined }),
  };
}

/** `isInterrupted`: a signal asked for it, so that the job may go on elsewhere, and its end says from where. */
export function reportStopped(run: Run, reason: string, input: StoppedInput, isInterrupted: boolean): Promise<Receipt> {
  const verb = "reportStopped";
  checkText(verb, "reason", reason);
  checkObject(verb, "input", input);
  return end(run, verb, input, { status: "stopped", reason, ...(isInterrupted && { results: resumable(run.parts.resume?.token()) }) });
}

/** The end of a job that a signal cut short: it can go on from `token`, which the backend and ClearML get as its results. */
export function reportInterrupted(run: Run, reason: string, token: ResumeToken | undefined): Promise<Receipt> {
  const epoch = token?.epoch;
  return end(run, "reportStopped", present({ epoch }), { status: "stopped", reason, results: resumable(token) });
}

function resumable(token: ResumeToken | undefined): NonNullable<FinalFact["results"]> {
  return { resumable: true, ...(token ? { resume: JSON.parse(JSON.stringify(token)) as JsonObject } : {}) };
}

type Ending = Pick<FinalFact, "status"> & Partial<Pick<FinalFact, "results" | "error" | "reason">>;

function end(
  run: Run,
  verb: string,
  input: { finalMetrics?: MetricsInput; epoch?: number; totalEpochs?: number },
  ending: Ending,
): Promise<Receipt> {
  const { epoch, totalEpochs } = input;
  // An end is never refused for a number: a job whose last metric is odd must not stay "running" for ever.
  const countIssue = countProblem(verb, "epoch", epoch) ?? countProblem(verb, "totalEpochs", totalEpochs);
  const counts = countIssue === undefined ? present({ epoch, totalEpochs }) : {};
  const reading = input.finalMetrics === undefined ? undefined : metricsFrom(run, verb, input.finalMetrics);
  const refusal = run.refusal(verb);
  if (refusal) return Promise.resolve(refusal);
  const rejectedItems = [
    ...(countIssue === undefined ? [] : [{ item: "epoch", reason: countIssue }]),
    ...(reading?.problem === undefined ? (reading?.rejectedItems ?? []) : [{ item: "finalMetrics", reason: reading.problem }]),
  ];
  for (const { item, reason } of rejectedItems) run.parts.tally.reject(verb, `${item}: ${reason}`);
  run.shutFor(`the job's end (${ending.status}) has already been reported`, true);
  run.parts.resume?.noteEnd(ending.status === "completed", ending.reason);
  const fact: FinalFact = {
    kind: "final",
    operation: run.parts.operation,
    ...ending,
    ...counts,
    ...present({ finalMetrics: reading?.metrics }),
  };
  return run.track(write(run, fact, rejectedItems), "end");
}

async function write(run: Run, fact: FinalFact, rejectedItems: Parameters<typeof receiptOf>[1]): Promise<Receipt> {
  // Files are taken in from the local disk, so this is short; but a disk can hang, and the end must not hang with it.
  await within(run.filesTaken(), MAX_TAKING_MS, run.parts.clock);
  run.drawHealth({ now: true, last: true });
  const appended = run.parts.outbox?.append({ fact, traits: { barrier: true } });
  return appended ? receiptOf(await appended.durable, rejectedItems) : rejectedReceipt("there is no outbox");
}

function checkJson(verb: string, field: string, value: unknown): void {
  checkObject(verb, field, value);
  try {
    JSON.stringify(value);
  } catch {
    wrongType(verb, field, "plain JSON", value);
  }
}
