/** Tells those who asked where a record ended. Only for those who asked is anything kept, save a short list of late bad news. */
import type { Outcome } from "./receipts.js";

/** For a question that comes after the answer: the newest bad ends that are remembered. */
const REMEMBERED_ENDS = 10_000;

interface Watch {
  readonly promise: Promise<Outcome>;
  readonly resolve: (outcome: Outcome) => void;
}

export class Outcomes {
  readonly #watches = new Map<number, Watch>();
  // Final: no sink can change it any more, whatever the ledger says yet.
  readonly #ends = new Map<number, { readonly outcome: Outcome; readonly isFinal: boolean }>();
  readonly #isSettled: (sequence: number) => boolean;
  #closed = false;

  /** @param isSettled True when no configured sink is owed the record any more. */
  constructor(isSettled: (sequence: number) => boolean) {
    this.#isSettled = isSettled;
  }

  /** Resolves when the record has come to its end everywhere, or with `pending` when the outbox closes first. */
  of(sequence: number): Promise<Outcome> {
    const known = this.#watches.get(sequence)?.promise;
    if (known) return known;
    const end = this.#ends.get(sequence);
    if (end?.isFinal === true || this.#isSettled(sequence)) return Promise.resolve(end?.outcome ?? { status: "delivered" });
    if (this.#closed) return Promise.resolve({ status: "pending" });
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#watches.set(sequence, { promise, resolve });
    return promise;
  }

  /** A sink, or the uploader, will never have it. */
  lost(sequence: number, where: string, reason: string): void {
    const before = this.#ends.get(sequence)?.outcome;
    this.#remember(
      sequence,
      { status: "rejected", reasons: { ...(before?.status === "rejected" ? before.reasons : {}), [where]: reason } },
      false,
    );
  }

  /** It has come to its end everywhere at once: superseded, or given up before any sink had it. */
  ended(sequence: number, outcome: Outcome): void {
    this.#remember(sequence, outcome, true);
    this.#watches.get(sequence)?.resolve(outcome);
    this.#watches.delete(sequence);
  }

  /** A person has put it back in line. */
  revived(sequence: number): void {
    this.#ends.delete(sequence);
  }

  /** Something was settled: answers whoever waited for it. */
  check(): void {
    for (const [sequence, { resolve }] of this.#watches) {
      if (!this.#isSettled(sequence)) continue;
      this.#watches.delete(sequence);
      resolve(this.#ends.get(sequence)?.outcome ?? { status: "delivered" });
    }
  }

  close(): void {
    this.#closed = true;
    this.check();
    for (const { resolve } of this.#watches.values()) resolve({ status: "pending" });
    this.#watches.clear();
  }

  #remember(sequence: number, outcome: Outcome, isFinal: boolean): void {
    this.#ends.delete(sequence);
    this.#ends.set(sequence, { outcome, isFinal });
    const oldest = this.#ends.keys().next();
    if (this.#ends.size > REMEMBERED_ENDS && oldest.done !== true) this.#ends.delete(oldest.value);
  }
}
