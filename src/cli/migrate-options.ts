/** `trainer-sdk migrate` on the command line: its commands and their options. */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { ExportOptions } from "./migrate-export-command.js";
import type { LedgerCommandOptions } from "./migrate-ledger-command.js";
import type { RollbackCommandOptions } from "./migrate-rollback-command.js";
import type { MigrateOptions, MigrateStep } from "./migrate-command.js";
import type { ExitCode, Terminal } from "./terminal.js";

const SCOPE = `
What is moved: experiments, runs (deleted ones too, as archived tasks),
parameters, tags, notes, whole metric histories with their own times, files of
runs, registered models with their versions, logged models of MLflow 3, and
their files. What is not moved: traces, prompts, evaluation data sets,
permissions. The source is a server over HTTP, a tracking folder (\`mlruns\`) or
a SQLite file (--from). Relative artifact folders are looked for beside a
database or folder.

MLflow: MLFLOW_TRACKING_URI, _USERNAME, _PASSWORD, _TOKEN, _INSECURE_TLS,
_SERVER_CERT_PATH, MLFLOW_WORKSPACE. ClearML: CLEARML_API_HOST,
CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY, CLEARML_FILES_HOST, or
clearml.conf.

Exit codes: 0 all is well, 1 something is missing, different or was interrupted,
2 the command line is wrong.`;

const LEDGER = `
Nothing is called and nothing is written: pipe it, as in
  trainer-sdk migrate mlflow ledger --sql apply | psql --set ON_ERROR_STOP=1 platform
All ids, those of models too, come into the table trainer_sdk_mlflow_ids;
columns that are empty are set from it, a value of anybody else stays.
trainer_sdk_mlflow_applied remembers what was set: \`--sql undo\`, with the same
options, puts back what was there. Each is one transaction, and running it twice
is as good as once.`;

/** Adds the commands. What they need is loaded when they run. */
export function addMigrateCommands(program: Command, terminal: Terminal, done: (code: ExitCode) => void): void {
  const migrate = program.command("migrate").description("Move what another experiment tracker holds to ClearML, and prove it.");
  const mlflow = migrate
    .command("mlflow")
    .description("From an MLflow server, a tracking folder or a SQLite file, 2.9 to 3.x: plan, then run, then verify.");
  const add = (step: MigrateStep, description: string): Command =>
    mlflow
      .command(step)
      .description(description)
      .option("--tracking-uri <url>", "the MLflow server (default: MLFLOW_TRACKING_URI)")
      .option("--from <place>", "the server's address, a tracking folder (./mlruns), or a database: sqlite:///mlflow.db or a path")
      .option(
        "--artifacts-root <place>",
        "folder or s3:// address that is the server's --artifacts-destination; of a server, for files that it cannot hand out",
      )
      .option("--source-id <name>", "name of the source in the keys of tasks; keep it for ever (default: host and path of the address)")
      .option("--into <project>", "a project of ClearML to put everything below (default: none)")
      .option("--workspace <name...>", "only these workspaces of MLflow (default: MLFLOW_WORKSPACE, else all)")
      .option("--experiment <name...>", "only these experiments (default: all)")
      .option("--accept-damage", "end with 0 though parts of a tracking folder cannot be read any more; they are listed")
      .option("--skip-deleted", "leave out deleted runs and experiments; the report says how many")
      .option("--include-reported", "move runs, too, that their trainer wrote to both: they come to be in ClearML twice")
      .option("--concurrency <number>", "runs at the same time (default: 16)", parseCount)
      .option("--rate <number>", "requests a second to MLflow, at most (default: no limit)", parseCount)
      .option("--report <file...>", "write the report into these files: .json, .txt, and of verify .html, a page that needs nothing else")
      .option("--json", "print one line of JSON with the report, and nothing else, on stdout")
      .addHelpText("after", SCOPE)
      .action(async (options: MigrateOptions) => {
        const { runMigrate } = await import("./migrate-command.js");
        done(await runMigrate(step, options, process.env, terminal));
      });
  const artifacts = (): Option =>
    new Option("--artifacts <how>", "copy the files of runs and models to ClearML, or link them: register them where they lie")
      .choices(["copy", "link"])
      .default("copy");
  add(
    "plan",
    "Read everything and say what would be moved, what of it ClearML shows otherwise and why, and about how long it takes. Writes nothing.",
  ).addOption(artifacts());
  add("run", "Move it. Can be stopped at any moment and started again; what is done is left alone.")
    .option("--ledger <file>", "append which run became which task, as JSON lines (default: mlflow-ledger.jsonl)")
    .addOption(artifacts())
    .option("--accept-links", "end with 0 though MLflow lists no files of some models, and their address stands in ClearML alone")
    .option("--redo", "do again what is done, to repair what was changed in ClearML since");
  add("verify", "Read both sides anew and compare every value, point and file. Writes nothing.")
    .option(
      "--accept-links",
      "end with 0 though ClearML has files by their address alone: linked ones, and those of models of which MLflow lists none",
    )
    .option(
      "--accept-reported",
      "end with 0 though MLflow alone has files, notes or older points of runs that a trainer wrote to both; all else of them is compared",
    )
    .option("--accept-workspaces", "end with 0 though MLflow has workspaces that were not named; they are listed")
    .option("--accept-limits", "end with 0 though MLflow may hold more than these credentials are shown; the report says why");
  addLedgerCommand(mlflow, terminal, done);
  addExportCommand(migrate, terminal, done);
  addRollbackCommand(migrate, terminal, done);
}

