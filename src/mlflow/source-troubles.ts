/** Keeps what a source met that is not as MLflow leaves it: each place once, however often it is passed. */
import type { MlflowTrouble } from "./mlflow-source.js";

/** The account of one source. */
export class SourceTroubles {
  readonly #byPlace = new Map<string, MlflowTrouble>();

  /** Something was recorded at this place, and cannot be handed out. */
  lost(where: string, what: string): void {
    this.#byPlace.set(where, { where, what, isLoss: true });
  }

  /** Something is odd there, but nothing is missing by it. */
  noted(where: string, what: string): void {
    this.#byPlace.set(where, { where, what, isLoss: false });
  }

  /** The place was in order after all: it was being written when it was read first. */
  fine(where: string): void {
    this.#byPlace.delete(where);
  }

  /** By place. Those by which something is lost come first. */
  all(): readonly MlflowTrouble[] {
    return [...this.#byPlace.values()].sort(
      (one, other) => Number(other.isLoss) - Number(one.isLoss) || (one.where < other.where ? -1 : 1),
    );
  }
}
