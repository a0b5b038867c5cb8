/**
 * The SQL that reads the points of one metric of one run. Left alone, SQLite walks along the primary key of MLflow's table, which
 * has the order but begins with the metric's name: it reads the points of that name in all runs, once for each run.
 */
import { exactInteger, type SqliteTables } from "./sqlite-tables.js";

/** Takes the run's id, then the key; answers value, timestamp, step, is_nan, by time, step, value. Integers beyond 2^53 come as text. */
export function historyQuery(tables: SqliteTables): string {
  // MLflow 2.9 has an index of runs alone: the plus keeps SQLite from the primary key.
  const index = tables.index("metrics", "run_uuid", "key");
  const [from, key] = index === undefined ? ["metrics", "+key"] : [`metrics INDEXED BY "${index.replaceAll('"', '""')}"`, "key"];
  const columns = `value, ${exactInteger("timestamp")}, ${exactInteger("step")}, is_nan`;
  return `SELECT ${columns} FROM ${from} WHERE run_uuid = ? AND ${key} = ? ORDER BY timestamp, step, value`;
}
