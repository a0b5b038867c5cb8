/** What comes together goes to the disk together, in order. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually, settle } from "../../support/fake-clock.js";
import { appendTo, openJournal } from "../../support/open-journal.js";
import { TestDisk } from "../../support/test-disk.js";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "group-commit-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("group commit", () => {
  it("spends one fsync on all records of a moment", async () => {
    const disk = new TestDisk();
    const { journal } = await openJournal(directory, { disk: disk.mount() });
    let syncs = 0;
    disk.fault = (operation) => {
      if (operation === "sync") syncs++;
      return undefined;
    };
    const kept = Array.from({ length: 500 }, (_, index) => appendTo(journal, index + 1).kept);
    await Promise.all(kept);
    expect(syncs).toBe(1);
    const more = [appendTo(journal, 501).kept];
    await eventually(() => syncs === 2);
    more.push(...Array.from({ length: 100 }, (_, index) => appendTo(journal, index + 502).kept));
    await Promise.all(more);
    expect(syncs).toBe(3);
  });

  it("tells of records in their order, whatever comes together", async () => {
    const { journal, committed } = await openJournal(directory);
    for (let sequence = 1; sequence <= 300; sequence++) {
      void appendTo(journal, sequence);
      if (sequence % 7 === 0) await settle(1);
    }
    await journal.close(AbortSignal.timeout(5_000));
    expect(committed).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  });
});
