/** What one process leaves and the next one finds: on a real folder, through the outbox alone. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Outbox, type OutboxOptions } from "../../../src/outbox/outbox.js";
import type { Delivery, Uploader } from "../../../src/outbox/sink.js";
import type { RecordDraft } from "../../../src/records/record.js";
import { eventually, FakeClock } from "../../support/fake-clock.js";
import { MemorySink } from "../../support/memory-sink.js";
import { aDraft } from "../../support/records.js";

const unreachable: Delivery = { status: "retry", cause: "unreachable", reason: "down" };
const answered: Delivery = { status: "retry", cause: "answered", reason: "500" };

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "restart-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function open(sinks: readonly MemorySink[], options: Partial<OutboxOptions> = {}): Promise<Outbox> {
  return await Outbox.open({ directory, sinks, strict: true, random: () => 1, ...options });
}

/** Closes at once, leaving what waits: time enough for the disk, none for the network. */
const leave = (outbox: Outbox): Promise<unknown> => outbox.close({ deadlineMs: 0 });

async function aPinned(outbox: Outbox, name: string, replaceKey?: string): Promise<RecordDraft & { readonly path: string }> {
  const pins = outbox.pinDirectory ?? "";
  await mkdir(pins, { recursive: true });
  const path = join(pins, name);
  await writeFile(path, "weights");
  return {
    ...aDraft(name, { attachment: { path, pinned: true, sizeBytes: 7, ...(replaceKey === undefined ? {} : { replaceKey }) } }),
    path,
  };
}

describe("the next process on a folder", () => {
  it("delivers what the last one could not, once, in order, as possibly arrived, and goes on numbering", async () => {
    const down = new MemorySink();
    down.answer = () => unreachable;
    const up = new MemorySink({ name: "up" });
    const first = await open([down, up]);
    for (let index = 0; index < 3; index++) first.append(aDraft());
    expect(await first.close({ deadlineMs: 300 })).toEqual({
      complete: false,
      sinks: { memory: { delivered: 0, pending: 3, rejected: 0 }, up: { delivered: 3, pending: 0, rejected: 0 } },
      journalPath: directory,
    });

    const [sink, upAgain] = [new MemorySink(), new MemorySink({ name: "up" })];
    const second = await open([sink, upAgain]);
    expect([second.runId, second.nextSequence]).toEqual([first.runId, 4]);
    second.append(aDraft());
    expect(await second.close()).toMatchObject({ complete: true });
    expect(sink.sequences).toEqual([1, 2, 3, 4]);
    expect(sink.batches[0]?.ambiguous).toBe(true);
    expect(upAgain.sequences).toEqual([4]);
    expect(upAgain.batches[0]?.ambiguous).toBe(false);

    const third = new MemorySink();
    expect(await (await open([third])).close()).toMatchObject({ complete: true, sinks: { memory: { delivered: 0, pending: 0 } } });
  });

  it("opens a sink as possibly open already", async () => {
    const seen: boolean[] = [];
    const sink = (): MemorySink =>
      new MemorySink({ open: ({ ambiguous }) => Promise.resolve((seen.push(ambiguous), { status: "delivered" } as const)) });
    for (let process = 0; process < 2; process++) {
      const outbox = await open([sink()]);
      outbox.append(aDraft());
      await outbox.close();
    }
    expect(seen).toEqual([false, true]);
  });

  it("remembers what sinks remembered", async () => {
    const first = await open([]);
    await first.memory("trainer").set("task", { id: "abc" });
    void first.memory("trainer").set("other", 1);
    await leave(first);
    const second = await open([]);
    expect([second.memory("trainer").get("task"), second.memory("trainer").get("other")]).toEqual([{ id: "abc" }, 1]);
    await leave(second);
  });

  it("keeps what a sink is owed that is not configured for a while", async () => {
    const sink = new MemorySink();
    sink.answer = () => unreachable;
    const first = await open([sink]);
    first.append(aDraft());
    await leave(first);
    const without = await open([]);
    without.append(aDraft());
    expect(await without.close()).toMatchObject({ complete: true });
    const back = new MemorySink();
    await (await open([back])).close();
    expect(back.sequences).toEqual([1, 2]);
  });

  it("does not start an answered failure's budget anew, even when its clock was set back meanwhile", async () => {
    const options = { answeredBudgetMs: 3_600_000 };
    const sink = new MemorySink();
    sink.answer = () => answered;
    const startMs = Date.UTC(2026, 5, 1);
    const attempt = async (nowMs: number): Promise<readonly { readonly reason: string }[]> => {
      const clock = new FakeClock(nowMs);
      const outbox = await open([sink], { ...options, clock });
      const before = sink.batches.length;
      if (nowMs === startMs) outbox.append(aDraft());
      void outbox.flush();
      await eventually(() => sink.batches.length > before);
      // The attempt has come back once the sink waits for its next turn, or has nothing left.
      await eventually(() => outbox.stats().sinks["memory"]?.state === "waiting" || outbox.stats().sinks["memory"]?.pending === 0);
      const letters = await outbox.deadLetters();
      const closed = outbox.close({ deadlineMs: 0 });
      await clock.advance(0);
      await closed;
      return letters;
    };
    expect(await attempt(startMs)).toEqual([]);
    expect(await attempt(startMs - 10 * 3_600_000)).toEqual([]);
    expect(await attempt(startMs + 3_599_999)).toEqual([]);
    expect(await attempt(startMs + 3_600_000)).toMatchObject([{ reason: "budget-spent" }]);
  });

  it("lists dead letters of the last one and puts them back in line, with id and number", async () => {
    const sink = new MemorySink();
    sink.answer = () => ({ status: "rejected", reason: "no" });
    const first = await open([sink]);
    const ids = [first.append(aDraft()), first.append(aDraft())].map(({ record }) => record.id);
    await first.close();
    const again = new MemorySink();
    const second = await open([again]);
    expect((await second.deadLetters()).map(({ record, detail }) => [record.id, detail])).toEqual(ids.map((id) => [id, "no"]));
    expect(await second.replay(({ record }) => record.sequence === 1)).toBe(1);
    expect(await second.close()).toMatchObject({ complete: true });
    expect(again.delivered.map(({ id }) => id)).toEqual([ids[0]]);
    expect(again.batches[0]?.ambiguous).toBe(true);
    const third = await open([new MemorySink()]);
    expect((await third.deadLetters()).map(({ record }) => record.id)).toEqual([ids[1]]);
    await third.close();
  });

  it("delivers what was put back in line and not delivered", async () => {
    const sink = new MemorySink();
    sink.answer = () => ({ status: "rejected", reason: "no" });
    const first = await open([sink]);
    first.append(aDraft());
    await first.flush();
    sink.answer = () => unreachable;
    expect(await first.replay()).toBe(1);
    await leave(first);
    const again = new MemorySink();
    await (await open([again])).close();
    expect(again.sequences).toEqual([1]);
  });

  it("leaves letters of sinks that it does not have", async () => {
    const sink = new MemorySink();
    sink.answer = () => ({ status: "rejected", reason: "no" });
    const first = await open([sink]);
    first.append(aDraft());
    await first.close();
    const second = await open([]);
    expect(await second.replay()).toBe(0);
    expect(await second.deadLetters()).toHaveLength(1);
    await second.close();
  });
});

