/** A disk that gives no answer: it is given up after a while, and what wakes later has no part in what follows. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DISK_PAUSE_MS, HANG_PAUSE_MS } from "../../../src/outbox/group-commit.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import { DISK_TIMEOUT_MS } from "../../../src/outbox/within-time.js";
import { eventually, FakeClock, settle } from "../../support/fake-clock.js";
import { MemorySink } from "../../support/memory-sink.js";
import { appendTo, openJournal } from "../../support/open-journal.js";
import { aDraft } from "../../support/records.js";
import { faultIn, TestDisk, type DiskOperation } from "../../support/test-disk.js";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hanging-disk-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A journal that has given up a line, "old", because its disk hangs in an operation; `wake` ends that. */
async function gaveUp(disk: TestDisk, operation: DiskOperation) {
  const { journal, clock } = await openJournal(directory, { disk: disk.mount(), segmentBytes: 1 });
  await journal.noteDurably({ k: "i", n: "a" });
  const hang = Promise.withResolvers<void>();
  disk.fault = faultIn([operation], hang.promise);
  const late = journal.noteDurably({ k: "m", n: "a", key: "task", v: "old" });
  await clock.advance(DISK_TIMEOUT_MS);
  expect(await late).toMatchObject({ status: "volatile" });
  return { journal, clock, wake: hang.resolve };
}

describe("a disk that hangs", () => {
  it("counts as broken after a while: records go on from memory", async () => {
    const disk = new TestDisk();
    const { journal, clock, committed } = await openJournal(directory, { disk: disk.mount() });
    await journal.noteDurably({ k: "i", n: "a" });
    disk.fault = faultIn(["sync"], "hang");
    const { kept } = appendTo(journal, 1);
    await clock.advance(DISK_TIMEOUT_MS - 1);
    expect(committed).toEqual([]);
    await clock.advance(1);
    expect(await kept).toMatchObject({ status: "volatile" });
    expect(committed).toEqual([1]);
    disk.fault = undefined;
    await clock.advance(HANG_PAUSE_MS);
    expect(await appendTo(journal, 2).kept).toEqual({ status: "durable" });
    disk.crash((max) => (max === 1 ? 1 : 0));
    expect((await openJournal(directory, { disk: disk.mount() })).journal.ledger.pending("a").ranges()).toEqual([[1, 2]]);
  });

  it("has no part in what follows when a write that was given up wakes at the end of a file", async () => {
    const disk = new TestDisk();
    // The next line begins another file, and the end of this one hangs.
    const { journal, clock, wake } = await gaveUp(disk, "sync");
    disk.fault = undefined;
    await clock.advance(HANG_PAUSE_MS);
    expect(await journal.noteDurably({ k: "m", n: "a", key: "task", v: "new" })).toEqual({ status: "durable" });
    wake();
    await settle(50);
    disk.crash((max) => (max === 1 ? 1 : 0));
    const again = await openJournal(directory, { disk: disk.mount() });
    expect(again.journal.ledger.recall("a", "task")).toBe("new");
  });

  it("does not spoil the lines of others when a file that was given up is there at last", async () => {
    const disk = new TestDisk();
    const { journal, clock, wake } = await gaveUp(disk, "create");
    const slow = Promise.withResolvers<void>();
    disk.fault = faultIn(["write"], slow.promise);
    await clock.advance(HANG_PAUSE_MS);
    const kept = journal.noteDurably({ k: "m", n: "a", key: "task", v: "new, and longer than before" });
    await settle(50);
    journal.note({ k: "m", n: "a", key: "another", v: "noted meanwhile" });
    disk.fault = undefined;
    wake();
    await settle(50);
    slow.resolve();
    expect(await kept).toEqual({ status: "durable" });
    await settle(50);
    disk.crash((max) => (max === 1 ? 1 : 0));
    const again = await openJournal(directory, { disk: disk.mount() });
    expect([again.journal.corruptLines, again.journal.ledger.recall("a", "task")]).toEqual([0, "new, and longer than before"]);
  });

  it("is not asked again and again meanwhile: each call that hangs takes a thread that the whole process needs", async () => {
    const disk = new TestDisk();
    const { journal, clock } = await openJournal(directory, { disk: disk.mount() });
    const hang = Promise.withResolvers<void>();
    disk.fault = faultIn(["sync", "write", "create", "syncFolder"], hang.promise);
    const before = disk.operations;
    for (let sequence = 1; sequence <= 20; sequence++) {
      const { kept } = appendTo(journal, sequence);
      await clock.advance(DISK_TIMEOUT_MS + DISK_PAUSE_MS);
      expect(await kept).toMatchObject({ status: "volatile" });
    }
    expect(disk.operations - before).toBe(1);
    // The disk is back.
    disk.fault = undefined;
    hang.resolve();
    await clock.advance(DISK_PAUSE_MS);
    expect(await appendTo(journal, 21).kept).toEqual({ status: "durable" });
  });

  it("does not keep close past its deadline and a moment, and every promise resolves", async () => {
    const disk = new TestDisk();
    const clock = new FakeClock();
    const sink = new MemorySink();
    const outbox = await Outbox.open({ directory, sinks: [sink], clock, disk: disk.mount(), strict: true });
    await outbox.append(aDraft()).durable;
    disk.fault = faultIn(["sync", "write"], "hang");
    const { durable } = outbox.append(aDraft());
    const closed = outbox.close({ deadlineMs: 2_000 });
    await clock.advance(2_000);
    await clock.advance(100);
    expect(await closed).toMatchObject({ complete: false, sinks: { memory: { delivered: 1, pending: 1 } } });
    expect(await durable).toMatchObject({ status: "volatile", reason: expect.stringContaining("closed") as string });
    // The lock is kept until the last write has come back: nobody else may write meanwhile.
    await expect(Outbox.open({ directory, sinks: [], strict: true })).rejects.toMatchObject({ code: "JOURNAL_LOCKED" });
  });

  it("has appended records reach it within a close without a deadline to speak of", async () => {
    const disk = new TestDisk();
    const outbox = await Outbox.open({ directory, sinks: [], disk: disk.mount(), strict: true });
    const { durable } = outbox.append(aDraft());
    await outbox.close({ deadlineMs: 0 });
    expect(await durable).toMatchObject({ status: "durable" });
  });
});

describe("a disk that hangs at the start", () => {
  it.each<DiskOperation>(["list", "read", "create", "sync"])(
    "in %s is given up after a while, like one that refuses",
    async (operation) => {
      const disk = new TestDisk();
      const first = await openJournal(directory, { disk: disk.mount() });
      await appendTo(first.journal, 1).kept;
      await first.journal.close(AbortSignal.timeout(5_000));
      const hang = Promise.withResolvers<void>();
      let isHanging = false;
      disk.fault = (now) => {
        if (now !== operation) return undefined;
        isHanging = true;
        return hang.promise;
      };
      const clock = new FakeClock();
      const opening = openJournal(directory, { disk: disk.mount(), clock });
      const outcome = opening.then(
        () => "opened",
        (error: unknown) => error,
      );
      await eventually(() => isHanging, "the call that hangs");
      await clock.advance(DISK_TIMEOUT_MS);
      expect(await outcome).toMatchObject({ code: "JOURNAL_UNWRITABLE", message: expect.stringContaining("did not answer") as string });
      // Once it is back, the folder is free for the next process.
      disk.fault = undefined;
      hang.resolve();
      await settle(50);
      const again = await openJournal(directory, { disk: disk.mount() });
      expect(again.journal.ledger.nextSequence).toBe(2);
    },
  );
});
