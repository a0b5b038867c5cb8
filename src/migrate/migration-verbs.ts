/**
 * The steps of a migration as functions. Each loads what it needs when it is called: a backend that only reads ledgers, or a
 * worker that names one step, does not pay for all of them at its start.
 */
import type { ExportMigrationOptions, ExportReport } from "./export-migration.js";
import type { MigrationOptions } from "./migration-options.js";
import type { MigrationPlan } from "./plan-migration.js";
import type { RollbackOptions, RollbackReport } from "./rollback-migration.js";
import type { MigrationReport, RunMigrationOptions } from "./run-migration.js";
import type { VerificationReport, VerifyMigrationOptions } from "./verify-migration.js";

/**
 * Reads everything and says what would be moved, and what of it ClearML shows otherwise. Writes nothing.
 *
 * @throws (as rejections) as {@link runMigration}, for what keeps the lists from being read; the signal's reason.
 */
export async function planMigration(options: MigrationOptions): Promise<MigrationPlan> {
  const steps = await import("./plan-migration.js");
  return steps.planMigration(options);
}

/**
 * Moves experiments, runs and models to ClearML. Can be stopped at any moment and called again: what is done is left alone,
 * and what came since is moved. Resolves when all of it is in ClearML or is told in the report.
 *
 * @throws (as rejections) what keeps all of it from being done: ConfigError, NotFoundError for a named experiment, ApiError and
 * ConnectionError of either side while the lists are read. An aborted signal is no error: the report says `interrupted`.
 */
export async function runMigration(options: RunMigrationOptions): Promise<MigrationReport> {
  const steps = await import("./run-migration.js");
  return steps.runMigration(options);
}

/**
 * Reads both sides anew and compares every value, point and file. Writes nothing.
 *
 * @throws (as rejections) as {@link runMigration}, for what keeps the lists from being read.
 */
export async function verifyMigration(options: VerifyMigrationOptions): Promise<VerificationReport> {
  const steps = await import("./verify-migration.js");
  return steps.verifyMigration(options);
}

/**
 * Writes migrated runs back out of ClearML alone, as a tracking folder that MLflow reads. Points, files and their digests are
 * checked; what a folder cannot hold is told in the report.
 *
 * @throws (as rejections) ConfigError for a folder that holds something, or several sources; what keeps the tasks from being
 * listed.
 */
export async function exportMigration(options: ExportMigrationOptions): Promise<ExportReport> {
  const steps = await import("./export-migration.js");
  return steps.exportMigration(options);
}

/**
 * Removes from ClearML what a migration made, and only that; without `confirmed` it says what would go and removes nothing.
 *
 * @throws (as rejections) ConfigError when the source is not clear; ApiError, ConnectionError while the lists are read. An
 * aborted signal is no error: the report says `interrupted`.
 */
export async function rollbackMigration(options: RollbackOptions): Promise<RollbackReport> {
  const steps = await import("./rollback-migration.js");
  return steps.rollbackMigration(options);
}

/**
 * The report of a verification as one HTML page that needs nothing else: totals, each experiment and run, each difference with both
 * values, what ClearML shows otherwise and why.
 *
 * @param madeAt - When the verification ended.
 */
export async function verificationPage(report: VerificationReport, madeAt: Date): Promise<string> {
  const steps = await import("./verification-page.js");
  return steps.verificationPage(report, madeAt);
}
