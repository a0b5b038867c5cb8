/**
 * How a manager bears that the place where its trainers run does not answer. What an outage cuts off is done again from its
 * beginning, which reads the truth first: a step whose answer was lost is seen there, and not done twice.
 */
import type { Clock } from "../base/clock.js";
import { TRAINING_FAILURES } from "./failure-types.js";
import { ManagerError } from "./training-manager.js";

/** The place did not answer, or said that it cannot at the moment: nobody need change anything for the same call to succeed. */
export class OutageError extends ManagerError {
  constructor(message: string, cause: unknown) {
    super(TRAINING_FAILURES.backendUnavailable, message, cause);
  }
}

export interface PatienceLimits {
  /** How long a place may not answer; 0 bears nothing. Counted from its last answer, by this worker's monotonic clock. */
  readonly outageMs: number;
  /** Between two tries. */
  readonly pauseMs: number;
}

/** For one piece of work: a start, a wait, a stop. */
export class OutagePatience {
  readonly #clock: Clock;
  readonly #limits: PatienceLimits;
  #reachedAt: number;

  constructor(clock: Clock, limits: PatienceLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#reachedAt = clock.monotonic();
  }

  /**
   * One try, for a loop about a trainer that runs: it bears refusals of our keys and rights too, which others may mend meanwhile.
   *
   * @returns undefined in the place of its value when the place was unavailable.
   * @throws ManagerError `BackendUnavailable` when it has been so for too long; the signal's reason.
   */
  async tried<T>(step: () => Promise<T>, signal: AbortSignal): Promise<{ readonly value: T } | undefined> {
    return this.#once(step, signal, isUnavailable);
  }

  /**
   * Tries until the place answers. A refusal is an answer: it is thrown at once, where a person sees it.
   *
   * @throws ManagerError as the work does; the signal's reason.
   */
  async borne<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      const done = await this.#once(work, signal, (error) => error instanceof OutageError);
      if (done !== undefined) return done.value;
      await this.#clock.sleep(this.#limits.pauseMs, { signal, keepAlive: true });
    }
  }

  async #once<T>(
    step: () => Promise<T>,
    signal: AbortSignal,
    isBorne: (error: unknown) => boolean,
  ): Promise<{ readonly value: T } | undefined> {
    signal.throwIfAborted();
    try {
      const value = await step();
      this.#reachedAt = this.#clock.monotonic();
      return { value };
    } catch (error) {
      signal.throwIfAborted();
      if (!isBorne(error) || this.#clock.monotonic() - this.#reachedAt >= this.#limits.outageMs) throw error;
      return undefined;
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof ManagerError && error.type === TRAINING_FAILURES.backendUnavailable;
}
