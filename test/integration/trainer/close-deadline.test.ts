/** `close` ends at its deadline whatever hangs, and says truly what it left. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Delivery, Sink } from "../../../src/outbox/sink.js";
import type { ObjectStore } from "../../../src/storage/object-store.js";
import type { TrainerOptions } from "../../../src/trainer/options.js";
import { TestDisk } from "../../support/test-disk.js";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();
const never = (): Promise<never> => new Promise<never>(() => undefined);

function aSink(parts: Partial<Sink>): Sink {
  return {
    name: "own",
    limits: { maxRecords: 10, maxBytes: 1e6 },
    accepts: () => true,
    deliver: () => Promise.resolve<Delivery>({ status: "delivered" }),
    ...parts,
  };
}

function aStore(parts: Partial<ObjectStore>): ObjectStore {
  return {
    kind: "folder",
    describe: () => "a store of the test",
    uriOf: (key) => `file:///store/${key}`,
    put: () => Promise.resolve(),
    close: () => Promise.resolve(),
    ...parts,
  };
}

/** What hangs; the records that must be pending then, by sink. */
const HANGING: readonly (readonly [string, () => TrainerOptions, Readonly<Record<string, boolean>>])[] = [
  ["a sink's open", () => ({ extraSinks: [aSink({ open: never })] }), { own: true, platform: false, clearml: false }],
  ["a sink's delivery", () => ({ extraSinks: [aSink({ deliver: never })] }), { own: true, platform: false, clearml: false }],
  ["a sink's close", () => ({ extraSinks: [aSink({ close: never })] }), { own: false, platform: false, clearml: false }],
  ["the store", () => ({ storage: aStore({ put: never }) }), { platform: true, clearml: true }],
  ["the store's close", () => ({ storage: aStore({ close: never }) }), { platform: false, clearml: false }],
  ["the hand-over's folder", () => ({ extraSinks: [aSink({ deliver: never })], handover: "file:///proc/none" }), { own: true }],
];

describe("close", () => {
  it.each(HANGING)("ends at its deadline with %s hanging", async (_what, options, pending) => {
    const sdk = await world.start(options());
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.uploadCheckpoint(await world.file("last.pt", "weights"), { epoch: 1 });
    const start = performance.now();
    const receipt = await sdk.close({ deadlineMs: 800 });
    const ms = performance.now() - start;
    // Deadline, a tenth of a second for the disk, half a second to let go of sockets; the rest is the machine's.
    expect(ms).toBeLessThan(2_500);
    for (const [sink, isPending] of Object.entries(pending))
      expect([sink, (receipt.sinks[sink]?.pending ?? 0) > 0]).toEqual([sink, isPending]);
    expect(receipt.complete).toBe(!Object.values(pending).includes(true));
  });

  it.each(["sync", "write", "create"] as const)("ends at its deadline with the journal's disk hanging in %s", async (operation) => {
    const disk = new TestDisk();
    // The lock lies on the real disk.
    await mkdir(path.join(world.folder, "journal"));
    const sdk = await world.start({ journal: { disk: disk.mount() } });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    disk.fault = (now) => (now === operation ? "hang" : undefined);
    void sdk.reportProgress({ epoch: 2, metrics: { loss: 1 } });
    void sdk.reportStopped("enough");
    const start = performance.now();
    const receipt = await sdk.close({ deadlineMs: 800 });
    expect(performance.now() - start).toBeLessThan(2_500);
    // Nothing is called complete that the disk has not answered for; a disk that only cannot make files takes the records.
    expect(receipt.complete).toBe(operation === "create");
    expect(receipt.journalPath).toBe(path.join(world.folder, "journal"));
  });

  it("shares one promise among all callers, and takes nothing after it", async () => {
    const sdk = await world.start();
    const [one, other] = [sdk.close(), sdk.close({ deadlineMs: 1 })];
    expect(one).toBe(other);
    await one;
    expect(await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } })).toMatchObject({ status: "rejected" });
  });
});
