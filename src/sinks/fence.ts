/**
 * Which attempt of a job this process is. The platform's worker numbers the trainers that it starts for a job
 * (`TRAINER_FENCE`); once a sink learns that a higher number reports, this process writes nothing more anywhere. The
 * fence decides nothing by itself: the ClearML sink asks the task, the platform sink hears the backend.
 */

/** Request header of a callback that carries the number. A backend answers 412 to a lower one than it has seen. */
export const FENCE_HEADER = "trainer-fence";

/** One attempt's right to write, shared by the sinks of a process. */
export class Fence {
  /** 1 or more; a later trainer of the same job has a higher one. */
  readonly epoch: number;
  readonly #onLost: (reason: string) => void;
  #lost: string | undefined;

  constructor(epoch: number, onLost: (reason: string) => void) {
    this.epoch = epoch;
    this.#onLost = onLost;
  }

  /** Why nothing may be written any more, once that is so. It does not come back. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Gives the right up; the first reason stands and is told once. */
  lose(reason: string): string {
    if (this.#lost === undefined) {
      this.#lost = `this attempt was superseded (TRAINER_FENCE ${String(this.epoch)}): ${reason}`;
      this.#onLost(this.#lost);
    }
    return this.#lost;
  }
}
