/**
 * `trainer-sdk journal`: what a journal's folder holds. `ls`, `show` and `dead-letters` take no lock and change nothing,
 * so they may look at a trainer at work; `replay` takes the folder for a moment.
 */
import { keptUp } from "../base/background.js";
import { JournalError } from "../base/errors.js";
import { readDeadLetters } from "../outbox/dead-letters.js";
import { nodeDisk } from "../outbox/disk.js";
import { listJournal } from "../outbox/list-journal.js";
import type { DeadLetter } from "../outbox/receipts.js";
import { surveyJournal } from "../outbox/survey-journal.js";
import { readJob } from "../trainer/job-identity.js";
import { journalFolders, theJournal } from "./find-journals.js";
import { letterLine, recordLine, surveyLines } from "./journal-lines.js";
import { isWanted, type RecordFilter } from "./record-filter.js";
import { replayLetters } from "./replay-letters.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";

/** `ls`: one journal after the other. */
export async function runJournalLs(folder: string, options: { readonly json?: boolean }, terminal: Terminal): Promise<ExitCode> {
  const found = [];
  for (const directory of await journalFolders(folder)) {
    const survey = await surveyJournal(directory);
    const { recall: _, isUploadPending: __, attachments, ...facts } = survey;
    const entry = {
      directory,
      jobId: readJob(survey)?.jobId,
      ...facts,
      pendingBytes: attachments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
    found.push(entry);
    if (!options.json) terminal.out(surveyLines(entry));
  }
  if (options.json) terminal.out(`${JSON.stringify({ journals: found })}\n`);
  return EXIT.ok;
}

/** `show`: the records that are there, a line each. */
export async function runJournalShow(
  folder: string,
  options: RecordFilter & { readonly json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const directory = await theJournal(folder);
  let shown = 0;
  for await (const journaled of listJournal(directory)) {
    if (terminal.stop.aborted) break;
    if (!isWanted(journaled, options)) continue;
    shown++;
    const { record, deliveries, upload } = journaled;
    terminal.out(`${options.json ? JSON.stringify({ ...record, deliveries, upload }) : recordLine(journaled)}\n`);
  }
  if (shown === 0 && !terminal.stop.aborted) terminal.error("No record fits.\n");
  return EXIT.ok;
}

/** `dead-letters`: what was given up and waits for a person. */
export async function runDeadLetters(
  folder: string,
  options: { readonly json?: boolean; readonly sink?: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const letters = await lettersOf(await theJournal(folder), options.sink);
  for (const letter of letters) terminal.out(`${options.json ? JSON.stringify(letter) : letterLine(letter)}\n`);
  if (letters.length === 0) terminal.error("There are no dead letters.\n");
  return EXIT.ok;
}

/** Which letters `replay` takes. One of the three must be there. */
export interface ReplayOptions {
  readonly sink?: string;
  /** Ids of records, or their numbers. */
  readonly id?: readonly string[];
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `replay`: puts letters back in line; the next start of the trainer, or `sync`, delivers them. */
export async function runReplay(folder: string, options: ReplayOptions, terminal: Terminal): Promise<ExitCode> {
  const { sink, id, all } = options;
  if (sink === undefined && id === undefined && all !== true) {
    terminal.error("trainer-sdk journal replay: say which letters: --sink <name>, --id <id> or --all.\n");
    return EXIT.usage;
  }
  const directory = await theJournal(folder);
  const wanted = ({ record, sink: of }: DeadLetter): boolean =>
    (sink === undefined || of === sink) && (id === undefined || id.includes(record.id) || id.includes(String(record.sequence)));
  try {
    const replayed = await keptUp(replayLetters(directory, wanted));
    const left = (await lettersOf(directory, undefined)).length;
    if (options.json) terminal.out(`${JSON.stringify({ replayed, left })}\n`);
    else
      terminal.out(
        `${String(replayed)} put back in line, ${String(left)} left.${replayed > 0 ? ` Deliver them with: trainer-sdk sync ${folder}` : ""}\n`,
      );
    return replayed > 0 || left === 0 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!JournalError.isInstance(error) || error.code !== "JOURNAL_LOCKED") throw error;
    terminal.error(`trainer-sdk journal replay: ${error.message}\n`);
    return EXIT.failed;
  }
}

async function lettersOf(directory: string, sink: string | undefined): Promise<readonly DeadLetter[]> {
  return [...(await readDeadLetters(nodeDisk, directory, (letter) => sink === undefined || letter.sink === sink)).values()];
}
