/**
 * The store on a SQLite file, for `trainer-sdk dev --data DIR`. Documents are read once at the start and written
 * through, so that searches cost what they cost in memory; events stay in the file.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ModelDocument, ProjectDocument, QueueDocument, TaskDocument } from "./documents.js";
import { SqliteEvents } from "./sqlite-events.js";
import { openDatabase } from "./sqlite-schema.js";
import type { CallbackTable, Collection, ReceivedCallback, Store } from "./store.js";

class SqliteCollection<D extends { readonly id: string }> implements Collection<D> {
  readonly #kind: string;
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #erase: StatementSync;
  #documents = new Map<string, D>();

  constructor(database: DatabaseSync, kind: string) {
    this.#kind = kind;
    this.#read = database.prepare("SELECT json FROM documents WHERE kind = ? ORDER BY position");
    this.#write = database.prepare(
      "INSERT INTO documents (kind, id, json) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json",
    );
    this.#erase = database.prepare("DELETE FROM documents WHERE kind = ? AND id = ?");
    this.reload();
  }

  /** Takes what the file holds: at the start, and after a transaction that was rolled back. */
  reload(): void {
    const rows = this.#read.all(this.#kind) as unknown as { json: string }[];
    this.#documents = new Map(rows.map((row) => JSON.parse(row.json) as D).map((document) => [document.id, document]));
  }

  get(id: string): D | undefined {
    return this.#documents.get(id);
  }

  put(document: D): void {
    this.#write.run(this.#kind, document.id, JSON.stringify(document));
    this.#documents.set(document.id, document);
  }

  delete(id: string): boolean {
    this.#erase.run(this.#kind, id);
    return this.#documents.delete(id);
  }

  values(): Iterable<D> {
    return this.#documents.values();
  }
}

interface CallbackRow {
  readonly sequence: number;
  readonly path: string;
  readonly received_at: string;
  readonly headers: string;
  readonly idempotency_key: string | null;
  readonly job_id: string | null;
  readonly body: string;
}

function sqliteCallbacks(database: DatabaseSync): CallbackTable {
  const insert = database.prepare(
    "INSERT INTO callbacks (path, received_at, headers, idempotency_key, job_id, body) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const all = database.prepare("SELECT * FROM callbacks ORDER BY sequence");
  const ofJob = database.prepare("SELECT * FROM callbacks WHERE job_id = ? ORDER BY sequence");
  return {
    add(callback) {
      const { path, received_at, headers, idempotency_key, job_id, body } = callback;
      const { lastInsertRowid } = insert.run(path, received_at, JSON.stringify(headers), idempotency_key, job_id, JSON.stringify(body));
      return { ...callback, sequence: Number(lastInsertRowid) };
    },
    list(filter = {}) {
      const rows = (filter.jobId === undefined ? all.all() : ofJob.all(filter.jobId)) as unknown as CallbackRow[];
      return rows.map((row) => ({
        ...row,
        headers: JSON.parse(row.headers) as ReceivedCallback["headers"],
        body: JSON.parse(row.body) as ReceivedCallback["body"],
      }));
    },
  };
}

/**
 * Opens or makes the file. One server at a time may have it open.
 * @throws ConfigError when another has it, it cannot be written, or a newer version wrote it.
 */
export async function openSqliteStore(path: string): Promise<Store> {
  const database = await openDatabase(path);
  const readSetting = database.prepare("SELECT value FROM settings WHERE name = ?");
  const writeSetting = database.prepare(
    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  const events = new SqliteEvents(database);
  const tasks = new SqliteCollection<TaskDocument>(database, "task");
  const models = new SqliteCollection<ModelDocument>(database, "model");
  const projects = new SqliteCollection<ProjectDocument>(database, "project");
  const queues = new SqliteCollection<QueueDocument>(database, "queue");
  let depth = 0;
  return {
    tasks,
    models,
    projects,
    queues,
    events,
    callbacks: sqliteCallbacks(database),
    settings: {
      get: (name) => (readSetting.get(name) as { value: string } | undefined)?.value,
      set(name, value) {
        writeSetting.run(name, value);
      },
    },
    transaction(work) {
      if (depth > 0) return work();
      depth += 1;
      database.exec("BEGIN");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        database.exec("ROLLBACK");
        events.forgetNumbers();
        for (const collection of [tasks, models, projects, queues]) collection.reload();
        throw error;
      } finally {
        depth -= 1;
      }
    },
    close() {
      database.close();
    },
  };
}
