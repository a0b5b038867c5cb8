/** How the folder stays small, and that a crash at any step of it costs nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileJournalOptions } from "../../../src/outbox/file-journal.js";
import { rangesOf } from "../../../src/outbox/sequence-set.js";
import type { ShedClass } from "../../../src/records/record.js";
import { eventually, settle } from "../../support/fake-clock.js";
import { appendTo, openJournal, type OpenedJournal } from "../../support/open-journal.js";
import { TestDisk } from "../../support/test-disk.js";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "compaction-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const STRAGGLERS = [3, 14, 27, 33];

/** Forty records in five files, all settled but four. */
async function withStragglers(disk: TestDisk, directory: string): Promise<OpenedJournal> {
  const opened = await openJournal(directory, { disk: disk.mount(), segmentBytes: 1_000 });
  const { journal } = opened;
  await journal.noteDurably({ k: "i", n: "a" });
  await journal.noteDurably({ k: "m", n: "a", key: "task", v: "kept" });
  for (let sequence = 1; sequence <= 40; sequence++) await appendTo(journal, sequence).kept;
  const settled = Array.from({ length: 40 }, (_, index) => index + 1).filter((sequence) => !STRAGGLERS.includes(sequence));
  await journal.noteDurably({ k: "s", n: "a", r: rangesOf(settled) });
  return opened;
}

async function compact({ journal, clock }: OpenedJournal): Promise<void> {
  await clock.advance(1_000);
  journal.note({ k: "m", n: "a", key: "tick", v: 1 });
  await settle(200);
}

const segments = (disk: TestDisk): string[] => Object.keys(disk.sizes()).filter((name) => name.endsWith(".ndjson"));

async function pendingOf({ journal }: OpenedJournal): Promise<number[]> {
  const { records, missing } = await journal.read(journal.ledger.pending("a").take(100), 1e9);
  expect(missing).toEqual([]);
  return records.map(({ record }) => record.sequence);
}

describe("compaction", () => {
  it("merges files with few stragglers into one, and loses neither records nor memory", async () => {
    const disk = new TestDisk();
    const opened = await withStragglers(disk, directory);
    const before = segments(disk).length;
    const bytesBefore = opened.journal.status().bytes;
    await compact(opened);
    expect(before).toBeGreaterThanOrEqual(4);
    expect(segments(disk).length).toBeLessThanOrEqual(2);
    expect(opened.journal.status().bytes).toBeLessThan(bytesBefore / 2);
    expect(await pendingOf(opened)).toEqual(STRAGGLERS);
    disk.crash(() => 0);
    const again = await openJournal(directory, { disk: disk.mount() });
    expect(await pendingOf(again)).toEqual(STRAGGLERS);
    expect(again.journal.ledger.recall("a", "task")).toBe("kept");
  });

  it("removes a file once everything in it is settled", async () => {
    const disk = new TestDisk();
    const opened = await withStragglers(disk, directory);
    await opened.journal.noteDurably({ k: "s", n: "a", r: [[1, 40]] });
    await compact(opened);
    expect(segments(disk)).toHaveLength(1);
    disk.crash(() => 0);
    const again = await openJournal(directory, { disk: disk.mount() });
    expect([again.journal.ledger.pending("a").size, again.journal.ledger.nextSequence]).toEqual([0, 41]);
  });

  it("keeps what another sink still waits for, even one that is not configured today", async () => {
    const disk = new TestDisk();
    const opened = await withStragglers(disk, directory);
    await opened.journal.noteDurably({ k: "i", n: "b" });
    await opened.journal.noteDurably({ k: "s", n: "a", r: [[1, 40]] });
    await compact(opened);
    expect(opened.journal.ledger.pending("b").size).toBe(40);
    expect((await opened.journal.read([1, 20, 40], 1e9)).records).toHaveLength(3);
  });

  const survivals: readonly [string, () => (max: number) => number][] = [
    ["all that was written", () => (max) => (max === 1 ? 0 : max)],
    ["only what was synced", () => (max) => (max === 1 ? 1 : 0)],
    ["every other change of the folder", () => ((turn) => (max: number) => (max === 1 ? turn++ % 2 : 0))(0)],
    ["every other change of the folder, the other way round", () => ((turn) => (max: number) => (max === 1 ? ++turn % 2 : max))(0)],
  ];
  it.each(survivals)("may be cut off by a power failure at any step that leaves %s", async (_name, choose) => {
    let steps = 0;
    for (let at = 0, isDone = false; !isDone; at++) {
      const disk = new TestDisk();
      const folder = await mkdtemp(join(directory, "run-"));
      const opened = await withStragglers(disk, folder);
      const start = disk.operations;
      disk.fault = () => (disk.operations - start > at ? "hang" : undefined);
      await compact(opened);
      isDone = disk.operations - start <= at;
      disk.crash(choose());
      const again = await openJournal(folder, { disk: disk.mount() });
      expect(await pendingOf(again), `after ${String(at)} steps`).toEqual(STRAGGLERS);
      expect([again.journal.ledger.recall("a", "task"), again.journal.ledger.nextSequence, again.journal.corruptLines]).toEqual([
        "kept",
        41,
        0,
      ]);
      steps = at;
    }
    expect(steps).toBeGreaterThan(15);
  });

  it("is given up for now when the disk refuses, and the journal goes on", async () => {
    const disk = new TestDisk();
    const opened = await withStragglers(disk, directory);
    const before = segments(disk).length;
    disk.fault = (operation) => (operation === "rename" ? new Error("EIO") : undefined);
    await compact(opened);
    expect(Object.keys(disk.sizes()).filter((name) => name.endsWith(".tmp"))).toHaveLength(1);
    expect(await pendingOf(opened)).toEqual(STRAGGLERS);
    expect(await appendTo(opened.journal, 41).kept).toEqual({ status: "durable" });
    disk.fault = undefined;
    await compact(opened);
    expect(segments(disk).length).toBeLessThan(before);
    expect(await pendingOf(opened)).toEqual([...STRAGGLERS, 41]);
  });
});

