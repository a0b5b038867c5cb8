/** `trainer-sdk migrate rollback`: takes back what a migration made in ClearML. Without `--yes` it only says what that is. */
import { DEFAULT_RETRY_BUDGET_MS } from "../base/retrying.js";
import { createClearML } from "../clearml/create-clearml.js";
import { rollbackMigration, type RollbackReport } from "../migrate/rollback-migration.js";
import { counted } from "../base/counted.js";
import { MigrateProgress } from "./migrate-progress.js";
import { retryNotices } from "./retry-notices.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";

/** Options as the command line gives them. */
export interface RollbackCommandOptions {
  readonly sourceId?: string;
  readonly yes?: boolean;
  readonly concurrency?: number;
  readonly acceptLeftovers?: boolean;
  readonly json?: boolean;
}

const MAX_LISTED = 20;

/** @returns 0 when nothing of the migration stays or would stay, else 1. @throws ConfigError when the source is not clear. */
export async function runRollback(
  { sourceId, yes, concurrency, acceptLeftovers, json }: RollbackCommandOptions,
  env: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<ExitCode> {
  const progress = new MigrateProgress(terminal, "rollback");
  const logger = retryNotices((text) => {
    progress.say(text);
  }, DEFAULT_RETRY_BUDGET_MS);
  try {
    await using clearml = createClearML({ logger }, env);
    const report = await rollbackMigration({
      ...{ clearml, sourceId, confirmed: yes, concurrency, acceptLeftovers, signal: terminal.stop },
      onProgress: (now) => {
        progress.update(now);
      },
    });
    progress.end();
    const lines = json === true ? [JSON.stringify(report)] : rollbackLines(report);
    terminal.out(lines.map((line) => `${line}\n`).join(""));
    return report.ok ? EXIT.ok : EXIT.failed;
  } finally {
    progress.end();
  }
}

function rollbackLines(report: RollbackReport): string[] {
  const { tasks, models, projects, isDryRun, leftFiles, links } = report;
  const listed = (lines: readonly string[]): string[] => [
    ...lines.slice(0, MAX_LISTED),
    ...(lines.length > MAX_LISTED ? [`... and ${String(lines.length - MAX_LISTED)} more`] : []),
  ];
  const what = `${counted(tasks, "task")} with files, ${counted(models, "model")}, ${counted(projects, "project")}`;
  const isNothing = tasks + models + projects + report.kept.length + report.failures.length === 0 && !report.interrupted;
  const { sourceId } = report;
  const whole = isNothing
    ? `ClearML has nothing of a migration from ${sourceId ?? ""}. Leave out --source-id to hear what it has.`
    : `${isDryRun ? "would remove" : "removed"} ${what} of ${sourceId ?? ""}`;
  return [
    ...(sourceId !== undefined ? [whole] : report.interrupted ? [] : ["ClearML has nothing of a migration."]),
    ...listed(report.kept.map(({ what: one, why }) => `STAYS: ${one}: ${why}`)),
    ...listed(leftFiles.map((uri) => `FILE STAYS: ${uri}`)),
    ...(links.length === 0 ? [] : [`not touched: ${counted(links.length, "linked file")} of MLflow's`]),
    ...(leftFiles.length === 0 ? [] : ["Delete these with the store's own tools, or give --accept-leftovers."]),
    ...listed(report.failures.map(({ what: one, reason }) => `FAILED: ${one}: ${reason}`)),
    ...(report.interrupted ? ["INTERRUPTED: start it again, and it goes on."] : []),
    ...(isDryRun && tasks + models + projects > 0 ? ["Nothing was removed. Add --yes to remove it."] : []),
  ];
}
