/** `trainer-sdk journal` on the command line: its commands and their options. */
import { InvalidArgumentError, type Command } from "commander";
import type { ExportOptions } from "./export-session.js";
import type { ReplayOptions } from "./journal-command.js";
import type { FactKind } from "../records/facts.js";
import { parseSince, type RecordFilter } from "./record-filter.js";
import type { ExitCode, Terminal } from "./terminal.js";

/** A table, so that the compiler misses none. */
const KINDS: Readonly<Record<FactKind, true>> = {
  started: true,
  progress: true,
  validation: true,
  scalar: true,
  plot: true,
  media: true,
  resources: true,
  log: true,
  checkpoint: true,
  model: true,
  artifact: true,
  tags: true,
  hyperparameters: true,
  configuration: true,
  final: true,
};

/** Adds the commands. What they need is loaded when they run. */
export function addJournalCommands(program: Command, terminal: Terminal, done: (code: ExitCode) => void): void {
  const journal = program
    .command("journal")
    .description("Look into a journal's folder: what was said, what is pending, what was given up.");

  journal
    .command("ls")
    .description("List the journals in a folder: job, run, records, what is pending, files.")
    .argument("<folder>", "a journal's folder, or one above it")
    .option("--json", "print one line of JSON")
    .action(async (folder: string, options: { json?: boolean }) => {
      const { runJournalLs } = await import("./journal-command.js");
      done(await runJournalLs(folder, options, terminal));
    });

  journal
    .command("show")
    .description("Show the records of a journal. Delivered ones disappear with time.")
    .argument("<folder>", "the journal's folder, or one above it")
    .option("--kind <kinds>", `only facts of these kinds, with commas: ${Object.keys(KINDS).join(",")}`, toKinds)
    .option("--sink <name>", "only what concerns this destination: platform, clearml, ...")
    .option("--pending", "only what is not delivered yet")
    .option("--since <time>", "only from a time on: 2h, 30m, 7d, or a date such as 2026-01-31T12:00:00Z", toSince)
    .option("--json", "print a line of JSON for each record")
    .action(async (folder: string, options: RecordFilter & { json?: boolean }) => {
      const { runJournalShow } = await import("./journal-command.js");
      done(await runJournalShow(folder, options, terminal));
    });

  journal
    .command("dead-letters")
    .description("List what was given up and waits for a person, with the reasons.")
    .argument("<folder>", "the journal's folder, or one above it")
    .option("--sink <name>", "only of this destination; upload for files")
    .option("--json", "print a line of JSON for each letter")
    .action(async (folder: string, options: { json?: boolean; sink?: string }) => {
      const { runDeadLetters } = await import("./journal-command.js");
      done(await runDeadLetters(folder, options, terminal));
    });

  journal
    .command("replay")
    .description("Put dead letters back in line, once what was wrong is right. The next start or sync delivers them.")
    .argument("<folder>", "the journal's folder, or one above it")
    .option("--sink <name>", "those of this destination; upload for files")
    .option("--id <ids>", "those of these records, with commas: ids, or their numbers", toList)
    .option("--all", "all of them")
    .option("--json", "print one line of JSON")
    .action(async (folder: string, options: ReplayOptions) => {
      const { runReplay } = await import("./journal-command.js");
      done(await runReplay(folder, options, terminal));
    });

  journal
    .command("export")
    .description("Write what a journal owes to ClearML as an offline session, for Task.import_offline_session or trainer-sdk sync.")
    .argument("<folder>", "the journal's folder, or one above it")
    .option("--out <folder>", "where the zip goes (default: here)")
    .option("--json", "print one line of JSON")
    .action(async (folder: string, options: ExportOptions) => {
      const { runJournalExport } = await import("./export-session.js");
      done(await runJournalExport(folder, options, process.env, terminal));
    });
}

function toList(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(",").map((part) => part.trim())];
}

function toKinds(text: string, before?: readonly string[]): readonly string[] {
  const kinds = toList(text, before);
  const unknown = kinds.find((kind) => !Object.hasOwn(KINDS, kind));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is no kind of fact: there are ${Object.keys(KINDS).join(", ")}.`);
  return kinds;
}

function toSince(text: string): number {
  const since = parseSince(text, Date.now());
  if (since === undefined) throw new InvalidArgumentError("Give a time such as 2h, 30m, 7d or 2026-01-31T12:00:00Z.");
  return since;
}
