/**
 * Points on their way, also those that may be there already. A database takes an exact repeat for nothing new, but older servers (2.9)
 * compare a NaN with the NaN that they have stored, find two, and refuse the whole batch with their database's own words. Sent again
 * after a lost answer or a kill, such a batch would never pass.
 */
import { isMlflowAnswer } from "../../mlflow/mlflow-wire.js";
import type { RunCalls } from "./run-calls.js";

/** What SQLite, PostgreSQL, MySQL and SQL Server say of a row that is there. */
const ROW_IS_THERE = /unique constraint|duplicate (?:entry|key)/i;

/** Sends points; where the server refuses because one is there, halves them until it is found. @throws ApiError, ConnectionError. */
export async function sendPoints(calls: RunCalls, lines: readonly string[]): Promise<void> {
  const { writer, runId, signal } = calls;
  if (lines.length === 0) return;
  try {
    await writer.logBatch(runId, { metrics: lines }, { signal });
  } catch (error) {
    if (!isMlflowAnswer(error, 400, "BAD_REQUEST") || !ROW_IS_THERE.test(error.bodyExcerpt ?? "")) throw error;
    // One alone that is there: that was what was wanted.
    if (lines.length === 1) return;
    const middle = lines.length >> 1;
    await sendPoints(calls, lines.slice(0, middle));
    await sendPoints(calls, lines.slice(middle));
  }
}
