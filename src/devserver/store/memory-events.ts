/** Events in memory: one table for each entity and type, sorted when it is read after a write out of order. */
import { SINGLE_VALUE_ITERATION } from "../../protocol/clearml/limits.js";
import { passesFilter } from "./store.js";
import type { BucketAxis, Buckets, EventQuery, EventRow, EventTable, EventType, StoredEvent } from "./store.js";

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const rank = (row: EventRow): number => row.iteration ?? Number.POSITIVE_INFINITY;

function compareIteration(a: EventRow, b: EventRow): number {
  const left = rank(a);
  const right = rank(b);
  return left === right ? a.sequence - b.sequence : left < right ? -1 : 1;
}

function compareTime(a: EventRow, b: EventRow): number {
  return a.timestamp - b.timestamp || a.sequence - b.sequence;
}

/** Rows kept in an order: pushing in order is free, anything else costs one sort at the next read. */
class SortedRows {
  readonly #compare: (a: EventRow, b: EventRow) => number;
  #rows: EventRow[] = [];
  #dirty = false;

  constructor(compare: (a: EventRow, b: EventRow) => number) {
    this.#compare = compare;
  }

  add(row: EventRow): void {
    const last = this.#rows.at(-1);
    if (last && this.#compare(last, row) > 0) this.#dirty = true;
    this.#rows.push(row);
  }

  get size(): number {
    return this.#rows.length;
  }

  remove(gone: ReadonlySet<EventRow>): void {
    this.#rows = this.#rows.filter((row) => !gone.has(row));
  }

  read(): readonly EventRow[] {
    if (this.#dirty) this.#rows.sort(this.#compare);
    this.#dirty = false;
    return this.#rows;
  }
}

/** One entity's events of one type. */
class TypeTable {
  readonly byId = new Map<string, EventRow>();
  readonly series = new Map<string, { metric: string; variant: string; rows: SortedRows }>();
  readonly all: SortedRows;
  readonly #isLog: boolean;

  constructor(type: EventType) {
    this.#isLog = type === "log";
    this.all = new SortedRows(this.#isLog ? compareTime : compareIteration);
  }

  add(row: EventRow): void {
    this.byId.set(row.id, row);
    this.all.add(row);
    const key = JSON.stringify([row.metric, row.variant]);
    let series = this.series.get(key);
    if (!series) {
      series = { metric: row.metric, variant: row.variant, rows: new SortedRows(this.#isLog ? compareTime : compareIteration) };
      this.series.set(key, series);
    }
    series.rows.add(row);
  }

  remove(gone: ReadonlySet<EventRow>): void {
    for (const row of gone) this.byId.delete(row.id);
    this.all.remove(gone);
    for (const [key, series] of this.series) {
      series.rows.remove(gone);
      if (series.rows.read().length === 0) this.series.delete(key);
    }
  }
}

/** First index of the sorted rows for which `isPast` holds. */
function firstIndex(rows: readonly EventRow[], isPast: (row: EventRow) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && isPast(row)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** True when the row keeps its place in every order, as it does for all but contrived identities. */
function isSamePlace(row: EventRow, event: StoredEvent): boolean {
  return (
    row.iteration === event.iteration &&
    row.metric === event.metric &&
    row.variant === event.variant &&
    (row.type !== "log" || row.timestamp === event.timestamp)
  );
}

/** Writes an event over a row without moving it: a row is this table's own, and never handed out for keeps. */
function overwrite(row: { -readonly [K in keyof EventRow]: EventRow[K] }, event: StoredEvent): void {
  row.timestamp = event.timestamp;
  row.extra = event.extra;
  delete row.value;
  if (event.value !== undefined) row.value = event.value;
}

/** The port's events, in memory. */
export class MemoryEvents implements EventTable {
  readonly #entities = new Map<string, Map<EventType, TypeTable>>();
  #sequence = 0;

  put(events: readonly StoredEvent[]): void {
    const replaced = new Map<TypeTable, Set<EventRow>>();
    const added = new Map<TypeTable, Map<string, EventRow>>();
    for (const event of events) {
      const table = this.#table(event.entity, event.type);
      const fresh = added.get(table) ?? new Map<string, EventRow>();
      added.set(table, fresh);
      const old = fresh.get(event.id) ?? table.byId.get(event.id);
      if (old && isSamePlace(old, event)) {
        overwrite(old, event);
        continue;
      }
      if (old && !fresh.has(event.id)) replaced.set(table, (replaced.get(table) ?? new Set<EventRow>()).add(old));
      fresh.set(event.id, { ...event, sequence: old?.sequence ?? ++this.#sequence });
    }
    for (const [table, gone] of replaced) table.remove(gone);
    for (const [table, fresh] of added) for (const row of fresh.values()) table.add(row);
  }

  series(query: EventQuery): ReturnType<EventTable["series"]> {
    return [...this.#tables(query)]
      .flatMap(([type, table]) =>
        [...table.series.values()]
          .filter((one) => passesFilter(query.metrics, one.metric, one.variant))
          .map((one) => ({ type, metric: one.metric, variant: one.variant })),
      )
      .sort((a, b) => byText(a.type, b.type) || byText(a.metric, b.metric) || byText(a.variant, b.variant));
  }

  buckets(entity: string, series: { metric: string; variant: string }, axis: BucketAxis, samples: number): Buckets {
    const found = this.#entities
      .get(entity)
      ?.get("training_stats_scalar")
      ?.series.get(JSON.stringify([series.metric, series.variant]));
    const points: { at: number; iteration: number; value: number }[] = [];
    for (const row of found?.rows.read() ?? []) {
      if (row.iteration === undefined || row.iteration === SINGLE_VALUE_ITERATION || row.value === undefined) continue;
      points.push({ at: axis === "iter" ? row.iteration : row.timestamp, iteration: row.iteration, value: Math.fround(row.value) });
    }
    if (axis === "timestamp") points.sort((a, b) => a.at - b.at);
    const first = points[0];
    const last = points.at(-1);
    const width = first && last && points.length >= samples ? Math.max(1, Math.ceil((last.at - first.at) / samples)) : 1;
    const x: number[] = [];
    const y: number[] = [];
    let start = 0;
    while (start < points.length) {
      const bucket = Math.floor((points[start]?.at ?? 0) / width);
      let end = start;
      let values = 0;
      let places = 0;
      for (let point = points[end]; point && Math.floor(point.at / width) === bucket; point = points[++end]) {
        values += point.value;
        places += point.at;
      }
      const size = end - start;
      x.push(axis === "iter" ? bucket * width : Math.round(places / size));
      y.push(values / size);
      start = end;
    }
    return { x, y };
  }

  byIteration(query: EventQuery, page: Parameters<EventTable["byIteration"]>[1]): EventRow[] {
    const { order, limit, after } = page;
    const found: EventRow[] = [];
    for (const [, table] of this.#tables(query)) {
      const rows = table.all.read();
      const withIteration = firstIndex(rows, (row) => row.iteration === undefined);
      const past = (row: EventRow): boolean =>
        after !== undefined && (rank(row) > after.iteration || (rank(row) === after.iteration && row.sequence > after.sequence));
      const notBefore = (row: EventRow): boolean =>
        after !== undefined && (rank(row) > after.iteration || (rank(row) === after.iteration && row.sequence >= after.sequence));
      let taken = 0;
      const take = (row: EventRow | undefined): boolean => {
        if (row && passesFilter(query.metrics, row.metric, row.variant)) {
          found.push(row);
          taken += 1;
        }
        return taken < limit;
      };
      if (order === "asc") for (let at = after ? firstIndex(rows, past) : 0; at < withIteration && take(rows[at]); at += 1);
      else
        for (
          let at = (after ? Math.min(withIteration, firstIndex(rows, notBefore)) : withIteration) - 1;
          at >= 0 && take(rows[at]);
          at -= 1
        );
      for (let at = withIteration; at < rows.length && taken < limit; at += 1) take(rows[at]);
    }
    const direction = order === "asc" ? 1 : -1;
    found.sort((a, b) =>
      a.iteration === undefined || b.iteration === undefined ? compareIteration(a, b) : direction * compareIteration(a, b),
    );
    return found.slice(0, limit);
  }

  logs(query: Omit<EventQuery, "types">, page: Parameters<EventTable["logs"]>[1]): EventRow[] {
    const rows = this.#entities.get(query.entity)?.get("log")?.all.read() ?? [];
    const { from } = page;
    const found: EventRow[] = [];
    const step = page.earlier ? -1 : 1;
    let at = page.earlier
      ? (from === undefined ? rows.length : firstIndex(rows, (row) => row.timestamp >= from)) - 1
      : from === undefined
        ? 0
        : firstIndex(rows, (row) => row.timestamp > from);
    for (let row = rows[at]; row; row = rows[(at += step)]) {
      if (found.length >= page.limit && row.timestamp !== found.at(-1)?.timestamp) break;
      if (passesFilter(query.metrics, row.metric, row.variant)) found.push(row);
    }
    return found;
  }

  count(query: EventQuery): number {
    let count = 0;
    for (const [, table] of this.#tables(query)) {
      for (const one of table.series.values()) if (passesFilter(query.metrics, one.metric, one.variant)) count += one.rows.size;
    }
    return count;
  }

  delete(query: EventQuery, before?: number): number {
    let deleted = 0;
    for (const [, table] of this.#tables(query)) {
      const gone = new Set(
        table.all
          .read()
          .filter((row) => passesFilter(query.metrics, row.metric, row.variant) && (before === undefined || row.timestamp < before)),
      );
      table.remove(gone);
      deleted += gone.size;
    }
    return deleted;
  }

  #table(entity: string, type: EventType): TypeTable {
    let types = this.#entities.get(entity);
    if (!types) this.#entities.set(entity, (types = new Map<EventType, TypeTable>()));
    let table = types.get(type);
    if (!table) types.set(type, (table = new TypeTable(type)));
    return table;
  }

  *#tables(query: EventQuery): Iterable<[EventType, TypeTable]> {
    for (const [type, table] of this.#entities.get(query.entity) ?? []) if (query.types.includes(type)) yield [type, table];
  }
}
