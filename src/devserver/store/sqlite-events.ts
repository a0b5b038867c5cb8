/** Events in SQLite. Every question is answered by an index; none reads a task's events whole. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { JsonObject } from "../../base/json.js";
import { SINGLE_VALUE_ITERATION } from "../../protocol/clearml/limits.js";
import { passesFilter } from "./store.js";
import type { BucketAxis, Buckets, EventQuery, EventRow, EventTable, EventType, SeriesSummary, StoredEvent } from "./store.js";

/** A type's number in the table; the log's is named by a partial index and must stay 0. */
const TYPES: readonly EventType[] = ["log", "training_stats_scalar", "training_stats_vector", "training_debug_image", "plot"];

const FIELDS = `e.sequence AS sequence, e.type AS type, e.id AS id, e.iteration AS iteration, e.timestamp AS timestamp, e.value AS value,
  e.extra AS extra, s.metric AS metric, s.variant AS variant`;

const CHARTED = `series = ? AND iteration IS NOT NULL AND iteration <> ${String(SINGLE_VALUE_ITERATION)} AND single IS NOT NULL`;

interface RawRow {
  readonly sequence: number;
  readonly type: number;
  readonly id: Uint8Array;
  readonly iteration: number | null;
  readonly timestamp: number;
  readonly value: number | null;
  readonly extra: string;
  readonly metric: string;
  readonly variant: string;
}

interface SeriesRow {
  readonly number: number;
  readonly type: EventType;
  readonly metric: string;
  readonly variant: string;
}

