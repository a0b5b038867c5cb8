/**
 * Sends queued events and says what became of them: few requests, in order; a refused one is halved down to the event at
 * fault; console lines are never there twice. It keeps nothing between calls and has no schedule of its own.
 */
import { ApiError, describeError, ValidationError } from "../base/errors.js";
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import { isClearMLError } from "./answers.js";
import { findDeliveredLines, lineKey, type DeliveredLinesCalls } from "./delivered-lines.js";
import { isAnswer } from "./is-answer.js";
import type { QueuedEvent } from "./queued-event.js";
import type { CallOptions, ClearMLSession } from "./session.js";
import { MAX_BATCH_CHARACTERS } from "./split-batch.js";

/** Events in one request: bounds the time of one answer. */
const MAX_EVENTS = 5_000;

/** Events that the server will never take, and why. */
export interface RefusedEvents {
  readonly count: number;
  readonly reason: string;
}

/** What became of the events. */
export interface SendOutcome {
  /** How many, from the first, need not be sent again: delivered or refused. */
  readonly settled: number;
  readonly delivered: number;
  readonly refused: readonly RefusedEvents[];
  /** Why the rest was not sent; it may be sent later. */
  readonly failure?: unknown;
}

/** Never rejects: what cannot be sent now is told as `failure`. */
export async function sendEvents(
  session: ClearMLSession,
  taskId: string,
  events: readonly QueuedEvent[],
  options: CallOptions,
): Promise<SendOutcome> {
  const outcome = { settled: 0, delivered: 0, refused: [] as RefusedEvents[] };
  const waiting = requestsOf(events);
  while (waiting.length > 0) {
    const request = waiting.shift() ?? [];
    try {
      const fresh = await withoutDelivered(session, taskId, request, options);
      const refusal = fresh.length === 0 ? undefined : await post(session, fresh, options);
      if (refusal !== undefined && request.length > 1 && !refusal.ofAll) {
        const middle = Math.ceil(request.length / 2);
        waiting.unshift(request.slice(0, middle), request.slice(middle));
        continue;
      }
      outcome.settled += request.length;
      outcome.delivered += refusal === undefined ? request.length : request.length - fresh.length;
      if (refusal !== undefined) outcome.refused.push({ count: fresh.length, reason: refusal.reason });
    } catch (failure) {
      return { ...outcome, failure };
    }
  }
  return outcome;
}

function requestsOf(events: readonly QueuedEvent[]): QueuedEvent[][] {
  const requests: QueuedEvent[][] = [];
  let characters = 0;
  for (const event of events) {
    const last = requests.at(-1);
    if (last && last.length < MAX_EVENTS && characters + 1 + event.json.length <= MAX_BATCH_CHARACTERS) {
      last.push(event);
      characters += 1 + event.json.length;
    } else {
      requests.push([event]);
      characters = event.json.length;
    }
  }
  return requests;
}

/** Of lines that may be there, those that are not; everything else as it is. */
async function withoutDelivered(
  session: ClearMLSession,
  taskId: string,
  events: readonly QueuedEvent[],
  options: CallOptions,
): Promise<readonly QueuedEvent[]> {
  const lines = events.flatMap(({ line, uncertain }) => (line && uncertain === true ? [line] : []));
  if (lines.length === 0) return events;
  const { signal = new AbortController().signal } = options;
  const port: DeliveredLinesCalls["port"] = { call: (endpoint, request) => session.call(endpoint, request, options) };
  const there = await findDeliveredLines({ port, taskId, signal }, lines);
  return events.filter(({ line }) => !line || !there.has(lineKey(line.trainer_sdk_run, line.trainer_sdk_sequence)));
}

/** Nothing when they are there; a refusal that stays. Any other failure is thrown. */
async function post(
  session: ClearMLSession,
  events: readonly QueuedEvent[],
  options: CallOptions,
): Promise<{ readonly reason: string; readonly ofAll: boolean } | undefined> {
  const markUncertain = (): void => {
    for (const event of events) if (event.line) event.uncertain = true;
  };
  try {
    const lines = events.map(({ json }) => json);
    const answer = await session.callBatch("events.add_batch", lines, { ...options, repeatable: !events.some(({ line }) => line) });
    if ((answer.errors ?? 0) === 0) return undefined;
    // A 200 with errors names none of them (4.2): the others are stored.
    markUncertain();
    return { reason: describeRefusals(answer.errors_info), ofAll: false };
  } catch (error) {
    // 400/131: not one of them was added.
    if (isAnswer(error, CLEARML_ERRORS.EVENTS_NOT_ADDED)) return { reason: describeError(error), ofAll: true };
    if (!(ApiError.isInstance(error) && error.status < 500)) markUncertain();
    if (isRefusal(error)) return { reason: describeError(error), ofAll: false };
    throw error;
  }
}

/** True when the very events are at fault: trying them again would end the same way. */
function isRefusal(error: unknown): boolean {
  if (ValidationError.isInstance(error)) return true;
  const { DATA_ERROR, TASK_STATUS_RACE } = CLEARML_ERRORS;
  if (isAnswer(error, DATA_ERROR)) return true;
  return isClearMLError(error, 400) && !isAnswer(error, TASK_STATUS_RACE);
}

function describeRefusals(info: Readonly<Record<string, number>> | null | undefined): string {
  const parts = Object.entries(info ?? {}).map(([message, count]) => `${message} (${String(count)})`);
  return `ClearML refused it: ${parts.length > 0 ? parts.join("; ").slice(0, 500) : "no reason given"}`;
}
