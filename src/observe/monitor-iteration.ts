/**
 * At which iteration the machine's load is drawn. The job's own, once it reports any; seconds from the start when it has
 * reported none for three minutes, so that the chart is not empty; and back to its own should it begin within half an hour.
 * So ClearML's own client has it (`clearml-protocol`, 4.8). Pure.
 */

const WAIT_FOR_FIRST_SECONDS = 180;
const STAY_ALERT_SECONDS = 1_800;

/** Where to draw. */
export interface MonitorPoint {
  readonly iteration: number;
  /** False: the same iteration as before, so the point stands for all the time since then. */
  readonly isNew: boolean;
}

export class MonitorIteration {
  #last = 0;
  #mode: "waiting" | "iterations" | "seconds" = "waiting";

  /** @param newest The job's newest iteration; 0 while there is none. Undefined: it is too early to draw anything. */
  next(secondsSinceStart: number, newest: number): MonitorPoint | undefined {
    if (this.#mode === "waiting" && secondsSinceStart >= WAIT_FOR_FIRST_SECONDS && newest <= 0) this.#mode = "seconds";
    if (newest > 0 && (this.#mode === "waiting" || (this.#mode === "seconds" && secondsSinceStart <= STAY_ALERT_SECONDS))) {
      this.#mode = "iterations";
      this.#last = 0;
    }
    if (this.#mode === "waiting") return undefined;
    const iteration = this.#mode === "seconds" ? Math.round(secondsSinceStart) : Math.max(newest, this.#last);
    const isNew = iteration > this.#last;
    this.#last = iteration;
    return { iteration, isNew };
  }
}
