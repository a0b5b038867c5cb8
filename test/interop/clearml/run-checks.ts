/** Runs a program that lays what it read beside what it wrote by itself, and counts what it found. */
import { expect } from "vitest";
import { Tally } from "../support/tally.js";
import type { PythonPeer, PythonRun } from "./python.js";
import { countRequests, type PeerServer } from "./server.js";

/** Part of the names of what programs look for again: a server that is not ours still holds what earlier runs made. */
export const RUN = Date.now().toString(36);

/** A comparison that was made in Python. */
interface Check {
  readonly what: string;
  readonly read: unknown;
  readonly written: unknown;
}

/** What a program that uses `programs/checks.py` answers. */
interface Checked {
  readonly checks: readonly Check[];
  /** Endpoints whose refusal was asked for. */
  readonly provoked: readonly string[];
}

/**
 * Runs it to its end. Fails on a difference, a complaint or a refused request that was not provoked.
 * @returns the whole answer.
 */
export async function runChecks(
  server: PeerServer,
  python: PythonPeer,
  program: string,
  order: object = {},
  env: Readonly<Record<string, string>> = {},
): Promise<any> {
  const tally = new Tally("clearml", `Python ${python.line.version} by itself`);
  const run = await python.run(program, { version: `${python.line.version} ${RUN}`, depth: python.line.depth, ...order }, env);
  expect(run.answer, run.output).toBeDefined();
  const { checks, provoked } = run.answer as Checked;
  for (const { what, read, written } of checks) tally.compare(`${program}: ${what}`, read, written);
  noteTrouble(tally, run, provoked);
  await countRequests(server, tally, provoked);
  tally.end();
  return run.answer;
}

/** Notes what the SDK complained of, and an end that was none. */
export function noteTrouble(tally: Tally, run: PythonRun, provoked: readonly string[] = []): void {
  const isProvoked = (line: string): boolean =>
    provoked.length > 0 && (provoked.some((endpoint) => line.includes(endpoint)) || /Failed reloading/.test(line));
  for (const complaint of run.complaints) if (!isProvoked(complaint)) tally.differ(complaint);
  tally.compare("exit", [run.exitCode, run.signal], [0, null]);
  if (run.exitCode !== 0) tally.differ(run.output.slice(-2000));
}
