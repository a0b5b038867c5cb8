/**
 * The independent ledger: what the trainer said, and what it was told had become durable, written by the test itself with
 * one synchronous append a line. It lies outside the journal's folder and uses nothing of the SDK.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** Kinds of records, as the report counts them. */
export const KINDS = [
  "started",
  "progress",
  "validation",
  "scalar",
  "plot",
  "sample",
  "log",
  "checkpoint-last",
  "checkpoint-best",
  "model",
  "artifact",
  "tags",
  "hyperparameters",
  "configuration",
  "final",
] as const;
export type Kind = (typeof KINDS)[number];

/** A call of a verb, before it was made. `number` counts the calls of its kind in the job; `value` is what was said. */
export interface Call {
  readonly t: "call";
  readonly kind: Kind;
  readonly number: number;
  readonly value: unknown;
}

/** Its answer. */
export interface Answer {
  readonly t: "answer";
  readonly kind: Kind;
  readonly number: number;
  readonly status: string;
  readonly recordId?: string;
  readonly sequence?: number;
  readonly reason?: string;
  readonly uri?: string;
  readonly sha256?: string;
}

export type LedgerLine =
  | Call
  | Answer
  /** The trainer is about to end itself inside a window. */
  | { readonly t: "strike"; readonly window: string }
  | { readonly t: "jump"; readonly byMs: number }
  | { readonly t: "disk"; readonly powerCut: boolean; readonly segments: number }
  | { readonly t: "closed"; readonly complete: boolean; readonly receipt: unknown; readonly losses: unknown };

export function note(path: string, line: LedgerLine): void {
  appendFileSync(path, `${JSON.stringify(line)}\n`);
}

/** Every whole line; the last one may have been cut off by a kill. */
export function readLedger(path: string): LedgerLine[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LedgerLine);
}

/** A call with what became of it. */
export interface Said extends Call {
  readonly answer: Answer | undefined;
}

/** Calls in their order. */
export function saidIn(lines: readonly LedgerLine[]): Said[] {
  const answers = new Map(lines.flatMap((line) => (line.t === "answer" ? [[`${line.kind} ${String(line.number)}`, line] as const] : [])));
  return lines.flatMap((line) => (line.t === "call" ? [{ ...line, answer: answers.get(`${line.kind} ${String(line.number)}`) }] : []));
}
