/** What a sink's answer to a batch means, record by record. Pure: the lane acts on it. */
import type { StoredRecord } from "./journal.js";
import type { Delivery } from "./sink.js";

/** Why a batch did not get through for now. */
export interface Failure {
  readonly cause: "unreachable" | "answered";
  readonly reason: string;
  readonly retryAfterMs?: number;
  /** The records that were part of the failed attempt. */
  readonly attempted: readonly StoredRecord[];
}

export interface Verdict {
  readonly delivered: readonly StoredRecord[];
  readonly refused: readonly { readonly stored: StoredRecord; readonly reason: string }[];
  /** Runs of records of which one or more are at fault, each of two or more. */
  readonly undecided: readonly (readonly StoredRecord[])[];
  /** Everything after it was not sent. */
  readonly failure: Failure | undefined;
  /** What the sink did against its contract. */
  readonly bug?: string;
}

const STATUSES: ReadonlySet<unknown> = new Set(["delivered", "retry", "rejected", "undecided"]);

/** Everything is tried again later, and may have arrived. */
export function allFailed(batch: readonly StoredRecord[], reason: string): Verdict {
  return { delivered: [], refused: [], undecided: [], failure: { cause: "unreachable", reason, attempted: batch } };
}

/** Reads the answer. One outcome stands for all records; a list must have one for each. */
export function judge(batch: readonly StoredRecord[], answer: readonly Delivery[] | Delivery): Verdict {
  const isList = Array.isArray(answer);
  const outcomes = isList ? (answer as readonly Delivery[]) : batch.map(() => answer as Delivery);
  const bug = contractBreach(batch.length, outcomes);
  if (bug !== undefined) return { ...allFailed(batch, bug), bug };
  const delivered: StoredRecord[] = [];
  const refused: { stored: StoredRecord; reason: string }[] = [];
  const undecided: StoredRecord[][] = [];
  let run: { readonly records: StoredRecord[]; readonly final: boolean; readonly reason: string } | undefined;
  let failure: Failure | undefined;

  const endRun = (): void => {
    const [only, ...others] = run?.records ?? [];
    if (!run || !only) return;
    if (others.length > 0) undecided.push(run.records);
    else if (run.final) refused.push({ stored: only, reason: run.reason });
    else failure = { cause: "answered", reason: run.reason, attempted: [only] };
    run = undefined;
  };

  for (const [index, stored] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status !== "undecided") endRun();
    if (failure || !outcome) break;
    if (outcome.status === "delivered") delivered.push(stored);
    else if (outcome.status === "rejected") refused.push({ stored, reason: outcome.reason });
    else if (outcome.status === "retry") failure = { ...outcome, attempted: isList ? [stored] : batch };
    else if (run) run.records.push(stored);
    else run = { records: [stored], final: outcome.final, reason: outcome.reason };
  }
  endRun();
  return { delivered, refused, undecided, failure };
}

function contractBreach(expected: number, outcomes: readonly Delivery[]): string | undefined {
  if (outcomes.length !== expected) return `it answered with ${String(outcomes.length)} outcomes for ${String(expected)} records`;
  // A sink written in JavaScript may answer anything, nothing included.
  const isKnown = outcomes.every((outcome) => STATUSES.has((outcome as Delivery | undefined)?.status));
  return isKnown ? undefined : "it answered with no known outcome";
}
