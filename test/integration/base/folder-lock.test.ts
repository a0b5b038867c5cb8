/** One writer a folder, whoever died holding it and however many want it. */
import { mkdtemp, readdir, rm, unlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  FolderLock,
  LOCK_STALE_MS,
  LOCK_TOUCH_MS,
  machineProcessTable,
  START_UNKNOWN,
  type ProcessTable,
} from "../../../src/base/folder-lock.js";
import { eventually, FakeClock } from "../../support/fake-clock.js";
import { appendTo, openJournal } from "../../support/open-journal.js";
import { aProcess } from "../../support/process-table.js";

let directory = "";
const clock = new FakeClock();
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "folder-lock-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const acquire = (table: ProcessTable, at: FakeClock = clock, onLost: () => void = () => undefined): Promise<FolderLock> =>
  FolderLock.acquire(directory, at, onLost, table);
const locked = { code: "JOURNAL_LOCKED" };

describe("the lock of a folder", () => {
  it("keeps everyone else out until it is released", async () => {
    const lock = await acquire(aProcess(1));
    await expect(acquire(aProcess(2, { alive: { 1: "start of 1" } }))).rejects.toMatchObject(locked);
    await lock.release();
    await expect(acquire(aProcess(2, { alive: { 1: "start of 1" } }))).resolves.toBeDefined();
  });

  it("keeps out the same process as well, which may have two outboxes", async () => {
    await acquire(machineProcessTable());
    await expect(acquire(machineProcessTable())).rejects.toMatchObject(locked);
  });

  it.each<[string, ProcessTable, ProcessTable]>([
    ["died", aProcess(10), aProcess(11)],
    ["died, and whose pid another process has now", aProcess(10), aProcess(11, { alive: { 10: "a later start" } })],
    ["was pid 1 of the container that was restarted, as we are now", aProcess(1, { startedAt: "100" }), aProcess(1, { startedAt: "900" })],
    ["ran before the machine was started anew", aProcess(10, { bootId: "yesterday" }), aProcess(11, { alive: { 10: "start of 10" } })],
  ])("is taken over from a process that %s", async (_name, holder, next) => {
    await acquire(holder);
    const lock = await acquire(next);
    expect(lock.previous).toMatchObject({ pid: holder.pid, released: false });
    expect((await readdir(directory)).filter((name) => name.startsWith("lock-"))).toEqual(["lock-00000002"]);
  });

  it("is not taken over from a live process of which only that is known", async () => {
    await acquire(aProcess(10));
    await expect(acquire(aProcess(11, { alive: { 10: START_UNKNOWN } }))).rejects.toMatchObject(locked);
  });

  it("of another host holds while its pulse is younger than a minute, and no longer", async () => {
    const at = new FakeClock();
    await acquire(aProcess(10, { host: "elsewhere" }), at);
    // The holder's own timer goes with its clock; ours is another.
    const here = new FakeClock(at.now() + LOCK_STALE_MS - 1);
    await expect(acquire(aProcess(11), here)).rejects.toMatchObject(locked);
    await expect(acquire(aProcess(11), new FakeClock(at.now() + LOCK_STALE_MS))).resolves.toBeDefined();
  });

  it("beats while it is held, and stops when it is released", async () => {
    const at = new FakeClock();
    const lock = await acquire(aProcess(10, { host: "elsewhere" }), at);
    for (let beat = 0; beat < 10; beat++) {
      await at.advance(LOCK_TOUCH_MS);
      await eventually(() => at.sleeping === 1);
    }
    await expect(acquire(aProcess(11), new FakeClock(at.now() + LOCK_STALE_MS - LOCK_TOUCH_MS))).rejects.toMatchObject(locked);
    await lock.release();
    await eventually(() => at.sleeping === 0);
  });

  it("goes to exactly one of many that race for it, free or stale", async () => {
    for (let round = 0; round < 30; round++) {
      const racers = await Promise.allSettled(
        Array.from({ length: 6 }, (_, index) => acquire(aProcess(1_000 * (round + 1) + index, { alive: aliveIn(round) }))),
      );
      const winners = racers.flatMap((racer) => (racer.status === "fulfilled" ? [racer.value] : []));
      expect(winners).toHaveLength(1);
      for (const racer of racers) if (racer.status === "rejected") expect(racer.reason).toMatchObject(locked);
      // Every other round the winner dies with the lock in its hand.
      if (round % 2 === 0) await winners[0]?.release();
    }
  });

  it("is noticed as lost when another has taken it, and the journal writes no more", async () => {
    const { journal, clock: own, committed } = await openJournal(directory);
    await appendTo(journal, 1).kept;
    for (const name of await readdir(directory)) if (name.startsWith("lock-")) await unlink(join(directory, name));
    await own.advance(LOCK_TOUCH_MS);
    await eventually(() => journal.status().mode === "volatile");
    expect(await appendTo(journal, 2).kept).toMatchObject({ status: "volatile", reason: expect.stringContaining("taken over") as string });
    expect(committed).toEqual([1, 2]);
    const next = await openJournal(directory);
    expect(next.journal.ledger.present.ranges()).toEqual([[1, 1]]);
    await journal.close(AbortSignal.timeout(5_000));
    await next.journal.close(AbortSignal.timeout(5_000));
  });

  it("whose text is not there yet holds until it is old", async () => {
    const { writeFile } = await import("node:fs/promises");
    const path = join(directory, "lock-00000001");
    await writeFile(path, "");
    await utimes(path, clock.now() / 1000, clock.now() / 1000);
    await expect(acquire(aProcess(1))).rejects.toMatchObject(locked);
    await expect(acquire(aProcess(1), new FakeClock(clock.now() + LOCK_STALE_MS))).resolves.toBeDefined();
  });
});

/** All racers of one round are alive to each other. */
function aliveIn(round: number): Record<number, string> {
  return Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => 1_000 * (round + 1) + index).map((pid) => [pid, `start of ${String(pid)}`]),
  );
}
