/** Where the journal lies: the folder that was asked for, else a temporary one, else memory, each step down said aloud. */
import { tmpdir } from "node:os";
import path from "node:path";
import { JournalError, type Issue } from "../base/errors.js";
import { newId } from "../base/ids.js";
import { Outbox, type OutboxOptions } from "../outbox/outbox.js";

export interface JournalPlaceOptions {
  /** From options and environment; `undefined` when there is neither a folder nor a job id. */
  readonly asked: string | undefined;
  readonly workingDirectory: string;
  readonly strict: boolean;
  readonly outbox: Omit<OutboxOptions, "directory" | "strict">;
}

/**
 * Opens the outbox on the best folder there is.
 *
 * @throws JournalError with `strict`, when the asked-for folder cannot be used.
 */
export async function openOutbox(
  options: JournalPlaceOptions,
): Promise<{ outbox: Outbox; directory: string | undefined; issues: readonly Issue[] }> {
  const { strict, outbox } = options;
  // Without a job there is nothing to come back to by name: every start has a folder of its own.
  const first = options.asked ?? path.join(options.workingDirectory, ".trainer-sdk", `run-${newId().slice(0, 12)}`);
  try {
    return { outbox: await Outbox.open({ ...outbox, directory: first, strict: true }), directory: first, issues: [] };
  } catch (error) {
    if (strict || !(error instanceof JournalError)) throw error;
    if (error.code !== "JOURNAL_UNWRITABLE") return inMemory(options, error.message);
    return inTemporaryFolder(options, first, error.message);
  }
}

async function inTemporaryFolder(
  options: JournalPlaceOptions,
  first: string,
  why: string,
): Promise<{ outbox: Outbox; directory: string | undefined; issues: readonly Issue[] }> {
  const directory = path.join(tmpdir(), "trainer-sdk", path.basename(first));
  try {
    const outbox = await Outbox.open({ ...options.outbox, directory, strict: true });
    const message = `${why} The journal lies in ${directory} instead: it is lost with this machine's temporary files. Mount a writable volume and name it in TRAINER_JOURNAL_DIR.`;
    return { outbox, directory, issues: [{ path: "TRAINER_JOURNAL_DIR", message }] };
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    return inMemory(options, `${why} ${error.message}`);
  }
}

async function inMemory(
  options: JournalPlaceOptions,
  why: string,
): Promise<{ outbox: Outbox; directory: undefined; issues: readonly Issue[] }> {
  const outbox = await Outbox.open({ ...options.outbox, directory: undefined });
  const message = `${why} Everything is kept in memory alone: what is not delivered when this process ends is lost.`;
  return { outbox, directory: undefined, issues: [{ path: "TRAINER_JOURNAL_DIR", message }] };
}
