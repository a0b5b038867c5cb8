import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import type { Outbox } from "../../../src/outbox/outbox.js";
import type { Outcome } from "../../../src/outbox/receipts.js";
import { readResumeToken, ResumePoint } from "../../../src/trainer/resume-token.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "resume-token-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it("writes the token for a signal and for the trainer's own close at one moment, without a warning", async () => {
  const warnings: string[] = [];
  const outbox = { runId: "run", memory: () => ({ get: () => undefined, set: () => Promise.resolve() }) } as unknown as Outbox;
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const { point } = await ResumePoint.begin({ outbox, jobId: "7", directory, now: () => 0, logger });
  point.noteProgress(3, undefined);
  await Promise.all([point.save(), point.save(), point.save()]);
  expect(warnings).toEqual([]);
  expect(await readdir(directory)).toEqual(["resume.json"]);
  expect(await readResumeToken(directory)).toMatchObject({ jobId: "7", epoch: 3 });
});

it("names the newest checkpoint whose bytes are stored or on their way, whatever became of later ones", async () => {
  const ends = new Map<number, PromiseWithResolvers<Outcome>>();
  const outbox = {
    runId: "run",
    isUploadPending: () => false,
    memory: () => ({ get: () => undefined, set: () => Promise.resolve() }),
  } as unknown as Outbox;
  const { point } = await ResumePoint.begin({ outbox, jobId: "7", directory, now: () => 0, logger: silentLogger });
  for (const sequence of [1, 2, 3]) {
    const end = Promise.withResolvers<Outcome>();
    ends.set(sequence, end);
    const file = { uri: `file:///${String(sequence)}`, key: "", fileName: "", sizeBytes: 1, sha256: "", contentType: "" };
    await point.noteCheckpoint(sequence, { kind: "checkpoint", type: "last", isBest: false, file }, end.promise);
  }
  ends.get(1)?.resolve({ status: "delivered" });
  ends.get(2)?.resolve({ status: "superseded" });
  await Promise.resolve();
  expect(point.token().checkpoints["last"]).toMatchObject({ uri: "file:///3" });
  ends.get(3)?.resolve({ status: "rejected", reasons: { upload: "refused" } });
  await new Promise(setImmediate);
  expect(point.token().checkpoints["last"]).toMatchObject({ uri: "file:///1" });
});