describe("pinned copies", () => {
  const uploads = (outcome: Delivery): Uploader => ({ upload: () => Promise.resolve(outcome) });

  it("are removed once they are stored and that is noted, and not before", async () => {
    const first = await open([], { uploader: uploads(unreachable) });
    const { path, ...draft } = await aPinned(first, "a");
    await first.append(draft).durable;
    expect(first.stats().journal.pinnedBytes).toBe(7);
    await leave(first);
    expect(existsSync(path)).toBe(true);
    const sink = new MemorySink();
    const second = await open([sink], { uploader: uploads({ status: "delivered" }) });
    expect(second.stats().uploads.pending).toBe(1);
    expect(await second.close()).toMatchObject({ complete: true });
    expect([existsSync(path), second.stats().journal.pinnedBytes, sink.sequences]).toEqual([false, 0, [1]]);
  });

  it("are removed when a newer one takes their place, also across processes", async () => {
    const first = await open([], { uploader: uploads(unreachable) });
    const older = await aPinned(first, "older", "last");
    await first.append({ fact: older.fact, traits: older.traits }).durable;
    await leave(first);
    const second = await open([], { uploader: uploads(unreachable) });
    const newer = await aPinned(second, "newer", "last");
    const { record } = second.append({ fact: newer.fact, traits: newer.traits });
    await eventually(() => second.stats().uploads.superseded === 1);
    await leave(second);
    await second.outcome(record);
    expect([existsSync(older.path), existsSync(newer.path)]).toEqual([false, true]);
  });

  it("stay for a failed upload that a person may put back, which then goes its way", async () => {
    const first = await open([new MemorySink()], { uploader: uploads({ status: "rejected", reason: "denied" }) });
    const { path, ...draft } = await aPinned(first, "best");
    first.append(draft);
    await first.close();
    expect(existsSync(path)).toBe(true);
    const sink = new MemorySink();
    const second = await open([sink], { uploader: uploads({ status: "delivered" }) });
    expect(second.stats().journal.pinnedBytes).toBe(7);
    expect(await second.replay()).toBe(1);
    expect(await second.close()).toMatchObject({ complete: true });
    expect([sink.sequences, existsSync(path), await second.deadLetters()]).toEqual([[1], false, []]);
  });

  it("that no record speaks of are swept when the folder is opened; nothing else is", async () => {
    const first = await open([], { uploader: uploads(unreachable) });
    const { path, ...draft } = await aPinned(first, "wanted");
    const orphan = await aPinned(first, "orphan");
    await first.append(draft).durable;
    await leave(first);
    await writeFile(join(directory, "a-note-of-the-user"), "");
    const second = await open([], { uploader: uploads(unreachable) });
    expect([existsSync(path), existsSync(orphan.path)]).toEqual([true, false]);
    await leave(second);
    expect(await readdir(directory)).toContain("a-note-of-the-user");
  });

  it("of a record that is refused are removed at once", async () => {
    const outbox = await open([]);
    const { path, ...draft } = await aPinned(outbox, "late");
    await outbox.close();
    expect(await outbox.append(draft).durable).toMatchObject({ status: "rejected" });
    await eventually(() => !existsSync(path));
  });
});

describe("a journal longer than memory is to hold", () => {
  it("is read back from the disk, in order, by a lane that was behind", async () => {
    const sink = new MemorySink({ limits: { maxRecords: 500, maxBytes: 1024 * 1024 } });
    sink.answer = () => unreachable;
    const outbox = await open([sink]);
    const text = "x".repeat(2_000);
    const count = 5_000;
    for (let index = 0; index < count; index++) {
      const { durable } = outbox.append(aDraft(text));
      if (index % 500 === 499) await durable;
    }
    sink.answer = undefined;
    expect(await outbox.close()).toMatchObject({ complete: true });
    expect(sink.sequences).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });
});
