/**
 * The ledger as SQL for a platform's own tables: one script that sets the ids of ClearML beside those of MLflow, and one that takes
 * back just what the first has set. Written for PostgreSQL and SQLite alike. Makes text and calls nobody.
 */
import { ConfigError } from "../base/errors.js";
import type { LedgerLine } from "./ledger.js";

/** A column that is to hold ids of ClearML, and the column of the same table by which rows are found. */
export interface LedgerTarget {
  /** Name of the table, with its schema where it needs one: `public.training_jobs`. */
  readonly table: string;
  /** The column to set. */
  readonly column: string;
  /** The column that holds the id of MLflow, or with {@link LedgerSqlOptions.jobsByName} the number of the job. */
  readonly key: string;
}

/** Which columns of a platform's tables the script sets. */
export interface LedgerSqlOptions {
  /** Where ids of tasks go. Default: `training_jobs.clearml_task_id`, found by `mlflow_run_id`. Null: nowhere. */
  readonly runs?: LedgerTarget | null | undefined;
  /** Where ids of projects go. Default: `experiments.clearml_project_id`, found by `mlflow_experiment_id`. Null: nowhere. */
  readonly experiments?: LedgerTarget | null | undefined;
  /** Where ids of models go; the key holds `version:<name, percent-encoded>:<version>` or `logged:<id>`. Default: nowhere. */
  readonly models?: LedgerTarget | null | undefined;
  /** The column that tells rows of these tables apart. Default `id`. */
  readonly rowId?: string | undefined;
  /**
   * Find jobs by the names of their runs, `job-<number>`, where the table has no column of run ids; of several runs of a job the one
   * that began last counts. Default false.
   */
  readonly jobsByName?: boolean | undefined;
}

/** Columns of the platform. */
export const DEFAULT_RUN_TARGET: LedgerTarget = { table: "training_jobs", column: "clearml_task_id", key: "mlflow_run_id" };
export const DEFAULT_EXPERIMENT_TARGET: LedgerTarget = {
  table: "experiments",
  column: "clearml_project_id",
  key: "mlflow_experiment_id",
};

/** Which id became which: for other programs, too. */
const IDS = "trainer_sdk_mlflow_ids";
/** What was set by the script, and what was there before. */
const APPLIED = "trainer_sdk_mlflow_applied";
const ROWS_A_STATEMENT = 500;

type Kind = LedgerLine["kind"];

/**
 * The script.
 *
 * `apply` writes all ids into a table of their own, then sets columns that are empty, and those that it set itself before; a value
 * of anybody else stays. `undo` puts back what was there, in rows that still hold what `apply` set. Each is one transaction, and running it
 * twice is as good as once.
 *
 * @throws ConfigError for a name that cannot be one of a table or column, and an id that no SQL text can hold.
 */
export function ledgerSql(lines: Iterable<LedgerLine>, way: "apply" | "undo", options: LedgerSqlOptions = {}): string {
  const { runs = DEFAULT_RUN_TARGET, experiments = DEFAULT_EXPERIMENT_TARGET, models = null, rowId = "id", jobsByName = false } = options;
  const targets: (readonly [Kind | "job", LedgerTarget])[] = [];
  if (experiments) targets.push(["experiment", experiments]);
  if (runs) targets.push([jobsByName ? "job" : "run", runs]);
  if (models) targets.push(["model", models]);
  const body =
    way === "apply"
      ? [
          ...insertIds(idsOf(lines, jobsByName)),
          ...targets.flatMap(([kind, target]) => applyTo(kind, target, rowId)),
          "-- What came of it; a row of the platform that had a value of its own keeps it.",
          `SELECT target, count(*) AS rows_set FROM ${APPLIED} GROUP BY target ORDER BY target;`,
        ]
      : [
          ...targets.flatMap(([, target]) => undoIn(target, rowId)),
          `DELETE FROM ${IDS};`,
          `-- Both tables are the script's own: DROP TABLE ${APPLIED}; DROP TABLE ${IDS};`,
        ];
  return ["BEGIN;", ...TABLES, ...body, "COMMIT;", ""].join("\n");
}

const TABLES = [
  `CREATE TABLE IF NOT EXISTS ${IDS} (kind varchar(20) NOT NULL, mlflow_id varchar(1000) NOT NULL, clearml_id varchar(200) NOT NULL, PRIMARY KEY (kind, mlflow_id));`,
  `CREATE TABLE IF NOT EXISTS ${APPLIED} (target varchar(500) NOT NULL, row_id varchar(200) NOT NULL, kind varchar(20) NOT NULL, mlflow_id varchar(1000) NOT NULL, previous varchar(1000), clearml_id varchar(200) NOT NULL, PRIMARY KEY (target, row_id));`,
];

