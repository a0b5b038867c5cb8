/**
 * The tables of the SQLite file. Events are rows with indexes for the questions that are asked of them, so that a task
 * with a million points answers in well under a second; documents are few and go in as JSON.
 */
import type { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../../base/errors.js";

/** Version of the tables, kept in the file; a file of another version is refused. */
const SCHEMA_VERSION = 1;

const TABLES = `
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL, UNIQUE (kind, id));
CREATE TABLE entities (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE series (number INTEGER PRIMARY KEY, entity INTEGER NOT NULL, type TEXT NOT NULL, metric TEXT NOT NULL, variant TEXT NOT NULL,
  UNIQUE (entity, type, metric, variant));
CREATE TABLE events (sequence INTEGER PRIMARY KEY, type INTEGER NOT NULL, id BLOB NOT NULL, entity INTEGER NOT NULL, series INTEGER NOT NULL,
  iteration INTEGER, timestamp INTEGER NOT NULL, value REAL, single REAL, extra TEXT NOT NULL, UNIQUE (type, id));
CREATE INDEX events_by_iteration ON events (entity, type, iteration);
CREATE INDEX events_by_series ON events (series, iteration, timestamp, single);
CREATE INDEX events_by_time ON events (entity, timestamp) WHERE type = 0;
CREATE TABLE callbacks (sequence INTEGER PRIMARY KEY, path TEXT NOT NULL, received_at TEXT NOT NULL, headers TEXT NOT NULL,
  idempotency_key TEXT, job_id TEXT, body TEXT NOT NULL);
CREATE INDEX callbacks_by_job ON callbacks (job_id);
`;

/** Opens the file, makes its tables when it is new, and keeps others out for as long as it is open. Loads `node:sqlite` on use. */
export async function openDatabase(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  try {
    // Exclusive before WAL: the second server on one folder is told at once, and no shared-memory file is needed.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;");
    const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version === 0) database.exec(`BEGIN IMMEDIATE; ${TABLES} PRAGMA user_version = ${String(SCHEMA_VERSION)}; COMMIT;`);
    else if (version !== SCHEMA_VERSION)
      throw unusable(path, `it has version ${String(version)}, this program writes version ${String(SCHEMA_VERSION)}; use another folder`);
    else database.exec("BEGIN IMMEDIATE; COMMIT;");
    return database;
  } catch (error) {
    database.close();
    if (error instanceof ConfigError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw unusable(path, reason.includes("locked") ? "another server has it open; stop that one or use another folder" : reason, error);
  }
}

function unusable(path: string, reason: string, cause?: unknown): ConfigError {
  return new ConfigError(`The server's data file ${path} cannot be used: ${reason}.`, [{ path: "dataDir", message: reason }], cause);
}
