/** Rows of an MLflow database, read only. Knows SQLite and what tables there are; what the rows mean is for others. */
import type { DatabaseSync } from "node:sqlite";
import { ConfigError, describeError } from "../base/errors.js";

/** A row: 64-bit integers that a number cannot hold are `bigint`. */
export type Row = Readonly<Record<string, string | number | bigint | null>>;

type Argument = string | number | bigint;

/** What every version of MLflow since 2.9 has. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  experiments: ["experiment_id", "name", "artifact_location", "lifecycle_stage"],
  runs: ["run_uuid", "name", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri", "experiment_id"],
  metrics: ["key", "value", "timestamp", "run_uuid", "step", "is_nan"],
  latest_metrics: ["key", "run_uuid"],
  params: ["key", "value", "run_uuid"],
  tags: ["key", "value", "run_uuid"],
  registered_models: ["name"],
  model_versions: ["name", "version", "current_stage", "source", "run_id"],
};

export class SqliteTables {
  readonly #database: DatabaseSync;
  readonly #tables: ReadonlyMap<string, ReadonlySet<string>>;

  private constructor(database: DatabaseSync, tables: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#database = database;
    this.#tables = tables;
  }

  /** Opens the file for reading. @throws ConfigError when it is missing, no database, or none of MLflow 2.9 or later. */
  static async open(path: string): Promise<SqliteTables> {
    const { DatabaseSync } = await import("node:sqlite");
    const refuse = (reason: string, cause?: unknown): ConfigError => {
      const message = `${path} cannot be read as an MLflow database: ${reason}`;
      return new ConfigError(`${message}.`, [{ path: "source", message }], cause);
    };
    let database: DatabaseSync | undefined;
    const tables = new Map<string, Set<string>>();
    try {
      database = new DatabaseSync(path, { readOnly: true });
      const columns = database.prepare(
        "SELECT m.name AS name, c.name AS field FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
      );
      for (const { name, field } of columns.all() as { name: string; field: string }[])
        tables.set(name, (tables.get(name) ?? new Set<string>()).add(field));
    } catch (error) {
      database?.close();
      throw refuse(describeError(error), error);
    }
    const missing = Object.entries(NEEDED).flatMap(([table, fields]) =>
      fields.filter((field) => tables.get(table)?.has(field) !== true).map((field) => `${table}.${field}`),
    );
    if (missing.length === 0) return new SqliteTables(database, tables);
    database.close();
    throw refuse(
      `it has no ${missing.slice(0, 5).join(", ")}. MLflow 2.9 to 3.x is understood; \`mlflow db upgrade\` brings an older one there`,
    );
  }

  has(table: string, field?: string): boolean {
    const fields = this.#tables.get(table);
    return fields !== undefined && (field === undefined || fields.has(field));
  }

  /** Name of an index of the table that begins with these columns. */
  index(table: string, ...columns: string[]): string | undefined {
    const indexes = this.all("SELECT name FROM pragma_index_list(?) WHERE origin = 'c' AND partial = 0", table);
    return indexes
      .map(({ name }) => String(name))
      .find((name) => {
        const found = this.all("SELECT name AS field FROM pragma_index_info(?) ORDER BY seqno", name).map(({ field }) => field);
        return columns.every((column, at) => found[at] === column);
      });
  }

  /** Row by row; nothing of a long answer is held. */
  *rows(sql: string, ...given: Argument[]): Generator<Row, void, undefined> {
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true);
    for (const row of statement.iterate(...given)) yield plain(row);
  }

  /**
   * Rows as lists of numbers and texts, for what comes by the million: three times as fast. The statement must not answer an
   * integer that a number cannot hold, which {@link exactInteger} sees to.
   */
  *lists(sql: string, ...given: Argument[]): Generator<readonly (string | number | null)[], void, undefined> {
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    for (const row of statement.iterate(...given)) yield row as unknown as (string | number | null)[];
  }

  /** The same at once, for what is small. */
  all(sql: string, ...given: Argument[]): Row[] {
    return [...this.rows(sql, ...given)];
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** SQL that answers an integer column, beyond 2^53 as text. */
export function exactInteger(column: string): string {
  const limit = String(Number.MAX_SAFE_INTEGER);
  return `CASE WHEN ${column} BETWEEN -${limit} AND ${limit} THEN ${column} ELSE CAST(${column} AS TEXT) END`;
}

function plain(row: object): Row {
  return Object.fromEntries(
    Object.entries(row as Row).map(([field, value]) => [
      field,
      typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value,
    ]),
  );
}
