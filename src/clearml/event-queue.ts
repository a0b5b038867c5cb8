/**
 * Events of a logger on their way out: gathered for a moment, sent in order, kept while the server is away, within bounds.
 * What is over them is given up, least dear first, and counted.
 */
import type { Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import type { Random } from "../base/ids.js";
import type { Logger } from "../base/logger.js";
import { DEFAULT_RETRY_POLICY, retryDelayMs } from "../base/retry.js";
import { sendEvents, type RefusedEvents } from "./event-sender.js";
import type { EventClass, QueuedEvent } from "./queued-event.js";
import type { CallOptions, ClearMLSession } from "./session.js";

export interface EventQueueOptions {
  readonly session: ClearMLSession;
  readonly taskId: string;
  readonly gatherMs: number;
  readonly maxPendingEvents: number;
  readonly maxPendingCharacters: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** How the events of a queue have fared. */
export interface EventQueueStats {
  readonly delivered: number;
  readonly pending: number;
  readonly refused: number;
  /** Given up for want of room. */
  readonly dropped: number;
}

/** How a flush ended. */
export interface FlushOutcome {
  /** Events that wait still; 0 when all went out. */
  readonly pending: number;
  /** Events that the server refused during this flush, by its reasons. */
  readonly refused: readonly RefusedEvents[];
  /** Why events wait still. */
  readonly failure?: unknown;
}

/** Part of the limits that is left after something had to go. */
const KEPT_SHARE = 0.9;
const DEAREST_LAST: readonly EventClass[] = ["console", "point", "figure"];

export class EventQueue {
  readonly #options: EventQueueOptions;
  readonly #stopping = new AbortController();
  #events: QueuedEvent[] = [];
  #characters = 0;
  #counts = { delivered: 0, refused: 0, dropped: 0 };
  #sending: Promise<unknown> = Promise.resolve();
  #isWaiting = false;
  #failures = 0;

  constructor(options: EventQueueOptions) {
    this.#options = options;
  }

  get stats(): EventQueueStats {
    return { ...this.#counts, pending: this.#events.length };
  }

  /** Takes events in. Waits for nothing. */
  add(events: readonly QueuedEvent[]): void {
    if (this.#stopping.signal.aborted) {
      this.#drop(events.length, "the logger is closed");
      return;
    }
    for (const event of events) {
      this.#events.push(event);
      this.#characters += event.json.length;
    }
    this.#makeRoom();
    this.#wait(this.#options.gatherMs);
  }

  /** Sends what is there. Rejects only with the signal's reason. */
  async flush(options: Pick<CallOptions, "signal" | "retry"> = {}): Promise<FlushOutcome> {
    const refused: RefusedEvents[] = [];
    let failure: unknown;
    await this.#inLine(async () => {
      // What is added meanwhile is for the next flush: a caller who waits must come to an end.
      const outcome = await this.#send([...this.#events], options);
      refused.push(...outcome.refused);
      failure = outcome.failure;
    });
    options.signal?.throwIfAborted();
    return { pending: this.#events.length, refused, ...(failure === undefined ? {} : { failure }) };
  }

  /** Takes nothing more and sends nothing by itself. */
  stop(): void {
    this.#stopping.abort(new Error("the logger is closed"));
  }

  /** One sending at a time, in the order in which they were asked for. */
  #inLine(work: () => Promise<void>): Promise<void> {
    const turn = this.#sending.then(work);
    this.#sending = turn.catch(() => undefined);
    return turn;
  }

  async #send(events: readonly QueuedEvent[], options: CallOptions) {
    const { session, taskId, logger } = this.#options;
    const outcome = await sendEvents(session, taskId, events, options);
    const gone = new Set(events.slice(0, outcome.settled));
    this.#events = this.#events.filter((event) => !gone.has(event));
    this.#characters = this.#events.reduce((sum, { json }) => sum + json.length, 0);
    this.#counts.delivered += outcome.delivered;
    for (const { count, reason } of outcome.refused) {
      this.#counts.refused += count;
      logger.warn(`ClearML refused ${String(count)} events of task ${taskId}; they are given up: ${reason}`);
    }
    this.#failures = outcome.failure === undefined ? 0 : this.#failures + 1;
    return outcome;
  }

  #wait(ms: number): void {
    const { clock, logger, random, taskId } = this.#options;
    const { signal } = this.#stopping;
    if (this.#isWaiting || signal.aborted) return;
    this.#isWaiting = true;
    clock
      .sleep(ms, { signal })
      .then(async () => {
        this.#isWaiting = false;
        const { failure, pending } = await this.flush({ signal, retry: false });
        if (failure !== undefined) {
          if (this.#failures === 1)
            logger.warn(`events of ClearML task ${taskId} do not get through; they wait: ${describeError(failure)}`);
          this.#wait(retryDelayMs(DEFAULT_RETRY_POLICY, this.#failures, random));
        } else if (pending > 0) this.#wait(this.#options.gatherMs);
      })
      .catch(() => undefined);
  }

  /** Somewhat more than is needed goes at once, or each event after it would look through all of them again. */
  #makeRoom(): void {
    const { maxPendingEvents, maxPendingCharacters } = this.#options;
    if (this.#events.length <= maxPendingEvents && this.#characters <= maxPendingCharacters) return;
    let excessEvents = this.#events.length - KEPT_SHARE * maxPendingEvents;
    let excessCharacters = this.#characters - KEPT_SHARE * maxPendingCharacters;
    let dropped = 0;
    for (const least of DEAREST_LAST) {
      this.#events = this.#events.filter((event) => {
        if (event.class !== least || (excessEvents <= 0 && excessCharacters <= 0)) return true;
        excessEvents--;
        excessCharacters -= event.json.length;
        this.#characters -= event.json.length;
        dropped++;
        return false;
      });
    }
    this.#drop(dropped, "too many events wait for the server");
  }

  #drop(count: number, reason: string): void {
    if (this.#counts.dropped === 0)
      this.#options.logger.warn(`events of ClearML task ${this.#options.taskId} are given up (further ones are only counted): ${reason}`);
    this.#counts.dropped += count;
  }
}
