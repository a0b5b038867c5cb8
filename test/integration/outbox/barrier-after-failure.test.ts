/** The end has gone, and then the disk fails before that is noted. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Outbox } from "../../../src/outbox/outbox.js";
import { FakeClock, settle } from "../../support/fake-clock.js";
import { MemorySink } from "../../support/memory-sink.js";
import { aDraft } from "../../support/records.js";
import { systemError, TestDisk } from "../../support/test-disk.js";

it("an end that went and could not be noted goes again as one that may be there already", async () => {
  const directory = await mkdtemp(join(tmpdir(), "barrier-"));
  try {
    const disk = new TestDisk();
    const clock = new FakeClock();
    const sink = new MemorySink();
    const uploader = { upload: () => new Promise<never>(() => undefined) };
    const options = { directory, uploader, sinks: [sink], strict: true, clock, random: () => 1, barrierWaitMs: 1_000 };
    const outbox = await Outbox.open({ ...options, disk: disk.mount(), segmentBytes: 1 });
    await outbox.append(aDraft("weights", { attachment: { path: "/nowhere", pinned: false, sizeBytes: 1 } })).durable;
    // So much that the first must be read from the disk again.
    for (let count = 0; count < 30; count++) await outbox.append(aDraft("x".repeat(200_000))).durable;
    sink.answer = ([record]) => {
      if (record?.traits.barrier === true) disk.fault = (operation) => (operation === "read" ? systemError("EIO") : undefined);
      return { status: "delivered" };
    };
    await outbox.append(aDraft("the end", { barrier: true })).durable;
    await settle(200);
    await clock.advance(2_000);
    const before = sink.batches.length;
    expect(sink.batches.at(-1)).toEqual({ sequences: [32], ambiguous: expect.any(Boolean) as boolean });
    sink.answer = undefined;
    disk.fault = undefined;
    await clock.advance(60_000);
    expect(sink.batches[before]).toEqual({ sequences: [32], ambiguous: true });
    const closed = outbox.close({ deadlineMs: 0 });
    await clock.advance(1_000);
    await closed;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
