/** The commands and their options. What a command needs to run is loaded when it runs. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { describeError } from "../base/errors.js";
import type { DevOptions } from "./dev-command.js";
import type { DoctorOptions } from "./doctor-command.js";
import type { ShimOptions } from "./shim-command.js";
import { addJournalCommands } from "./journal-options.js";
import { addMigrateCommands } from "./migrate-options.js";
import type { SyncOptions } from "./sync-command.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";
import { UsageError } from "./usage-error.js";

/** The API and the file server take the two ports after the page's. */
const HIGHEST_PORT = 65_533;
const HELP_HINT = "Add --help for what is possible.";
/** An hour: nothing is waited for so long, and timers end at 24 days. */
const MAX_TIMEOUT_SECONDS = 3_600;

/**
 * Runs one command line. Never throws: what goes wrong is said on `terminal.error` and told by the exit code.
 *
 * @param args - Arguments without the interpreter and the script.
 * @returns 0 when it was done, 1 when it could not be done, 2 when the command line is wrong.
 */
export async function runCommandLine(args: readonly string[], version: string, terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = createProgram(version, terminal, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof UsageError) {
      terminal.error(`error: ${error.message}\n${HELP_HINT}\n`);
      return EXIT.usage;
    }
    // What the wish to stop cut off fails with that wish, and not with a fault.
    const isStopped = terminal.stop.aborted && error instanceof Error && error.name === "AbortError";
    terminal.error(`trainer-sdk: ${isStopped ? "interrupted" : describeError(error)}\n`);
    return EXIT.failed;
  }
}

function createProgram(version: string, terminal: Terminal, done: (code: ExitCode) => void): Command {
  // Settings first: subcommands take them over when they are made.
  const program = new Command("trainer-sdk")
    .description("Tell the world how a training job goes: the tools around the SDK.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.error(text) })
    .showHelpAfterError(HELP_HINT)
    .exitOverride();

  program
    .command("dev")
    .description("Run a ClearML-compatible server with a live dashboard on this machine, until it is stopped.")
    .option(
      "--port <number>",
      `port of the dashboard; the API is on the next one, the file server on the one after (default: free ports)`,
      parsePort,
    )
    .option("--data <folder>", "keep tasks and files in this folder (default: in memory, gone when the server stops)")
    .option("--json", "print one line of JSON with the environment to set, and nothing else, on stdout")
    .option("--fault-control", "let other processes switch faults on at /__faults, to test against a bad network")
    .action(async (options: DevOptions) => {
      const { runDev } = await import("./dev-command.js");
      done(await runDev(options, version, terminal));
    });

  program
    .command("sync")
    .description(
      "Deliver what trainers left behind: journal folders, folders above them, hand-overs in object storage, offline sessions of ClearML.",
    )
    .argument("<place...>", "a folder, an archive, a session (.zip), or a URI such as s3://bucket/prefix (TRAINER_HANDOVER_URI)")
    .option("--dry-run", "say what is pending and where it would go, and change nothing")
    .option("--deadline-seconds <number>", "how long each journal is tried (default: 60)", parseSeconds)
    .option("--callback-url <url>", "where callbacks go, instead of where the trainer sent them; {jobId} stands for the job")
    .option("--json", "print one line of JSON with the result of each journal, and nothing else, on stdout")
    .addHelpText("after", "\nExit codes: 0 all is delivered, 1 something is not, or is pending in a dry run,\n2 the command line is wrong.")
    .action(async (places: string[], options: SyncOptions) => {
      const { runSync } = await import("./sync-command.js");
      done(await runSync(places, options, process.env, terminal));
    });

  program
    .command("shim")
    .description("Write a train.py that starts a Node trainer, for platforms that start every image as `python train.py`.")
    .argument("<entry>", "the trainer's program, relative to the script")
    .option("--as <name>", "name of the script", "train.py")
    .option("--out <folder>", "where the script goes", ".")
    .option("--python <folder>", "write a stand-in for the interpreter there too, for images without Python")
    .option("--force", "write over what is there")
    .action(async (entry: string, options: ShimOptions) => {
      const { runShim } = await import("./shim-command.js");
      done(await runShim(entry, options, terminal));
    });

  program
    .command("doctor")
    .description(
      "Look at everything that a trainer in this environment would need, and say what is wrong and what to do. Leaves nothing behind.",
    )
    .option("--timeout <seconds>", "how long all checks together may take (default: 30)", parseTimeout)
    .option("--json", "print one line of JSON with settings and findings, and nothing else, on stdout")
    .addHelpText("after", "\nExit codes: 0 all is well, 1 there are warnings, 2 there are errors, or the\ncommand line is wrong.")
    .action(async (options: DoctorOptions) => {
      const { runDoctor } = await import("./doctor-command.js");
      done(await runDoctor(options, process.env, version, terminal));
    });

  addJournalCommands(program, terminal, done);
  addMigrateCommands(program, terminal, done);
  return program;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !Number.isFinite(seconds) || seconds < 0)
    throw new InvalidArgumentError("Give a number of seconds of 0 or more.");
  return seconds;
}

function parseTimeout(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS))
    throw new InvalidArgumentError(`Give a number of seconds above 0 and up to ${String(MAX_TIMEOUT_SECONDS)}.`);
  return seconds;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > HIGHEST_PORT) throw new InvalidArgumentError(`Give a whole number from 0 to ${String(HIGHEST_PORT)}.`);
  return port;
}
