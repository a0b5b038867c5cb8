/**
 * A backend that speaks neither `plan` nor `platform-v2`: here one that wants every event on one path, in an envelope of its
 * own, and says "halt" where others say "stop". One object turns facts into its words; the SDK keeps the rest of its
 * promises. Ends with an exit code other than 0 when the backend did not get what was said.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { type CallbackDialect, TrainerSDK } from "trainer-sdk";

const dialect: CallbackDialect = {
  name: "acme",
  toRequest({ fact, id, createdAtMs }, { jobId }) {
    const event = (type: string, data: Record<string, string | number | null>) => ({
      path: "/events",
      body: { id, type, job: jobId ?? null, at: createdAtMs, data },
      headers: { "x-acme-version": "1" },
    });
    switch (fact.kind) {
      case "started":
        return event("job.started", { epochs: fact.totalEpochs ?? null });
      case "progress": {
        const loss = fact.metrics["loss"];
        return event("job.progressed", { epoch: fact.epoch ?? null, loss: typeof loss === "number" ? loss : null });
      }
      case "final":
        return event(`job.${fact.status}`, { reason: fact.reason ?? null });
      default:
        // Nothing to say: the record counts as delivered.
        return undefined;
    }
  },
  readAnswer(body) {
    const wantsHalt = typeof body === "object" && body !== null && "halt" in body && body.halt === true;
    return wantsHalt ? { action: "stop", reason: "the backend said halt" } : undefined;
  },
};

const events: { type: string; data: Record<string, unknown> }[] = [];
const backend = createServer((request, response) => {
  void text(request).then((body) => {
    const event = JSON.parse(body) as (typeof events)[number];
    assert.equal(request.url, "/acme/events");
    assert.equal(request.headers["x-acme-version"], "1");
    events.push(event);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ halt: event.data["epoch"] === 2 }));
  });
});
backend.listen(0, "127.0.0.1");
await once(backend, "listening");
const url = `http://127.0.0.1:${String((backend.address() as AddressInfo).port)}/acme`;
const folder = await mkdtemp(path.join(tmpdir(), "custom-dialect-"));

try {
  const sdk = await TrainerSDK.init({ env: {}, jobId: "42", journalDir: folder, callback: { url, dialect } });
  await sdk.reportStarted({ totalEpochs: 100 });
  let epoch = 0;
  while (epoch < 100 && !sdk.signal.aborted) {
    epoch++;
    await sdk.reportProgress({ epoch, metrics: { loss: epoch === 1 ? Number.NaN : 1 / epoch } });
    await sdk.log("info", "the dialect has nothing to say about console lines");
    await sdk.flush();
  }
  await sdk.reportStopped("halted");
  const receipt = await sdk.close();

  assert.equal(receipt.complete, true);
  assert.deepEqual(
    events.map(({ type, data }) => [type, data]),
    [
      ["job.started", { epochs: 100 }],
      // JSON has no NaN: what stands for it is the dialect's choice.
      ["job.progressed", { epoch: 1, loss: null }],
      ["job.progressed", { epoch: 2, loss: 0.5 }],
      ["job.stopped", { reason: "halted" }],
    ],
  );
  console.log(`the backend heard ${String(events.length)} events in its own words, and its "halt" ended the training after epoch 2`);
} finally {
  backend.closeAllConnections();
  backend.close();
  await rm(folder, { recursive: true, force: true });
}
