import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/base/errors.js";
import type { EventType, Store, StoredEvent } from "../../src/devserver/store/store.js";
import type { QueueDocument } from "../../src/devserver/store/documents.js";
import { createMemoryStore } from "../../src/devserver/store/memory-store.js";
import { openSqliteStore } from "../../src/devserver/store/sqlite-store.js";
import { eventId } from "../../src/protocol/clearml/identity.js";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "devserver-store-"));
  folders.push(folder);
  return join(folder, "clearml.sqlite");
}

let logs = 0;

function event(fields: Partial<StoredEvent> & { type?: EventType } = {}): StoredEvent {
  const base = {
    type: "training_stats_scalar" as const,
    entity: "t1",
    timestamp: 1000,
    metric: "loss",
    variant: "train",
    extra: {},
    ...fields,
  };
  const id =
    base.type === "log"
      ? (++logs).toString(16).padStart(32, "0")
      : eventId({ task: base.entity, iter: base.iteration, metric: base.metric, variant: base.variant });
  return { id, ...base };
}

const point = (iteration: number, value: number, fields: Partial<StoredEvent> = {}): StoredEvent => event({ iteration, value, ...fields });
const line = (timestamp: number, msg: string, fields: Partial<StoredEvent> = {}): StoredEvent =>
  event({ type: "log", timestamp, metric: "", variant: "", extra: { msg }, ...fields });
const scalars = { entity: "t1", types: ["training_stats_scalar"] as const };
const queue = (id: string, name = id): QueueDocument => ({
  id,
  name,
  user: "u",
  company: "c",
  created: "",
  last_update: "",
  tags: [],
  system_tags: [],
  metadata: {},
  entries: [],
});

const SINGLE = -2_147_483_648;