describe("the journal's limit", () => {
  const options = { maxJournalBytes: 20_000, segmentBytes: 2_000 } satisfies Partial<FileJournalOptions>;
  // The newest file is never touched, so the limit holds to within one file.
  const bound = options.maxJournalBytes + options.segmentBytes;

  async function fill(
    opened: OpenedJournal,
    from: number,
    to: number,
    classOf: (sequence: number) => ShedClass | undefined,
  ): Promise<void> {
    for (let sequence = from; sequence <= to; sequence++) {
      const shed = classOf(sequence);
      await appendTo(opened.journal, sequence, "x".repeat(100), shed === undefined ? {} : { shed }).kept;
    }
  }

  it("is held by giving up console lines first, then scalars, the oldest of each, and never the rest", async () => {
    const opened = await openJournal(directory, options);
    await opened.journal.noteDurably({ k: "i", n: "a" });
    // Of four records two are console lines, one is a scalar, and one is dear.
    const classes: readonly (ShedClass | undefined)[] = ["console", "scalar", undefined, "console"];
    const isConsole = (sequence: number): boolean => classes[sequence % 4] === "console";
    await fill(opened, 1, 120, (sequence) => classes[sequence % 4]);
    await eventually(() => opened.shed.length > 0 && opened.journal.status().bytes <= bound);
    expect(opened.shed.every(isConsole)).toBe(true);
    expect(opened.shed).toEqual([...opened.shed].sort((left, right) => left - right));

    await fill(opened, 121, 300, (sequence) => classes[sequence % 4]);
    await eventually(() => opened.journal.status().bytes <= bound);
    await opened.journal.close(AbortSignal.timeout(5_000));
    const scalars = opened.shed.filter((sequence) => classes[sequence % 4] === "scalar");
    expect(scalars.length).toBeGreaterThan(0);
    expect(scalars).toEqual([...scalars].sort((left, right) => left - right));
    expect(opened.shed.length - scalars.length).toBe(opened.shed.filter(isConsole).length);
    // What was given up is owed to nobody; all the rest is there.
    const pending = opened.journal.ledger.pending("a").take(1_000);
    expect(pending).toEqual(Array.from({ length: 300 }, (_, index) => index + 1).filter((sequence) => !opened.shed.includes(sequence)));
    expect((await opened.journal.read(pending, 1e9)).missing).toEqual([]);
    const again = await openJournal(directory, options);
    expect(again.journal.ledger.pending("a").take(1_000)).toEqual(pending);
    await again.journal.close(AbortSignal.timeout(5_000));
  });

  it("gives way to records that may never be given up", async () => {
    const opened = await openJournal(directory, options);
    await opened.journal.noteDurably({ k: "i", n: "a" });
    await fill(opened, 1, 200, () => undefined);
    await settle(200);
    expect(opened.journal.status().bytes).toBeGreaterThan(options.maxJournalBytes);
    expect([opened.shed, opened.journal.ledger.pending("a").size]).toEqual([[], 200]);
    await opened.journal.close(AbortSignal.timeout(5_000));
  });
});
