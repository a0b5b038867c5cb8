/**
 * The heartbeat of a training: from a timer, whatever the trainer does, with a small versioned handle by which the next
 * attempt finds it. Newest progress goes along. Errors of a beat are Temporal's to report, through the signal.
 */
import type { Clock } from "../base/clock.js";
import type { ActivityEdge } from "./activity-edge.js";
import type { TrainingProgress } from "./contract.js";
import type { HeartbeatDetails } from "./input-schemas.js";
import type { TrainingHandle } from "./training-manager.js";

/** Often enough for any timeout; Temporal itself holds back what is too often. */
const MAX_BEAT_MS = 10_000;
const BEATS_IN_TIMEOUT = 4;

export class TrainingPulse {
  readonly #edge: ActivityEdge;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #handle: TrainingHandle | undefined;
  /** This attempt has it in view; a handle that was inherited alone proves nothing, and its time must not be renewed. */
  #inView = false;
  #progress: TrainingProgress | undefined;
  #seenAtMs: number;

  /** @param inherited What the attempt before this one beat: kept until something newer is known. */
  constructor(edge: ActivityEdge, clock: Clock, inherited: HeartbeatDetails | undefined) {
    this.#edge = edge;
    this.#clock = clock;
    this.#handle = inherited?.handle;
    this.#progress = inherited?.progress;
    this.#seenAtMs = inherited?.seenAtMs ?? clock.now();
    void this.#keepBeating();
  }

  get progress(): TrainingProgress | undefined {
    return this.#progress;
  }

  /** The trainer is in view. Beats at once. */
  holds(handle: TrainingHandle): void {
    this.#handle = handle;
    this.#inView = true;
    this.#send();
  }

  tells(progress: TrainingProgress): void {
    this.#progress = progress;
  }

  stop(): void {
    this.#over.abort();
  }

  #send(): void {
    const handle = this.#handle;
    if (this.#inView) this.#seenAtMs = this.#clock.now();
    const details: HeartbeatDetails = {
      v: 1,
      ...(handle === undefined ? {} : { handle }),
      seenAtMs: this.#seenAtMs,
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
    };
    this.#edge.heartbeat(JSON.parse(JSON.stringify(details)));
  }

  async #keepBeating(): Promise<void> {
    const everyMs = Math.min(MAX_BEAT_MS, (this.#edge.heartbeatTimeoutMs ?? Number.POSITIVE_INFINITY) / BEATS_IN_TIMEOUT);
    const { signal } = this.#over;
    for (;;) {
      const isOver = await this.#clock.sleep(everyMs, { signal }).then(
        () => false,
        () => true,
      );
      if (isOver) return;
      this.#send();
    }
  }
}
