/** Whose turn it is to be uploaded. Knows what has been tried and when it may be tried again; uploads nothing itself. */
import type { Attachment } from "../records/record.js";

/** What has been tried for one upload. */
export interface Attempts {
  /** On the wire, or on its way out of the line. */
  isUnderWay: boolean;
  failures: number;
  /** On the monotonic clock. */
  retryAtMs: number;
  /** The bytes may be there already. */
  ambiguous: boolean;
}

export class UploadTurns {
  readonly #waiting: ReadonlyMap<number, Attachment>;
  readonly #firstOwnSequence: number;
  // Only of uploads that have been touched.
  readonly #attempts = new Map<number, Attempts>();

  /** @param firstOwnSequence What is below it was appended by an earlier process, which may have tried. */
  constructor(waiting: ReadonlyMap<number, Attachment>, firstOwnSequence: number) {
    this.#waiting = waiting;
    this.#firstOwnSequence = firstOwnSequence;
  }

  of(sequence: number): Attempts {
    const known = this.#attempts.get(sequence);
    if (known) return known;
    const attempts = { isUnderWay: false, failures: 0, retryAtMs: Number.NEGATIVE_INFINITY, ambiguous: sequence < this.#firstOwnSequence };
    this.#attempts.set(sequence, attempts);
    return attempts;
  }

  isUnderWay(sequence: number): boolean {
    return this.#attempts.get(sequence)?.isUnderWay === true;
  }

  forget(sequence: number): void {
    this.#attempts.delete(sequence);
  }

  /** Waits after failures end. */
  hurry(): void {
    for (const attempts of this.#attempts.values()) attempts.retryAtMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * The oldest that is due, else the one due soonest. Of one key only one is on the wire, so that an older checkpoint can
   * never be announced after the newer one that replaces it.
   */
  next(nowMs: number): { readonly sequence: number; readonly waitMs: number } | undefined {
    const busyKeys = new Set<string>();
    for (const [sequence, { isUnderWay }] of this.#attempts) {
      const key = this.#waiting.get(sequence)?.replaceKey;
      if (isUnderWay && key !== undefined) busyKeys.add(key);
    }
    let next: { readonly sequence: number; readonly waitMs: number } | undefined;
    for (const [sequence, { replaceKey }] of this.#waiting) {
      if (this.isUnderWay(sequence) || (replaceKey !== undefined && busyKeys.has(replaceKey))) continue;
      const waitMs = Math.max(0, (this.#attempts.get(sequence)?.retryAtMs ?? nowMs) - nowMs);
      if (!next || waitMs < next.waitMs || (waitMs === next.waitMs && sequence < next.sequence)) next = { sequence, waitMs };
    }
    return next;
  }
}
