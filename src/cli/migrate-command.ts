/** `trainer-sdk migrate mlflow plan|run|verify`: builds both clients, runs the step, tells the result. */
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { createClearML } from "../clearml/create-clearml.js";
import type { MlflowTrouble } from "../mlflow/mlflow-source.js";
import { openMlflowSource } from "../mlflow/open-source.js";
import { DEFAULT_LEDGER } from "../migrate/ledger.js";
import type { MigrationOptions } from "../migrate/migration-options.js";
import { planMigration } from "../migrate/plan-migration.js";
import { runMigration } from "../migrate/run-migration.js";
import { verifyMigration, type VerificationReport } from "../migrate/verify-migration.js";
import { MigrateProgress } from "./migrate-progress.js";
import { planLines, runLines, verifyLines } from "./migrate-report.js";
import { retryNotices } from "./retry-notices.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";
import { UsageError } from "./usage-error.js";

/** The three steps. */
export type MigrateStep = "plan" | "run" | "verify";

/** Options as the command line gives them. */
export interface MigrateOptions {
  readonly trackingUri?: string;
  readonly from?: string;
  readonly artifactsRoot?: string;
  readonly sourceId?: string;
  readonly into?: string;
  readonly workspace?: readonly string[];
  readonly experiment?: readonly string[];
  readonly skipDeleted?: boolean;
  readonly includeReported?: boolean;
  readonly concurrency?: number;
  readonly rate?: number;
  readonly report?: readonly string[];
  readonly json?: boolean;
  readonly ledger?: string;
  readonly redo?: boolean;
  readonly artifacts?: "copy" | "link";
  readonly acceptLinks?: boolean;
  readonly acceptDamage?: boolean;
  readonly acceptReported?: boolean;
  readonly acceptWorkspaces?: boolean;
  readonly acceptLimits?: boolean;
}

/** Either server may be away for minutes. */
const RETRY_BUDGET_MS = 300_000;

/** @returns 0 when all was done and is equal, else 1. @throws UsageError, ConfigError, and what keeps the lists from being read. */
export async function runMigrate(
  step: MigrateStep,
  options: MigrateOptions,
  env: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<ExitCode> {
  await checkOptions(step, options, env);
  const progress = new MigrateProgress(terminal, step);
  const logger = retryNotices((text) => {
    progress.say(text);
  }, RETRY_BUDGET_MS);
  try {
    await using mlflow = await openMlflowSource(
      {
        trackingUri: options.from ?? options.trackingUri,
        artifactsRoot: options.artifactsRoot,
        requestsPerSecond: options.rate,
        retryBudgetMs: RETRY_BUDGET_MS,
        logger,
      },
      env,
    );
    // A plan asks ClearML for the tasks of runs that were written to both, and how fast it answers; its keys are needed in any case.
    await using clearml = createClearML({ retry: { budgetMs: RETRY_BUDGET_MS }, logger }, env);
    // As MLflow's own client has it.
    const workspace = env["MLFLOW_WORKSPACE"]?.trim() ?? "";
    const given: MigrationOptions = {
      mlflow,
      clearml,
      sourceId: options.sourceId,
      into: options.into,
      workspaces: options.workspace ?? (workspace === "" ? undefined : [workspace]),
      experiments: options.experiment,
      skipDeleted: options.skipDeleted,
      includeReported: options.includeReported,
      artifacts: options.artifacts,
      concurrency: options.concurrency,
      signal: terminal.stop,
      onProgress: (now) => {
        progress.update(now);
      },
    };
    const { report, lines, ok } = await perform(step, given, options);
    progress.end();
    const json = JSON.stringify(report);
    terminal.out(options.json ? `${json}\n` : lines.map((line) => `${line}\n`).join(""));
    // Then the files: one that cannot be written must not cost what took hours.
    for (const file of options.report ?? []) await writeFile(file, await reportFor(file, { report, lines, json }));
    return ok ? EXIT.ok : EXIT.failed;
  } finally {
    progress.end();
  }
}

/** What would fail after hours of work fails before it. */
async function checkOptions(
  step: MigrateStep,
  { from, trackingUri, report = [] }: MigrateOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  if ((from ?? trackingUri ?? env["MLFLOW_TRACKING_URI"] ?? "").trim() === "")
    throw new UsageError(
      "--from",
      "is missing: name the MLflow server's address, a tracking folder or a SQLite file, here or in MLFLOW_TRACKING_URI",
    );
  for (const file of report) {
    if (!/\.(json|txt|html?)$/i.test(file)) throw new UsageError("--report", `takes files that end in .json, .txt or .html, not ${file}`);
    if (step !== "verify" && isPage(file))
      throw new UsageError("--report", "makes a page (.html) of a verification alone; give .json or .txt");
    const folder = path.dirname(path.resolve(file));
    const isThere = await stat(folder).then(
      (facts) => facts.isDirectory(),
      () => false,
    );
    if (!isThere) throw new UsageError("--report", `cannot write ${file}: there is no folder ${folder}`);
  }
}

/** What a file of this name holds. */
async function reportFor(
  file: string,
  { report, lines, json }: { readonly report: unknown; readonly lines: readonly string[]; readonly json: string },
): Promise<string> {
  if (file.endsWith(".txt")) return lines.map((line) => `${line}\n`).join("");
  if (!isPage(file)) return `${json}\n`;
  const { verificationPage } = await import("../migrate/verification-page.js");
  return verificationPage(report as VerificationReport, new Date());
}

function isPage(file: string): boolean {
  return /\.html?$/i.test(file);
}

async function perform(
  step: MigrateStep,
  given: MigrationOptions,
  { ledger = DEFAULT_LEDGER, redo, acceptDamage = false, ...options }: MigrateOptions,
): Promise<{ readonly report: unknown; readonly lines: readonly string[]; readonly ok: boolean }> {
  const isWhole = (troubles: readonly MlflowTrouble[]): boolean => acceptDamage || !troubles.some(({ isLoss }) => isLoss);
  switch (step) {
    case "plan": {
      const report = await planMigration(given);
      return { report, lines: planLines(report), ok: report.failures.length === 0 && isWhole(report.troubles) };
    }
    case "run": {
      const report = await runMigration({ ...given, ledger, redo });
      const { failures, models, interrupted, stoppedBy, troubles } = report;
      const isShort = models.withoutFiles > 0 && options.acceptLinks !== true;
      return {
        report,
        lines: runLines(report, ledger),
        ok: failures.length + models.failures.length === 0 && !interrupted && stoppedBy === undefined && !isShort && isWhole(troubles),
      };
    }
    case "verify": {
      const { acceptLinks, acceptReported, acceptWorkspaces, acceptLimits } = options;
      const report = await verifyMigration({ ...given, acceptLinks, acceptDamage, acceptReported, acceptWorkspaces, acceptLimits });
      return { report, lines: verifyLines(report), ok: report.ok };
    }
  }
}