describe.each([
  ["memory", () => Promise.resolve(createMemoryStore())],
  ["SQLite", async () => openSqliteStore(await newFile())],
] as [string, () => Promise<Store>][])("the store: %s", (_name, open) => {
  it("keeps documents in the order in which they came first", async () => {
    const store = await open();
    for (const id of ["b", "a", "c"]) store.queues.put(queue(id));
    store.queues.put(queue("a", "renamed"));
    expect([...store.queues.values()].map((one) => one.name)).toEqual(["b", "renamed", "c"]);
    expect([store.queues.delete("b"), store.queues.delete("b"), store.queues.get("b")]).toEqual([true, false, undefined]);
    expect(store.queues.get("a")).toEqual(queue("a", "renamed"));
    store.close();
  });

  it("keeps settings and callbacks", async () => {
    const store = await open();
    expect(store.settings.get("x")).toBeUndefined();
    store.settings.set("x", "1");
    store.settings.set("x", "2");
    expect(store.settings.get("x")).toBe("2");
    const callback = {
      path: "/progress",
      received_at: "now",
      headers: { a: "b" },
      idempotency_key: null,
      job_id: "j1",
      body: { n: [1, null] },
    };
    expect([store.callbacks.add(callback).sequence, store.callbacks.add({ ...callback, job_id: null }).sequence]).toEqual([1, 2]);
    expect(store.callbacks.list({ jobId: "j1" })).toEqual([{ ...callback, sequence: 1 }]);
    expect(store.callbacks.list()).toHaveLength(2);
    store.close();
  });

  it("gives events back as they came, fields of any kind included", async () => {
    const store = await open();
    const full = point(3, 0.1 + 0.2, { extra: { worker: "w", deep: { list: [1, "x", null] } } });
    store.events.put([full]);
    expect(store.events.byIteration(scalars, { order: "asc", limit: 10 })).toEqual([{ ...full, sequence: expect.any(Number) }]);
    store.close();
  });

  it("puts a later event of the same identity in the earlier one's place, within a batch too, whatever else it says", async () => {
    const store = await open();
    store.events.put([point(1, 1), point(2, 2), point(1, 3)]);
    store.events.put([point(2, 4, { timestamp: 5 })]);
    const collision = { ...point(7, 7, { metric: "other" }), id: point(1, 0).id };
    store.events.put([collision]);
    const rows = store.events.byIteration(scalars, { order: "asc", limit: 10 });
    expect(rows.map(({ metric, iteration, value }) => [metric, iteration, value])).toEqual([
      ["loss", 2, 4],
      ["other", 7, 7],
    ]);
    expect(store.events.series(scalars)).toEqual([
      { type: "training_stats_scalar", metric: "loss", variant: "train" },
      { type: "training_stats_scalar", metric: "other", variant: "train" },
    ]);
    store.close();
  });

  it("lists series by name, and only those with events", async () => {
    const store = await open();
    store.events.put([
      point(1, 1, { metric: "b" }),
      point(1, 1, { metric: "B" }),
      point(1, 1, { metric: "a", variant: "é" }),
      point(1, 1, { metric: "a", variant: "z" }),
      point(1, 1, { entity: "t2", metric: "c" }),
    ]);
    expect(store.events.series(scalars).map(({ metric, variant }) => `${metric}/${variant}`)).toEqual(["B/train", "a/z", "a/é", "b/train"]);
    expect(
      store.events
        .series({ ...scalars, metrics: [{ metric: "a", variants: ["z"] }, { metric: "b" }] })
        .map(({ metric, variant }) => `${metric}/${variant}`),
    ).toEqual(["a/z", "b/train"]);
    store.events.delete({ ...scalars, metrics: [{ metric: "b" }] });
    expect(store.events.series(scalars).map(({ metric }) => metric)).toEqual(["B", "a", "a"]);
    store.close();
  });

  it("pages by iteration in both directions, over all series or some", async () => {
    const store = await open();
    store.events.put([point(3, 1), point(1, 1), point(2, 1, { variant: "val" }), point(2, 1), event({ value: 9 })]);
    const read = (order: "asc" | "desc", limit: number, metrics?: { metric: string; variants?: string[] }[]): unknown[][] => {
      const pages: unknown[][] = [];
      let after: { iteration: number; sequence: number } | undefined;
      for (let turn = 0; turn < 5; turn += 1) {
        const rows = store.events.byIteration({ ...scalars, metrics }, { order, limit, after });
        pages.push(rows.map((row) => `${String(row.iteration)}${row.variant === "val" ? "v" : ""}`));
        const last = rows.at(-1);
        if (last?.iteration === undefined) break;
        after = { iteration: last.iteration, sequence: last.sequence };
      }
      return pages;
    };
    expect(read("asc", 2)).toEqual([["1", "2v"], ["2", "3"], ["undefined"]]);
    expect(read("desc", 2)).toEqual([["3", "2"], ["2v", "1"], ["undefined"]]);
    expect(read("asc", 9, [{ metric: "loss", variants: ["val"] }])).toEqual([["2v"], []]);
    store.close();
  });

  it("averages a line down to buckets that are aligned to their width, also left of zero", async () => {
    const store = await open();
    const { events } = store;
    events.put([-4, -3, -1, 0, 1, 2, 5].map((iteration) => point(iteration, iteration, { timestamp: 10_000 + iteration })));
    events.put([point(SINGLE, 100), event({ value: 100, variant: "none" }), event({ iteration: 9 })]);
    const loss = { metric: "loss", variant: "train" };
    expect(events.buckets("t1", loss, "iter", 100)).toEqual({ x: [-4, -3, -1, 0, 1, 2, 5], y: [-4, -3, -1, 0, 1, 2, 5] });
    // ceil((5 - -4) / 3) = 3 wide: [-6,-4] [-3,-1] [0,2] [3,5]
    expect(events.buckets("t1", loss, "iter", 3)).toEqual({ x: [-6, -3, 0, 3], y: [-4, -2, 1, 5] });
    expect(events.buckets("t1", loss, "timestamp", 100).x).toEqual([9996, 9997, 9999, 10_000, 10_001, 10_002, 10_005]);
    expect(events.buckets("t1", { metric: "none", variant: "x" }, "iter", 10)).toEqual({ x: [], y: [] });
    expect(events.buckets("t9", loss, "iter", 10)).toEqual({ x: [], y: [] });
    store.close();
  });

  it("averages values as 32-bit floats and gives single events back exactly", async () => {
    const store = await open();
    store.events.put([point(1, 0.1)]);
    expect(store.events.buckets("t1", { metric: "loss", variant: "train" }, "iter", 10).y).toEqual([Math.fround(0.1)]);
    expect(store.events.byIteration(scalars, { order: "asc", limit: 1 })[0]!.value).toBe(0.1);
    store.close();
  });

  it("reads console lines by time, never between lines of one moment", async () => {
    const store = await open();
    store.events.put([
      line(3, "c"),
      line(1, "a"),
      line(2, "b1"),
      line(2, "b2"),
      line(2, "b3", { metric: "other" }),
      line(9, "foreign", { entity: "t2" }),
    ]);
    const read = (page: { earlier: boolean; limit: number; from?: number }, metrics?: { metric: string }[]): unknown[] =>
      store.events.logs({ entity: "t1", metrics }, page).map((row) => row.extra["msg"]);
    expect(read({ earlier: false, limit: 2 })).toEqual(["a", "b1", "b2", "b3"]);
    expect(read({ earlier: true, limit: 2 })).toEqual(["c", "b3", "b2", "b1"]);
    expect(read({ earlier: false, limit: 9, from: 2 })).toEqual(["c"]);
    expect(read({ earlier: true, limit: 9, from: 2 })).toEqual(["a"]);
    expect(read({ earlier: false, limit: 9 }, [{ metric: "other" }])).toEqual(["b3"]);
    expect(read({ earlier: true, limit: 2 }, [{ metric: "" }])).toEqual(["c", "b2", "b1"]);
    store.close();
  });

  it("counts and deletes by entity, type, metric and age", async () => {
    const store = await open();
    store.events.put([
      point(1, 1),
      point(2, 1, { metric: "acc", timestamp: 5 }),
      line(1, "a"),
      line(9, "b"),
      point(1, 1, { entity: "t2" }),
    ]);
    expect([store.events.count(scalars), store.events.count({ ...scalars, metrics: [{ metric: "acc" }] })]).toEqual([2, 1]);
    expect(store.events.delete({ entity: "t1", types: ["log"] }, 9)).toBe(1);
    expect(store.events.delete(scalars)).toBe(2);
    expect([
      store.events.count({ entity: "t1", types: ["log"] }),
      store.events.count({ ...scalars, entity: "t2" }),
      store.events.count(scalars),
    ]).toEqual([1, 1, 0]);
    store.close();
  });
});