/** The port's events, in a SQLite file. */
export class SqliteEvents implements EventTable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #entities = new Map<string, number>();
  readonly #seriesNumbers = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  put(events: readonly StoredEvent[]): void {
    const insert = this
      .#prepare(`INSERT INTO events (type, id, entity, series, iteration, timestamp, value, single, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (type, id) DO UPDATE SET entity = excluded.entity, series = excluded.series, iteration = excluded.iteration,
      timestamp = excluded.timestamp, value = excluded.value, single = excluded.single, extra = excluded.extra`);
    for (const event of events) {
      const entity = this.#entity(event.entity, true) ?? 0;
      insert.run(
        TYPES.indexOf(event.type),
        Buffer.from(event.id, "hex"),
        entity,
        this.#series(entity, event),
        event.iteration ?? null,
        event.timestamp,
        event.value ?? null,
        event.value === undefined ? null : Math.fround(event.value),
        JSON.stringify(event.extra),
      );
    }
  }

  series(query: EventQuery): SeriesSummary[] {
    const first = this.#prepare("SELECT 1 FROM events WHERE series = ? LIMIT 1");
    return this.#matching(query)
      .filter(({ number }) => first.get(number) !== undefined)
      .map(({ type, metric, variant }) => ({ type, metric, variant }));
  }

  buckets(entity: string, series: { metric: string; variant: string }, axis: BucketAxis, samples: number): Buckets {
    const [found] = this.#matching({
      entity,
      types: ["training_stats_scalar"],
      metrics: [{ metric: series.metric, variants: [series.variant] }],
    });
    if (!found) return { x: [], y: [] };
    const at = axis === "iter" ? "iteration" : "timestamp";
    const range = this.#prepare(`SELECT count(*) AS n, min(${at}) AS low, max(${at}) AS high FROM events WHERE ${CHARTED}`).get(
      found.number,
    ) as { n: number; low: number | null; high: number | null };
    if (range.low === null || range.high === null) return { x: [], y: [] };
    const width = range.n >= samples ? Math.max(1, Math.ceil((range.high - range.low) / samples)) : 1;
    // Whole-number division rounds towards zero in SQLite; a bucket left of zero must round down like the others.
    const bucket = `CASE WHEN ${at} >= 0 THEN ${at} / CAST(? AS INTEGER) ELSE -((-${at} + CAST(? AS INTEGER) - 1) / CAST(? AS INTEGER)) END`;
    const rows = this.#prepare(
      `SELECT ${bucket} AS bucket, avg(${at}) AS place, avg(single) AS mean FROM events WHERE ${CHARTED} GROUP BY bucket ORDER BY bucket`,
    ).all(width, width, width, found.number) as unknown as {
      bucket: number;
      place: number;
      mean: number;
    }[];
    return { x: rows.map((row) => (axis === "iter" ? row.bucket * width : Math.round(row.place))), y: rows.map((row) => row.mean) };
  }

  byIteration(query: EventQuery, page: Parameters<EventTable["byIteration"]>[1]): EventRow[] {
    const { order, limit, after } = page;
    const direction = order === "asc" ? "ASC" : "DESC";
    const past = after ? `AND (e.iteration, e.sequence) ${order === "asc" ? ">" : "<"} (?, ?)` : "";
    const cursor: SQLInputValue[] = after ? [after.iteration, after.sequence] : [];
    const rows = this.#each(query).flatMap(({ where, values }) =>
      this.#read(
        `${where} AND e.iteration IS NOT NULL ${past} ORDER BY e.iteration ${direction}, e.sequence ${direction} LIMIT ?`,
        [...values, ...cursor, limit],
        query.entity,
      ),
    );
    const sign = order === "asc" ? 1 : -1;
    rows.sort((a, b) => sign * ((a.iteration ?? 0) - (b.iteration ?? 0) || a.sequence - b.sequence));
    if (rows.length >= limit) return rows.slice(0, limit);
    const without = this.#each(query).flatMap(({ where, values }) =>
      this.#read(`${where} AND e.iteration IS NULL ORDER BY e.sequence LIMIT ?`, [...values, limit], query.entity),
    );
    without.sort((a, b) => a.sequence - b.sequence);
    return [...rows, ...without].slice(0, limit);
  }

  logs(query: Omit<EventQuery, "types">, page: Parameters<EventTable["logs"]>[1]): EventRow[] {
    const entity = this.#entity(query.entity, false);
    if (entity === undefined) return [];
    const direction = page.earlier ? "DESC" : "ASC";
    const past = page.earlier ? "<" : ">";
    const filtered = query.metrics && query.metrics.length > 0;
    const numbers = filtered ? JSON.stringify(this.#matching({ ...query, types: ["log"] }).map((one) => one.number)) : "[]";
    const where = `e.entity = ? AND e.type = 0 ${filtered ? "AND e.series IN (SELECT value FROM json_each(?))" : ""}`;
    const values: SQLInputValue[] = filtered ? [entity, numbers] : [entity];
    const from: SQLInputValue[] = page.from === undefined ? [] : [page.from];
    const order = `ORDER BY e.timestamp ${direction}, e.sequence ${direction}`;
    const rows = this.#read(
      `${where} ${page.from === undefined ? "" : `AND e.timestamp ${past} ?`} ${order} LIMIT ?`,
      [...values, ...from, page.limit],
      query.entity,
    );
    const last = rows.at(-1);
    if (!last || rows.length < page.limit) return rows;
    const same = this.#read(
      `${where} AND e.timestamp = ? AND e.sequence ${past} ? ${order}`,
      [...values, last.timestamp, last.sequence],
      query.entity,
    );
    return [...rows, ...same];
  }

  count(query: EventQuery): number {
    const count = this.#prepare("SELECT count(*) AS n FROM events WHERE series = ?");
    return this.#matching(query).reduce((sum, { number }) => sum + (count.get(number) as { n: number }).n, 0);
  }

  delete(query: EventQuery, before?: number): number {
    let deleted = 0;
    for (const { number } of this.#matching(query)) {
      const statement = this.#prepare(`DELETE FROM events WHERE series = ? ${before === undefined ? "" : "AND timestamp < ?"}`);
      deleted += Number((before === undefined ? statement.run(number) : statement.run(number, before)).changes);
    }
    return deleted;
  }

  /** One condition for each piece that an index has in order: a type of the entity, or with a filter each series. */
  #each(query: EventQuery): { where: string; values: SQLInputValue[] }[] {
    const entity = this.#entity(query.entity, false);
    if (entity === undefined) return [];
    if (!query.metrics || query.metrics.length === 0)
      return query.types.map((type) => ({ where: "e.entity = ? AND e.type = ?", values: [entity, TYPES.indexOf(type)] }));
    return this.#matching(query).map(({ number }) => ({ where: "e.series = ?", values: [number] }));
  }

  #matching(query: EventQuery): SeriesRow[] {
    const entity = this.#entity(query.entity, false);
    if (entity === undefined) return [];
    const rows = this.#prepare("SELECT number, type, metric, variant FROM series WHERE entity = ? ORDER BY type, metric, variant").all(
      entity,
    ) as unknown as SeriesRow[];
    return rows.filter((row) => query.types.includes(row.type) && passesFilter(query.metrics, row.metric, row.variant));
  }

  #read(rest: string, values: readonly SQLInputValue[], entity: string): EventRow[] {
    const rows = this.#prepare(`SELECT ${FIELDS} FROM events e JOIN series s ON s.number = e.series WHERE ${rest}`).all(
      ...values,
    ) as unknown as RawRow[];
    return rows.map((row) => ({
      type: TYPES[row.type] ?? "log",
      id: Buffer.from(row.id).toString("hex"),
      entity,
      ...(row.iteration === null ? {} : { iteration: row.iteration }),
      timestamp: row.timestamp,
      metric: row.metric,
      variant: row.variant,
      ...(row.value === null ? {} : { value: row.value }),
      extra: JSON.parse(row.extra) as JsonObject,
      sequence: row.sequence,
    }));
  }

  #entity(id: string, create: boolean): number | undefined {
    const known = this.#entities.get(id);
    if (known !== undefined) return known;
    if (create) this.#prepare("INSERT INTO entities (id) VALUES (?) ON CONFLICT DO NOTHING").run(id);
    const row = this.#prepare("SELECT number FROM entities WHERE id = ?").get(id) as { number: number } | undefined;
    if (row) this.#entities.set(id, row.number);
    return row?.number;
  }

  #series(entity: number, event: StoredEvent): number {
    const key = JSON.stringify([entity, event.type, event.metric, event.variant]);
    const known = this.#seriesNumbers.get(key);
    if (known !== undefined) return known;
    const values: SQLInputValue[] = [entity, event.type, event.metric, event.variant];
    this.#prepare("INSERT INTO series (entity, type, metric, variant) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING").run(...values);
    const { number } = this.#prepare("SELECT number FROM series WHERE entity = ? AND type = ? AND metric = ? AND variant = ?").get(
      ...values,
    ) as { number: number };
    this.#seriesNumbers.set(key, number);
    return number;
  }

  /** Forgets numbers that a rolled-back transaction may have handed out. */
  forgetNumbers(): void {
    this.#entities.clear();
    this.#seriesNumbers.clear();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }
}
