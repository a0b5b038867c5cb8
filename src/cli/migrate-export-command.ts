/** `trainer-sdk migrate export`: what ClearML alone has kept of MLflow's runs and models, as a folder that MLflow reads. */
import { DEFAULT_RETRY_BUDGET_MS } from "../base/retrying.js";
import { createClearML } from "../clearml/create-clearml.js";
import { exportMigration, type ExportReport } from "../migrate/export-migration.js";
import { counted } from "../base/counted.js";
import { MigrateProgress } from "./migrate-progress.js";
import { retryNotices } from "./retry-notices.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";

/** Options as the command line gives them. */
export interface ExportOptions {
  readonly sourceId?: string;
  readonly run?: readonly string[];
  readonly concurrency?: number;
  readonly json?: boolean;
}

const MAX_LISTED = 20;

/** @returns 0 when every run and model came out whole, else 1. @throws ConfigError for a folder that holds something. */
export async function runExport(
  folder: string,
  options: ExportOptions,
  env: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Promise<ExitCode> {
  const progress = new MigrateProgress(terminal, "export");
  const logger = retryNotices((text) => {
    progress.say(text);
  }, DEFAULT_RETRY_BUDGET_MS);
  try {
    await using clearml = createClearML({ logger }, env);
    const { sourceId, run: runs, concurrency } = options;
    const report = await exportMigration({
      ...{ clearml, folder, sourceId, runs, concurrency, signal: terminal.stop },
      onProgress: (now) => {
        progress.update(now);
      },
    });
    progress.end();
    const lines = options.json === true ? [JSON.stringify(report)] : exportLines(report);
    terminal.out(lines.map((line) => `${line}\n`).join(""));
    return report.ok ? EXIT.ok : EXIT.failed;
  } finally {
    progress.end();
  }
}

function exportLines(report: ExportReport): string[] {
  const { notFiled, linkedFiles, failures, models } = report;
  const listed = (lines: readonly string[]): string[] => [
    ...lines.slice(0, MAX_LISTED),
    ...(lines.length > MAX_LISTED ? [`... and ${String(lines.length - MAX_LISTED)} more`] : []),
  ];
  return [
    `${counted(report.runs, "run")} (${String(report.unchanged)} there before), ${counted(report.points, "point")}, ${counted(report.files, "file")} (${counted(report.fileBytes, "byte")}) in ${report.folder}`,
    `${counted(models.registered, "registered model")} with ${counted(models.versions, "version")}, ${counted(models.logged, "logged model")} (${String(models.unchanged)} there before), ${counted(models.files, "file")} of their own`,
    ...(report.runs === 0 && failures.length === 0 && !report.interrupted ? ["ClearML has no migrated run of this source."] : []),
    ...listed(
      notFiled.map(({ runId, what }) => `NO PLACE in a folder: run ${runId}: ${what}; it is in mlflow-run.jsonl.gz beside the run`),
    ),
    ...listed(linkedFiles.map(({ runId, path, uri }) => `LINKED, no bytes in ClearML: run ${runId}: ${path} at ${uri}`)),
    ...listed(failures.map(({ runId, reason }) => `FAILED: run ${runId}: ${reason}`)),
    ...listed(
      models.notFiled.map(({ model, what }) => `NO PLACE in a folder: model ${model}: ${what}; it is in the model's metadata in ClearML`),
    ),
    ...listed(models.linked.map(({ model, files }) => `LINKED, no bytes in ClearML: model ${model}: ${String(files)} files`)),
    ...listed(models.failures.map(({ model, reason }) => `FAILED: model ${model}: ${reason}`)),
    ...(report.interrupted ? ["INTERRUPTED: start it again, into the same folder, and it goes on."] : []),
  ];
}