describe("both stores", () => {
  it("answer alike, whatever was written and in whatever order", async () => {
    const events = fc.array(
      fc.record({
        iteration: fc.option(fc.integer({ min: -20, max: 40 }), { nil: undefined }),
        value: fc.option(fc.integer({ min: -8, max: 8 }), { nil: undefined }),
        timestamp: fc.integer({ min: 0, max: 30 }),
        metric: fc.constantFrom("a", "b"),
        variant: fc.constantFrom("", "x"),
        isLog: fc.boolean(),
      }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 30 }), async (given, size, from) => {
        const stores = [createMemoryStore(), await openSqliteStore(":memory:")];
        const batch = given.map(({ isLog, iteration, value, ...rest }) =>
          event({
            ...rest,
            ...(isLog
              ? { type: "log" as const }
              : { ...(value === undefined ? {} : { value }), ...(iteration === undefined ? {} : { iteration }) }),
          }),
        );
        const [memory, sqlite] = stores.map(({ events: table }) => {
          for (let at = 0; at < batch.length; at += 7) table.put(batch.slice(at, at + 7));
          const all = { entity: "t1", types: ["training_stats_scalar", "log"] as const };
          const first = table.byIteration(scalars, { order: "asc", limit: size });
          const last = first.at(-1);
          return {
            series: table.series(all),
            asc: first,
            next:
              last?.iteration === undefined
                ? []
                : table.byIteration(scalars, { order: "asc", limit: size, after: { iteration: last.iteration, sequence: last.sequence } }),
            desc: table.byIteration({ ...scalars, metrics: [{ metric: "a" }] }, { order: "desc", limit: size }),
            earlier: table.logs({ entity: "t1" }, { earlier: true, limit: size, from }),
            later: table.logs({ entity: "t1", metrics: [{ metric: "b" }] }, { earlier: false, limit: size, from }),
            lines: table
              .series(scalars)
              .map((one) => [table.buckets("t1", one, "iter", size), table.buckets("t1", one, "timestamp", size)]),
            deleted: table.delete({ ...all, metrics: [{ metric: "a" }] }, from),
            left: table.count(all),
          };
        });
        for (const store of stores) store.close();
        const anonymous = (state: unknown): unknown =>
          JSON.parse(
            JSON.stringify(state, (key, value: unknown) =>
              key === "sequence" ? undefined : typeof value === "number" ? Math.round(value * 1e9) / 1e9 : value,
            ),
          );
        expect(anonymous(sqlite)).toEqual(anonymous(memory));
      }),
      { numRuns: 60 },
    );
  });
});

describe("the SQLite file", () => {
  it("holds everything for the next server", async () => {
    const file = await newFile();
    const first = await openSqliteStore(file);
    first.transaction(() => {
      first.queues.put(queue("b"));
      first.queues.put(queue("a"));
      first.events.put([point(1, 0.5)]);
      first.settings.set("x", "1");
    });
    first.close();
    const second = await openSqliteStore(file);
    expect([...second.queues.values()].map((one) => one.id)).toEqual(["b", "a"]);
    second.events.put([point(1, 0.7), point(2, 1)]);
    expect(second.events.byIteration(scalars, { order: "asc", limit: 9 }).map((row) => row.value)).toEqual([0.7, 1]);
    expect(second.settings.get("x")).toBe("1");
    second.close();
  });

  it("forgets what a failed transaction wrote, in the file and in memory", async () => {
    const store = await openSqliteStore(await newFile());
    store.queues.put(queue("kept"));
    expect(() =>
      store.transaction(() => {
        store.queues.put(queue("kept", "changed"));
        store.queues.put(queue("new"));
        store.events.put([point(1, 1, { entity: "t9" })]);
        throw new Error("no");
      }),
    ).toThrow("no");
    expect([...store.queues.values()].map((one) => one.name)).toEqual(["kept"]);
    store.events.put([point(1, 1, { entity: "t9" })]);
    expect(store.events.count({ ...scalars, entity: "t9" })).toBe(1);
    store.close();
  });

  it("is refused while another server has it, when it is something else, and when it is newer", async () => {
    const file = await newFile();
    const first = await openSqliteStore(file);
    await expect(openSqliteStore(file)).rejects.toThrow(/another server has it open/);
    first.close();
    const { DatabaseSync } = await import("node:sqlite");
    const newer = new DatabaseSync(file);
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    await expect(openSqliteStore(file)).rejects.toThrow(/has version 99/);
    const { writeFile } = await import("node:fs/promises");
    const other = await newFile();
    await writeFile(other, "this is no database, but a text of some length".repeat(50));
    await expect(openSqliteStore(other)).rejects.toBeInstanceOf(ConfigError);
  });
});
