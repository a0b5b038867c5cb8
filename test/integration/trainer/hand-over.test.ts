/** What a close or a signal leaves: the end, the token, the archive. */
import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createGunzip } from "node:zlib";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { unpackTar } from "modern-tar/fs";
import { describe, expect, it } from "vitest";
import type { Sink } from "../../../src/outbox/sink.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();
const journal = (): string => path.join(world.folder, "journal");
const handover = (): string => path.join(world.folder, "handed-over");
const archives = async (): Promise<string[]> =>
  (await readdir(handover(), { recursive: true }).catch(() => [])).filter((name) => name.endsWith(".tar.gz"));

async function unpacked(archive: string): Promise<string> {
  const folder = path.join(world.folder, "unpacked");
  await pipeline(createReadStream(archive), createGunzip(), unpackTar(folder));
  return folder;
}

describe("a close with records pending", () => {
  it("hands the journal, its pinned bytes and the token over as one archive, and says where", async () => {
    for (const channel of ["api", "callbacks", "s3"] as const) world.platform.faults.set(channel, { mode: "hang" });
    const sdk = await world.start({ handover: pathToFileURL(handover()).href });
    expect(sdk.stats().issues).toEqual([]);
    await sdk.reportProgress({ epoch: 3, metrics: { loss: 1 } });
    await sdk.uploadCheckpoint(await world.file("best.pt", "best weights"), { type: "best", isBest: true, epoch: 3 });
    await sdk.uploadCheckpoint(await world.file("big.pt", "unpinned"), { type: "last", epoch: 3, pin: "none" });
    const receipt = await sdk.close({ deadlineMs: 5_000 });
    expect(receipt.complete).toBe(false);
    const [archive] = await archives();
    expect(receipt.handedOverTo).toBe(pathToFileURL(path.join(handover(), archive ?? "")).href);
    expect(archive).toMatch(new RegExp(`^handover/42/${sdk.runId ?? ""}-[0-9a-f]{8}\\.tar\\.gz$`));

    const folder = await unpacked(path.join(handover(), archive ?? ""));
    const names = await readdir(folder, { recursive: true });
    const manifest = JSON.parse(await readFile(path.join(folder, "handover.json"), "utf8")) as {
      runId: string;
      files: Record<string, string>;
    };
    expect(manifest).toMatchObject({ version: 1, runId: sdk.runId, jobId: "42" });
    const contents = await Promise.all(Object.values(manifest.files).map((name) => readFile(path.join(folder, name), "utf8")));
    expect(contents.sort()).toEqual(["best weights", "unpinned"]);
    expect(names.some((name) => name.startsWith("journal-"))).toBe(true);
    // The same files say the same: the token of the copy is that of the folder.
    expect(await TrainerSDK.readResumeToken(folder)).toEqual(await TrainerSDK.readResumeToken(journal()));
    // Nothing of the packing is left beside the journal.
    expect((await readdir(journal())).filter((name) => name.startsWith("handover"))).toEqual([]);
  });

  it("has its part of the deadline although a destination does not let go", async () => {
    const deaf: Sink = {
      name: "deaf",
      limits: { maxRecords: 10, maxBytes: 1e6 },
      accepts: () => true,
      deliver: () => new Promise<never>(() => undefined),
    };
    const sdk = await world.start({ handover: pathToFileURL(handover()).href, extraSinks: [deaf] });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    expect((await sdk.close({ deadlineMs: 2_000 })).handedOverTo).toMatch(/\.tar\.gz$/);
  });

  it("hands nothing over when everything was delivered", async () => {
    const sdk = await world.start({ handover: pathToFileURL(handover()).href });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    const receipt = await sdk.close();
    expect(receipt).toMatchObject({ complete: true });
    expect(receipt).not.toHaveProperty("handedOverTo");
    expect(await archives()).toEqual([]);
  });

  it("stays within its deadline when the store for it hangs too, and the folder still has everything", async () => {
    world.platform.faults.set("callbacks", { mode: "hang" });
    world.platform.faults.set("s3", { mode: "hang" });
    const sdk = await world.start({}, { TRAINER_HANDOVER_URI: world.platform.env.CHECKPOINT_URI });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    const start = performance.now();
    const receipt = await sdk.close({ deadlineMs: 1_000 });
    expect(performance.now() - start).toBeLessThan(3_000);
    expect(receipt).toMatchObject({ complete: false, journalPath: journal() });
    expect(receipt).not.toHaveProperty("handedOverTo");
    expect(world.warnings.join("\n")).toMatch(/could not be handed over: there was no more time/);
  });

  it.each(["clearml", "http://somewhere", "s3://localhost/x"])("names %s as no place for it, and goes on without", async (uri) => {
    const sdk = await world.start({}, { TRAINER_HANDOVER_URI: uri });
    expect(sdk.stats().issues).toMatchObject([{ path: "TRAINER_HANDOVER_URI" }]);
    expect(await sdk.close()).toMatchObject({ complete: true });
  });
});

describe("the resume token", () => {
  it("names the last epoch and the newest checkpoint of each type, and whether its bytes are stored", async () => {
    const first = await world.start();
    expect(first.resume).toBeUndefined();
    for (const epoch of [1, 2]) {
      await first.reportProgress({ epoch, iteration: epoch * 100, metrics: { loss: 1 } });
      const { delivered } = await first.uploadCheckpoint(await world.file("last.pt", `weights ${String(epoch)}`), { type: "last", epoch });
      await delivered;
    }
    world.platform.faults.set("s3", { mode: "hang" });
    const best = await first.uploadCheckpoint(await world.file("best.pt", "best"), { type: "best", isBest: true, epoch: 2 });
    await first.reportProgress({ epoch: 3, iteration: 300, metrics: { loss: 1 } });
    await first.close({ deadlineMs: 200 });

    const expected = {
      version: 1,
      runId: first.runId,
      jobId: "42",
      epoch: 3,
      iteration: 300,
      checkpoints: {
        last: { epoch: 2, stored: true, uri: expect.stringContaining("/last-2-") as string },
        best: { epoch: 2, stored: false, uri: best.uri, sizeBytes: 4 },
      },
    };
    expect(await TrainerSDK.readResumeToken(journal())).toMatchObject(expected);
    // The journal says it too: a kill leaves no file.
    await rm(path.join(journal(), "resume.json"));
    expect(await TrainerSDK.readResumeToken(journal())).toMatchObject(expected);
    world.platform.faults.clear();
    const next = await world.start();
    expect(next.resume).toMatchObject(expected);
    await next.close();
    expect((await TrainerSDK.readResumeToken(journal()))?.checkpoints["best"]).toMatchObject({ stored: true });
  });

  it("goes with a job's completion", async () => {
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.uploadCheckpoint(await world.file("last.pt", "w"), { epoch: 1 });
    await sdk.reportCompleted();
    await sdk.close();
    expect(await TrainerSDK.readResumeToken(journal())).toBeUndefined();
    expect((await world.start()).resume).toBeUndefined();
  });

  it("is none where there is no folder", async () => {
    expect(await TrainerSDK.readResumeToken(path.join(world.folder, "nowhere"))).toBeUndefined();
  });
});
