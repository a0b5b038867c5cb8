/** Runs the receiver and a trainer against it, loses one answer on the way, and ends with an error unless the rows are right. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import express from "express";
import { TrainerSDK } from "trainer-sdk";
import { createReceiver, type JobRow } from "./receiver.ts";

const job: JobRow = { status: "pending", points: [], checkpoints: [], log: [] };
const receiver = createReceiver({ token: "secret", jobs: new Map([["42", job]]) });

// In front of it, a network that loses the first answer to a progress report after the work is done.
let lost = 0;
const network = express();
network.use((request, response, next) => {
  if (request.path.endsWith("/progress") && lost++ === 0) response.json = () => (response.destroy(), response);
  next();
});
network.use(receiver);
const server = network.listen(0, "127.0.0.1");
await once(server, "listening");

const folder = await mkdtemp(path.join(tmpdir(), "express-receiver-"));
try {
  const sdk = await TrainerSDK.init({
    env: {},
    jobId: "42",
    journalDir: path.join(folder, "journal"),
    storage: pathToFileURL(path.join(folder, "files")).href,
    callback: { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/jobs/42`, token: "secret" },
  });
  await sdk.reportStarted({ totalEpochs: 3 });
  for (let epoch = 1; epoch <= 3; epoch++) await sdk.reportProgress({ epoch, totalEpochs: 3, metrics: { loss: 1 / epoch } });
  const weights = path.join(folder, "best.pt");
  await writeFile(weights, "weights");
  const checkpoint = await sdk.uploadCheckpoint(weights, { isBest: true, epoch: 3 });
  await sdk.flush();

  job.stopReason = "the quota is used up";
  await sdk.log("info", "one more line, whose answer asks for a stop");
  if (!sdk.signal.aborted) await Promise.all([once(sdk.signal, "abort"), sdk.flush()]);
  await sdk.reportStopped("as asked");
  const receipt = await sdk.close();

  assert.equal(receipt.complete, true);
  assert.deepEqual(job, {
    status: "stopped",
    points: [1, 2, 3].map((epoch) => ({ epoch, metrics: { loss: 1 / epoch } })),
    checkpoints: [checkpoint.uri],
    log: ["one more line, whose answer asks for a stop"],
    stopReason: "the quota is used up",
  });
  assert.ok(lost > 3, "the report whose answer was lost has come twice");
  console.log(`the backend has three points, each once, though ${String(lost)} reports came; and the trainer stopped when it was asked to`);
} finally {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
}
