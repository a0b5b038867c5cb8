/** What a crash in mid-end may not bring about: that the next process sends again what had gone before the end. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { nodeDisk } from "../../../src/outbox/disk.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import { replayFolder } from "../../../src/outbox/replay.js";
import { lossyDisk } from "../../chaos/lossy-disk.js";
import { MemorySink } from "../../support/memory-sink.js";
import { aDraft } from "../../support/records.js";

it("has the settlement of everything before a barrier on the disk when the barrier goes", async () => {
  const directory = await mkdtemp(join(tmpdir(), "before-the-end-"));
  try {
    const sink = new MemorySink();
    const owedAfterPowerCut: number[][] = [];
    sink.answer = async ([first]) => {
      // The real disk holds what was fsynced, and nothing else.
      if (first?.traits.barrier === true)
        owedAfterPowerCut.push((await replayFolder(nodeDisk, directory)).ledger.pending("memory").take(10));
      return { status: "delivered" };
    };
    const outbox = await Outbox.open({ directory, sinks: [sink], disk: lossyDisk(), batchAgeMs: 1 });
    for (let number = 1; number <= 3; number++) outbox.append(aDraft());
    outbox.append(aDraft("the end", { barrier: true }));
    expect((await outbox.close()).complete).toBe(true);
    expect(owedAfterPowerCut).toEqual([[4]]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
