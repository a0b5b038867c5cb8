/** A disk that is full, fails or hangs: the training never notices, and what can be kept is kept. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Logger } from "../../../src/base/logger.js";
import { DISK_PAUSE_MS } from "../../../src/outbox/group-commit.js";
import { UNWRITTEN_GAP } from "../../../src/outbox/file-journal.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import { replayFolder } from "../../../src/outbox/replay.js";
import type { Delivery } from "../../../src/outbox/sink.js";
import { eventually, FakeClock, settle } from "../../support/fake-clock.js";
import { appendTo, openJournal } from "../../support/open-journal.js";
import { aDraft } from "../../support/records.js";
import { faultIn, systemError, TestDisk, type DiskOperation } from "../../support/test-disk.js";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "broken-disk-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function aLog(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const log =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level} ${message}`);
    };
  return { lines, logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") } };
}

describe("a disk that refuses", () => {
  it.each<[string, readonly DiskOperation[], string]>([
    ["is full", ["write", "create"], "ENOSPC"],
    ["takes the bytes and fails to sync them", ["sync"], "EIO"],
  ])("because it %s makes records volatile, still deliverable, and is warned of once a burst", async (_name, operations, code) => {
    const disk = new TestDisk();
    const { logger, lines } = aLog();
    const { journal, committed, clock } = await openJournal(directory, { disk: disk.mount(), logger });
    await journal.noteDurably({ k: "i", n: "a" });
    expect(await appendTo(journal, 1).kept).toEqual({ status: "durable" });
    disk.fault = faultIn(operations, systemError(code));
    for (let sequence = 2; sequence <= 5; sequence++) {
      expect(await appendTo(journal, sequence).kept).toMatchObject({ status: "volatile", reason: expect.stringContaining(code) as string });
      await clock.advance(DISK_PAUSE_MS);
    }
    expect(committed).toEqual([1, 2, 3, 4, 5]);
    expect((await journal.read([1, 2, 3, 4, 5], 1e6)).records).toHaveLength(5);
    expect(journal.status()).toMatchObject({ mode: "volatile", reason: expect.stringContaining(code) as string });
    expect(lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);

    // The disk is mended: the next record is durable, and so is what it had refused.
    disk.fault = undefined;
    await clock.advance(DISK_PAUSE_MS);
    expect(await appendTo(journal, 6).kept).toEqual({ status: "durable" });
    expect(journal.status().mode).toBe("durable");
    expect(lines.at(-1)).toBe("info The journal is written again.");
    disk.crash((max) => (max === 1 ? 1 : 0));
    const again = await openJournal(directory, { disk: disk.mount() });
    expect(again.journal.ledger.pending("a").ranges()).toEqual([[1, 6]]);
    expect((await again.journal.read([1, 2, 3, 4, 5, 6], 1e6)).missing).toEqual([]);
    expect(again.journal.ledger.nextSequence).toBe(7);
  });

  it("remembers how refused records fared meanwhile, once it is mended", async () => {
    const disk = new TestDisk();
    const { journal, clock } = await openJournal(directory, { disk: disk.mount() });
    await journal.noteDurably({ k: "i", n: "a" });
    await journal.noteDurably({ k: "i", n: "b" });
    disk.fault = faultIn(["write"], systemError("ENOSPC"));
    await Promise.all([appendTo(journal, 1).kept, appendTo(journal, 2).kept]);
    journal.note({ k: "s", n: "a", r: [[1, 2]] });
    journal.note({ k: "s", n: "b", r: [[1, 1]] });
    await journal.noteDurably({ k: "m", n: "a", key: "task", v: "made meanwhile" });
    disk.fault = undefined;
    await clock.advance(DISK_PAUSE_MS);
    await appendTo(journal, 3).kept;
    disk.crash((max) => (max === 1 ? 1 : 0));
    const { ledger } = (await openJournal(directory, { disk: disk.mount() })).journal;
    expect([ledger.pending("a").ranges(), ledger.pending("b").ranges()]).toEqual([[[3, 3]], [[2, 3]]]);
    expect(ledger.recall("a", "task")).toBe("made meanwhile");
  });

  it("is left alone for a moment between two tries", async () => {
    const disk = new TestDisk();
    const { journal } = await openJournal(directory, { disk: disk.mount() });
    disk.fault = faultIn(["write", "create"], systemError("ENOSPC"));
    await appendTo(journal, 1).kept;
    const before = disk.operations;
    for (let sequence = 2; sequence <= 50; sequence++) await appendTo(journal, sequence).kept;
    expect(disk.operations).toBe(before);
  });

  it("never makes the next process use a number again that this one gave away", async () => {
    const disk = new TestDisk();
    const { journal, committed } = await openJournal(directory, { disk: disk.mount() });
    await appendTo(journal, 1).kept;
    disk.fault = faultIn(["write", "create"], systemError("ENOSPC"));
    await appendTo(journal, 2).kept;
    expect(committed).toEqual([1, 2]);
    await journal.close(AbortSignal.timeout(5_000));
    disk.crash(() => 0);
    const again = await openJournal(directory, { disk: disk.mount() });
    expect(again.journal.ledger.nextSequence).toBe(2 + UNWRITTEN_GAP);
  });

  it("gets what it had refused as soon as it is mended, though nothing new comes", async () => {
    const disk = new TestDisk();
    const { journal, clock } = await openJournal(directory, { disk: disk.mount() });
    await journal.noteDurably({ k: "i", n: "a" });
    disk.fault = faultIn(["write", "create"], systemError("ENOSPC"));
    await appendTo(journal, 1).kept;
    // Many tries later: a disk that is full for long.
    await clock.advance(20 * DISK_PAUSE_MS);
    expect(journal.status().mode).toBe("volatile");
    disk.fault = undefined;
    await clock.advance(DISK_PAUSE_MS);
    expect(journal.status().mode).toBe("durable");
    disk.crash((max) => (max === 1 ? 1 : 0));
    const again = await openJournal(directory, { disk: disk.mount() });
    expect(again.journal.ledger.pending("a").ranges()).toEqual([[1, 1]]);
  });

  it("gets what it had refused at the close, when it is mended by then", async () => {
    const disk = new TestDisk();
    const { journal } = await openJournal(directory, { disk: disk.mount() });
    await journal.noteDurably({ k: "i", n: "a" });
    disk.fault = faultIn(["write", "create"], systemError("ENOSPC"));
    await appendTo(journal, 1).kept;
    disk.fault = undefined;
    await journal.close(AbortSignal.timeout(5_000));
    const again = await openJournal(directory, { disk: disk.mount() });
    expect(again.journal.ledger.pending("a").ranges()).toEqual([[1, 1]]);
  });

  it("keeps no more in memory than it may, and gives console lines up first", async () => {
    const disk = new TestDisk();
    const { journal, shed, clock } = await openJournal(directory, { disk: disk.mount(), maxMemoryBytes: 2_000 });
    await journal.noteDurably({ k: "i", n: "a" });
    disk.fault = faultIn(["write", "create"], systemError("ENOSPC"));
    for (let sequence = 1; sequence <= 20; sequence++)
      void appendTo(journal, sequence, "x".repeat(100), { shed: sequence % 2 === 0 ? "console" : "scalar" });
    await settle(50);
    const pending = journal.ledger.pending("a").take(100);
    expect(pending.length).toBeLessThan(12);
    expect([...pending, ...shed].sort((left, right) => left - right)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect((await journal.read(pending, 1e9)).missing).toEqual([]);
    disk.fault = undefined;
    await clock.advance(DISK_PAUSE_MS);
    await appendTo(journal, 21).kept;
    disk.crash((max) => (max === 1 ? 1 : 0));
    expect((await openJournal(directory, { disk: disk.mount() })).journal.ledger.pending("a").take(100)).toEqual([...pending, 21]);
  });
});

it("a file of the journal that somebody took away costs its own records, and none of the others", async () => {
  const disk = new TestDisk();
  const first = await openJournal(directory, { disk: disk.mount() });
  await first.journal.noteDurably({ k: "i", n: "a" });
  await appendTo(first.journal, 1).kept;
  await first.journal.close(AbortSignal.timeout(5_000));
  const { journal } = await openJournal(directory, { disk: disk.mount() });
  await appendTo(journal, 2).kept;
  await disk.mount().remove(join(directory, "journal-00000001.ndjson"));
  expect(await journal.read([1, 2], 1e6)).toMatchObject({ records: [{ record: { sequence: 2 } }], missing: [1] });
});

describe("a disk that works", () => {
  it("is given time to take what a loop without a pause reports, and nothing is given up", async () => {
    const disk = new TestDisk();
    const { journal, shed } = await openJournal(directory, { disk: disk.mount(), maxMemoryBytes: 2_000 });
    const kept = Array.from({ length: 30 }, (_, index) => appendTo(journal, index + 1, "x".repeat(100), { shed: "console" }).kept);
    expect(new Set((await Promise.all(kept)).map(({ status }) => status))).toEqual(new Set(["durable"]));
    expect(shed).toEqual([]);
    // But not for ever: memory has an end.
    const many = Array.from({ length: 60 }, (_, index) => appendTo(journal, index + 31, "x".repeat(100), { shed: "console" }).kept);
    expect((await Promise.all(many)).map(({ status }) => status)).toContain("rejected");
  });
});

describe("an upload that has ended", () => {
  it("gives its pinned copy up only once that is on the disk", async () => {
    const disk = new TestDisk();
    const upload = Promise.withResolvers<Delivery>();
    const outbox = await Outbox.open({
      directory,
      sinks: [],
      uploader: { upload: () => upload.promise },
      disk: disk.mount(),
      strict: true,
    });
    const path = join(directory, "pins", "weights");
    await outbox.append(aDraft("checkpoint", { attachment: { path, pinned: true, sizeBytes: 1 } })).durable;
    const steps: string[] = [];
    disk.fault = (operation, at) => {
      if (operation === "sync" || operation === "remove") steps.push(`${operation} ${at === path ? "the copy" : "the journal"}`);
      return undefined;
    };
    upload.resolve({ status: "delivered" });
    await eventually(() => steps.includes("remove the copy"));
    expect(steps).toEqual(["sync the journal", "remove the copy"]);
    await outbox.close();
  });

  it("keeps its pinned copy when the disk does not take the note: the next process needs it", async () => {
    const disk = new TestDisk();
    const upload = Promise.withResolvers<Delivery>();
    const outbox = await Outbox.open({
      directory,
      sinks: [],
      uploader: { upload: () => upload.promise },
      disk: disk.mount(),
      strict: true,
    });
    await outbox.append(aDraft("checkpoint", { attachment: { path: join(directory, "pins", "weights"), pinned: true, sizeBytes: 1 } }))
      .durable;
    const removed: string[] = [];
    disk.fault = (operation, path) => {
      if (operation === "remove") removed.push(path);
      return operation === "write" || operation === "create" ? systemError("EIO") : undefined;
    };
    upload.resolve({ status: "delivered" });
    await eventually(() => outbox.stats().uploads.delivered === 1);
    await outbox.close();
    expect(removed.filter((path) => path.includes("pins"))).toEqual([]);
  });

  it("gives its pinned copy up when the disk is full, for a disk full of copies would take no note ever", async () => {
    const disk = new TestDisk();
    const upload = Promise.withResolvers<Delivery>();
    const clock = new FakeClock();
    const outbox = await Outbox.open({
      directory,
      sinks: [],
      uploader: { upload: () => upload.promise },
      disk: disk.mount(),
      strict: true,
      clock,
    });
    await outbox.append(aDraft("checkpoint", { attachment: { path: join(directory, "pins", "weights"), pinned: true, sizeBytes: 1 } }))
      .durable;
    let isFull = true;
    disk.fault = (operation, path) => {
      if (operation === "remove" && path.includes("pins")) isFull = false;
      return isFull && (operation === "write" || operation === "create") ? systemError("ENOSPC") : undefined;
    };
    upload.resolve({ status: "delivered" });
    await settle(50);
    await clock.advance(DISK_PAUSE_MS);
    expect(outbox.stats().journal.mode).toBe("durable");
    disk.crash((max) => (max === 1 ? 1 : 0));
    expect([...(await replayFolder(disk.mount(), directory)).ledger.uploads]).toEqual([]);
    const closed = outbox.close({ deadlineMs: 0 });
    await clock.advance(1_000);
    await closed;
  });
});
