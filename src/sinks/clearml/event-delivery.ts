/**
 * Sends the events of consecutive records: few requests, in order, with one outcome a record. A request ends at a
 * record's boundary where it can, so that what arrived is known record by record.
 */
import { ApiError } from "../../base/errors.js";
import { findDeliveredLines, lineKey } from "../../clearml/delivered-lines.js";
import type { Delivery, SinkMemory } from "../../outbox/sink.js";
import type { TrainerRecord } from "../../records/record.js";
import { inTurns } from "../in-turns.js";
import { splitIntoRequests, type LineRequest } from "../request-plan.js";
import type { TaskCalls } from "./clearml-port.js";
import { failureOutcome } from "./delivery-failure.js";
import { recordEvents, type EventMapping, type LogEvent } from "./record-events.js";

/** Events in one request. The server has no limit; this bounds the time of one answer. */
export const MAX_EVENTS_PER_REQUEST = 5_000;
/** Characters in one request, below the 15,728,640 at which ClearML's own client splits (1.1). */
export const MAX_REQUEST_CHARACTERS = 10_000_000;
/** A full request takes an index its time. */
const REQUEST_TIMEOUT_MS = 60_000;

export class EventDelivery {
  readonly #nonFinite: EventMapping["nonFinite"];
  /** Lines of this run up to this sequence number may be at ClearML: a batch with them was refused after parts were stored. */
  #uncertainUpTo = 0;

  constructor(nonFinite: EventMapping["nonFinite"]) {
    this.#nonFinite = nonFinite;
  }

  /**
   * Outcomes of the first records, in order; the last one may be a failure, and then holds for all that follow it.
   *
   * @param ambiguous Records may be there already although nobody confirmed it.
   */
  async deliver(
    records: readonly TrainerRecord[],
    calls: TaskCalls,
    lines: EventMapping["lines"],
    memory: SinkMemory,
    ambiguous: boolean,
  ): Promise<Delivery[]> {
    const mapping: EventMapping = { taskId: calls.taskId, lines, nonFinite: this.#nonFinite };
    let eventsOf = await inTurns(records, (record) => recordEvents(record, mapping));
    await lines.save(memory);
    const logLines = eventsOf.flat().filter((event): event is LogEvent => event.type === "log");
    if (logLines.length > 0 && (ambiguous || logLines.some((line) => line.trainer_sdk_sequence <= this.#uncertainUpTo))) {
      try {
        const there = await findDeliveredLines(calls, logLines);
        eventsOf = eventsOf.map((events) =>
          events.filter((event) => event.type !== "log" || !there.has(lineKey(event.trainer_sdk_run, event.trainer_sdk_sequence))),
        );
      } catch (error) {
        const outcome = failureOutcome(error, "single", calls.signal);
        // Reading says nothing about the records: whatever the answer was, they are not refused.
        return [outcome.status === "rejected" ? { status: "retry", cause: "answered", reason: outcome.reason } : outcome];
      }
    }
    const outcomes: Delivery[] = [];
    const linesOf = await inTurns(eventsOf, (events) => events.map((event) => JSON.stringify(event)));
    for (const request of splitIntoRequests(linesOf, { lines: MAX_EVENTS_PER_REQUEST, characters: MAX_REQUEST_CHARACTERS })) {
      const failure = request.lines.length > 0 ? await this.#send(request, records, calls) : undefined;
      if (failure) return [...outcomes, failure];
      while (outcomes.length < request.completes) outcomes.push({ status: "delivered" });
    }
    return outcomes;
  }

  /** A failure, or nothing. */
  async #send(request: LineRequest, records: readonly TrainerRecord[], calls: TaskCalls): Promise<Delivery | undefined> {
    let failure: Delivery | undefined;
    try {
      const { errors, errors_info: info } = await calls.port.addEvents(request.lines, {
        signal: calls.signal,
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      // A 200 with errors names neither the events nor the records (4.2).
      if ((errors ?? 0) > 0)
        failure = {
          status: "undecided",
          reason: `ClearML refused ${String(errors)} of ${String(request.lines.length)} events: ${describeErrors(info)}`,
          final: true,
        };
    } catch (error) {
      failure = failureOutcome(error, "events", calls.signal);
      // 400/131 says that nothing was added; after any other answer a part may have been stored.
      if (ApiError.isInstance(error) && error.status < 500) return failure;
    }
    if (failure) this.#uncertainUpTo = Math.max(this.#uncertainUpTo, ...records.slice(request.first).map(({ sequence }) => sequence));
    return failure;
  }
}

function describeErrors(info: Readonly<Record<string, number>> | null | undefined): string {
  const parts = Object.entries(info ?? {}).map(([message, count]) => `${message} (${String(count)})`);
  return parts.length > 0 ? parts.join("; ").slice(0, 500) : "no reason given";
}