function addLedgerCommand(mlflow: Command, terminal: Terminal, done: (code: ExitCode) => void): void {
  mlflow
    .command("ledger")
    .description("Print SQL that sets the ids of ClearML in a platform's own tables, or takes back what it set. For PostgreSQL and SQLite.")
    .addOption(new Option("--sql <way>", "the script to print").choices(["apply", "undo"]).makeOptionMandatory())
    .option("--ledger <file>", "the ledger of `run` (default: mlflow-ledger.jsonl)")
    .option("--runs <table.column=key>", "where ids of tasks go (default: training_jobs.clearml_task_id=mlflow_run_id), or none")
    .option(
      "--experiments <table.column=key>",
      "where ids of projects go (default: experiments.clearml_project_id=mlflow_experiment_id), or none",
    )
    .option("--models <table.column=key>", "where ids of models go (default: none)")
    .option("--row-id <column>", "the column that tells rows of these tables apart (default: id)")
    .option("--jobs-by-name", "find jobs by the names of their runs, job-<number>: then the key of --runs holds that number (default: id)")
    .addHelpText("after", LEDGER)
    .action(async (options: LedgerCommandOptions) => {
      const { runLedger } = await import("./migrate-ledger-command.js");
      done(await runLedger(options, terminal));
    });
}

function addExportCommand(migrate: Command, terminal: Terminal, done: (code: ExitCode) => void): void {
  migrate
    .command("export")
    .description("Write migrated runs back out of ClearML alone, as a tracking folder (mlruns) that MLflow reads.")
    .argument("<folder>", "folder to make: missing, empty, or of an export that was cut off or is to be brought up to date")
    .option("--source-id <name>", "the source of the runs (default: the only one that ClearML knows)")
    .option("--run <id...>", "only these runs, by MLflow's ids (default: all)")
    .option("--concurrency <number>", "runs at the same time (default: 16)", parseCount)
    .option("--json", "print one line of JSON with the report, and nothing else, on stdout")
    .action(async (folder: string, options: ExportOptions) => {
      const { runExport } = await import("./migrate-export-command.js");
      done(await runExport(folder, options, process.env, terminal));
    });
}

function addRollbackCommand(migrate: Command, terminal: Terminal, done: (code: ExitCode) => void): void {
  migrate
    .command("rollback")
    .description("Remove what a migration made in ClearML, and only that. Says what would go; --yes removes it.")
    .option("--source-id <name>", "the source whose migration is meant (default: the only one that ClearML knows)")
    .option("--yes", "remove it")
    .option(
      "--accept-leftovers",
      "end with 0 though published tasks or models stay, or files on stores that nothing is deleted from, such as S3",
    )
    .option("--concurrency <number>", "tasks at the same time (default: 16)", parseCount)
    .option("--json", "print one line of JSON with the report, and nothing else, on stdout")
    .action(async (options: RollbackCommandOptions) => {
      const { runRollback } = await import("./migrate-rollback-command.js");
      done(await runRollback(options, process.env, terminal));
    });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1000) throw new InvalidArgumentError("Give a whole number from 1 to 1000.");
  return count;
}