/** The last word of the ledger on each. */
function idsOf(lines: Iterable<LedgerLine>, jobsByName: boolean): readonly (readonly [string, string, string])[] {
  const ids = new Map<string, readonly [string, string, string]>();
  const set = (kind: string, mlflowId: string, clearmlId: string): void => {
    ids.set(`${kind} ${mlflowId}`, [kind, mlflowId, clearmlId]);
  };
  const latest = new Map<string, number>();
  for (const line of lines) {
    if (line.kind === "experiment") set("experiment", line.experimentId, line.projectId);
    else if (line.kind === "model") set("model", line.model, line.modelId);
    else {
      set("run", line.runId, line.taskId);
      const job = /^job-(\d+)$/.exec(line.runName ?? "")?.[1];
      const startMs = line.startMs ?? 0;
      if (!jobsByName || job === undefined || startMs < (latest.get(job) ?? 0)) continue;
      latest.set(job, startMs);
      set("job", job, line.taskId);
    }
  }
  return [...ids.values()];
}

function insertIds(ids: readonly (readonly [string, string, string])[]): string[] {
  const statements: string[] = [];
  for (let at = 0; at < ids.length; at += ROWS_A_STATEMENT) {
    const rows = ids.slice(at, at + ROWS_A_STATEMENT).map((row) => `(${row.map(literal).join(", ")})`);
    statements.push(
      `INSERT INTO ${IDS} (kind, mlflow_id, clearml_id) VALUES\n${rows.join(",\n")}\nON CONFLICT (kind, mlflow_id) DO UPDATE SET clearml_id = excluded.clearml_id;`,
    );
  }
  return statements;
}

function applyTo(kind: string, { table, column, key }: LedgerTarget, rowId: string): string[] {
  const [name, set, row, found] = [identifier(table), identifier(column), textOf(`t.${identifier(rowId)}`), textOf(`t.${identifier(key)}`)];
  const target = literal(`${table}.${column}`);
  // Of rows whose id is known still: what was forgotten by an `undo` of others is left as it is.
  const known = `${APPLIED} a JOIN ${IDS} m ON m.kind = a.kind AND m.mlflow_id = a.mlflow_id`;
  const ofRow = `FROM ${known} WHERE a.target = ${target} AND a.row_id = ${textOf(`${name}.${identifier(rowId)}`)}`;
  const held = `${name}.${set}`;
  return [
    `-- ${table}.${column}, of ${kind}s`.replaceAll(/[\r\n]/g, " "),
    `INSERT INTO ${APPLIED} (target, row_id, kind, mlflow_id, previous, clearml_id)
SELECT ${target}, ${row}, m.kind, m.mlflow_id, t.${set}, m.clearml_id FROM ${name} t JOIN ${IDS} m ON m.kind = ${literal(kind)} AND m.mlflow_id = ${found}
WHERE t.${set} IS NULL OR t.${set} = ''
ON CONFLICT (target, row_id) DO NOTHING;`,
    // In rows that are empty, or hold what an earlier one set: a task that was made anew has another id.
    `UPDATE ${name} SET ${set} = (SELECT m.clearml_id ${ofRow})
WHERE EXISTS (SELECT 1 ${ofRow} AND (${held} IS NULL OR ${held} = '' OR ${held} = a.clearml_id));`,
    `UPDATE ${APPLIED} SET clearml_id = (SELECT m.clearml_id FROM ${IDS} m WHERE m.kind = ${APPLIED}.kind AND m.mlflow_id = ${APPLIED}.mlflow_id)
WHERE target = ${target} AND EXISTS (SELECT 1 FROM ${IDS} m WHERE m.kind = ${APPLIED}.kind AND m.mlflow_id = ${APPLIED}.mlflow_id);`,
  ];
}

function undoIn({ table, column }: LedgerTarget, rowId: string): string[] {
  const [name, set] = [identifier(table), identifier(column)];
  const target = literal(`${table}.${column}`);
  const ofRow = `FROM ${APPLIED} a WHERE a.target = ${target} AND a.row_id = ${textOf(`${name}.${identifier(rowId)}`)}`;
  return [
    `UPDATE ${name} SET ${set} = (SELECT a.previous ${ofRow}) WHERE EXISTS (SELECT 1 ${ofRow} AND a.clearml_id = ${name}.${set});`,
    `DELETE FROM ${APPLIED} WHERE target = ${target};`,
  ];
}

/** Ids may be numbers in a platform's tables. */
function textOf(expression: string): string {
  return `CAST(${expression} AS varchar(1000))`;
}

function literal(value: string): string {
  if (value.includes("\u0000")) throw unfit(value, "holds a character that no SQL text can");
  // A backslash is itself in standard SQL; a server that was told otherwise would read `\'` as a quote within.
  if (value.includes("\\")) throw unfit(value, "holds a backslash, which some servers read as an escape");
  return `'${value.replaceAll("'", "''")}'`;
}

function identifier(name: string): string {
  const parts = name.split(".");
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (parts.some((part) => part.trim() === "" || /[\u0000-\u001f]/.test(part))) throw unfit(name, "is no name of a table or column");
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join(".");
}

function unfit(value: string, why: string): ConfigError {
  const message = `${JSON.stringify(value.slice(0, 200))} ${why}`;
  return new ConfigError(`${message}.`, [{ path: "ledger", message }]);
}
