/** Nothing is silent: whatever is given up is counted under its reason, told to whoever wants to know, and logged in bursts. */
import type { Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { TrainerRecord } from "../records/record.js";
import type { LossReason } from "./receipts.js";

/** One thing that was given up. */
export interface Loss {
  readonly reason: LossReason;
  /** The sink that will not have it, or `upload`; absent when none will. */
  readonly sink?: string;
  /** Absent when it could not be read. */
  readonly record?: TrainerRecord;
  readonly detail: string;
}

/** Losses of one kind are logged at most so often; the line carries the count. */
export const LOSS_LOG_INTERVAL_MS = 60_000;

export class Losses {
  readonly #counts: Record<LossReason, number> = {
    refused: 0,
    "budget-spent": 0,
    superseded: 0,
    shed: 0,
    "upload-failed": 0,
    "after-final": 0,
    corrupt: 0,
  };
  readonly #bursts = new Map<string, { unlogged: number; loggedAtMs: number }>();
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onLoss: ((loss: Loss) => void) | undefined;

  constructor(clock: Clock, logger: Logger, onLoss: ((loss: Loss) => void) | undefined) {
    this.#clock = clock;
    this.#logger = logger;
    this.#onLoss = onLoss;
  }

  get counts(): Readonly<Record<LossReason, number>> {
    return { ...this.#counts };
  }

  add(loss: Loss): void {
    this.#counts[loss.reason]++;
    this.#log(loss);
    try {
      this.#onLoss?.(loss);
    } catch (error) {
      this.#logger.error("The onLoss listener threw.", { reason: describeError(error) });
    }
  }

  #log(loss: Loss): void {
    const now = this.#clock.monotonic();
    const key = `${loss.reason} ${loss.sink ?? ""}`;
    const burst = this.#bursts.get(key) ?? { unlogged: 0, loggedAtMs: Number.NEGATIVE_INFINITY };
    this.#bursts.set(key, burst);
    burst.unlogged++;
    if (now - burst.loggedAtMs < LOSS_LOG_INTERVAL_MS) return;
    // A newer checkpoint in the place of an older one is what was asked for.
    const [level, message] =
      loss.reason === "superseded"
        ? (["info", "Files that waited made way for newer ones."] as const)
        : (["warn", "Records were given up."] as const);
    this.#logger[level](message, {
      reason: loss.reason,
      sink: loss.sink,
      count: burst.unlogged,
      latest: loss.record?.id,
      detail: loss.detail,
    });
    burst.unlogged = 0;
    burst.loggedAtMs = now;
  }
}
