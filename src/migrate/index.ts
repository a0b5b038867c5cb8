/**
 * Entry `trainer-sdk/migrate`: moves an MLflow server to ClearML, and proves it. Names every public export, nothing more.
 */
export { MlflowClient } from "../mlflow/mlflow-client.js";
export type {
  MlflowCall,
  MlflowDownloadCall,
  MlflowHistoryCall,
  MlflowDownload,
  MlflowFilesOwner,
  MlflowModelCall,
  MlflowScope,
  MlflowSource,
  MlflowTrouble,
} from "../mlflow/mlflow-source.js";
export type { FileSourceOptions } from "../mlflow/file-source.js";
export type { SqliteSourceOptions } from "../mlflow/sqlite-source.js";
export { openMlflowSource } from "../mlflow/open-source.js";
export type { MlflowOptions } from "../mlflow/mlflow-options.js";
export type {
  MlflowExperiment,
  MlflowFile,
  MlflowLoggedModel,
  MlflowModelVersion,
  MlflowPoint,
  MlflowRegisteredModel,
  MlflowRun,
} from "../mlflow/mlflow-documents.js";
export { ledgerSql, type LedgerSqlOptions, type LedgerTarget } from "./ledger-sql.js";
export { readLedger, type LedgerLine } from "./ledger.js";
export { exportMigration, planMigration, rollbackMigration, runMigration, verificationPage, verifyMigration } from "./migration-verbs.js";
export type { MigrationOptions, MigrationProgress } from "./migration-options.js";
export type { MigrationPlan } from "./plan-migration.js";
export type { PlannedModels } from "./plan-models.js";
export type { TimeEstimate } from "./estimate-time.js";
export type { LossyKind, LossyThing } from "./lossy-things.js";
export type { MigrationReport, RunMigrationOptions } from "./run-migration.js";
export type { SkippedRuns, Unread } from "./inventory.js";
export type { MigratedModels } from "./migrate-models.js";
export type { ExperimentVerification, Shortfall, VerificationReport, VerifyMigrationOptions } from "./verify-migration.js";
export type { ExportMigrationOptions, ExportReport } from "./export-migration.js";
export type { ExportedModels } from "./export-models.js";
export type { RollbackOptions, RollbackReport } from "./rollback-migration.js";
export type { Difference, RunVerification, Uncompared, VerifiedCounts } from "./differences.js";
export { readRunCopy, RUN_COPY_ARTIFACT, type RunCopyLine, type RunCopySource } from "./run-copy.js";
