/**
 * A second book beside the SDK's journal, for the test that kills this process: one line for each record that the SDK
 * called durable. What stands here must be found at the servers in the end, whatever happened in between.
 */
import { appendFileSync } from "node:fs";

/** The part of a verb's answer that is noted. */
interface Answer {
  readonly status: string;
  readonly id?: string;
}

/** Waits for a verb's answer, notes it, and hands it on. `what` tells a reader, or a test, what to look for. */
export type Ledger = <T extends Answer>(answer: Promise<T>, what: Readonly<Record<string, unknown>>) => Promise<T>;

/** A ledger in the file at `path`; without a path it notes nothing. */
export function openLedger(path: string | undefined): Ledger {
  return async (answer, what) => {
    const answered = await answer;
    // Synchronous: when the next line of the program runs, a kill can no longer take this one away.
    if (path !== undefined && answered.status === "durable") appendFileSync(path, `${JSON.stringify({ id: answered.id, ...what })}\n`);
    return answered;
  };
}
