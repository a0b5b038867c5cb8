/** `trainer-sdk migrate mlflow ledger`: the ledger as SQL for a platform's own tables, to apply and to undo. Calls nobody. */
import { ConfigError } from "../base/errors.js";
import { DEFAULT_LEDGER, readLedger, type LedgerLine } from "../migrate/ledger.js";
import { DEFAULT_EXPERIMENT_TARGET, DEFAULT_RUN_TARGET, ledgerSql, type LedgerTarget } from "../migrate/ledger-sql.js";
import { errnoOf } from "../storage/file-errors.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";
import { UsageError } from "./usage-error.js";

/** Options as the command line gives them. */
export interface LedgerCommandOptions {
  readonly sql: "apply" | "undo";
  readonly ledger?: string;
  readonly runs?: string;
  readonly experiments?: string;
  readonly models?: string;
  readonly rowId?: string;
  readonly jobsByName?: boolean;
}

/** @returns 0. @throws UsageError for what names no column; ConfigError for a ledger that is not there or holds nothing, and names that cannot be used. */
export async function runLedger(options: LedgerCommandOptions, terminal: Terminal): Promise<ExitCode> {
  const { sql, ledger = DEFAULT_LEDGER, runs, experiments, models, rowId, jobsByName } = options;
  const targets = {
    runs: targetOf("--runs", runs, jobsByName === true ? { ...DEFAULT_RUN_TARGET, key: "id" } : DEFAULT_RUN_TARGET),
    experiments: targetOf("--experiments", experiments, DEFAULT_EXPERIMENT_TARGET),
    models: targetOf("--models", models, null),
  };
  const lines: LedgerLine[] = [];
  try {
    for await (const line of readLedger(ledger)) lines.push(line);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw unfit("--ledger", `${ledger} cannot be read: run \`migrate mlflow run\` first, or name the file`, error);
  }
  // A script of nothing would run well and set nothing.
  if (lines.length === 0) throw unfit("--ledger", `${ledger} holds no line of a migration`);
  terminal.out(ledgerSql(lines, sql, { ...targets, rowId, jobsByName }));
  return EXIT.ok;
}

/** `table.column=key`, or `none`. */
function targetOf(option: string, text: string | undefined, otherwise: LedgerTarget | null): LedgerTarget | null {
  if (text === undefined) return otherwise;
  if (text === "none") return null;
  const [, table, column, key] = /^(.+)\.([^.=]+)=([^.=]+)$/.exec(text) ?? [];
  if (table === undefined || column === undefined || key === undefined)
    throw new UsageError(
      option,
      `must be table.column=key, such as training_jobs.clearml_task_id=mlflow_run_id, or none; not ${JSON.stringify(text)}`,
    );
  return { table, column, key };
}

function unfit(option: string, message: string, cause?: unknown): ConfigError {
  return new ConfigError(`${option} ${message}.`, [{ path: option, message }], cause);
}
