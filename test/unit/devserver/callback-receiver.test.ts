import { describe, expect, it } from "vitest";
import { TestClearML, send } from "../../support/wire-client.js";

describe("the callback receiver", () => {
  it("keeps every request as it came, secrets masked, and gives them back by job", async () => {
    const clearml = new TestClearML();
    const headers = { authorization: "Bearer secret", "idempotency-key": "k1" };
    await send(clearml.server.callbacks, "/callbacks/progress", { headers, body: '{"job_id":"j1","epoch":1}' });
    await send(clearml.server.callbacks, "/completed", { body: '{"job_id":"j2"}' });
    const { text } = await send(clearml.server.callbacks, "/callbacks?job_id=j1", { method: "GET" });
    expect(JSON.parse(text)).toEqual({
      callbacks: [
        {
          sequence: 1,
          path: "/progress",
          received_at: "2026-01-01T00:00:00+00:00",
          headers: { authorization: "***", "idempotency-key": "k1" },
          idempotency_key: "k1",
          job_id: "j1",
          body: { job_id: "j1", epoch: 1 },
        },
      ],
    });
    expect(JSON.parse((await send(clearml.server.callbacks, "/callbacks", { method: "GET" })).text).callbacks).toHaveLength(2);
  });

  it("refuses what is no JSON with 400 and keeps nothing of it", async () => {
    const clearml = new TestClearML();
    expect((await send(clearml.server.callbacks, "/progress", { body: "{" })).status).toBe(400);
    expect(clearml.server.store.callbacks.list()).toEqual([]);
  });

  it("asks one job to stop, or all, in its answers", async () => {
    const clearml = new TestClearML();
    const tell = async (job: string): Promise<unknown> =>
      JSON.parse((await send(clearml.server.callbacks, "/progress", { body: JSON.stringify({ job_id: job }) })).text);
    await send(clearml.server.callbacks, "/callbacks/stop", { body: '{"job_id":"j1","reason":"enough"}' });
    expect([await tell("j1"), await tell("j2")]).toEqual([{ action: "stop", reason: "enough" }, {}]);
    clearml.server.askToStop(null, "power cut");
    expect(await tell("j2")).toEqual({ action: "stop", reason: "power cut" });
    expect(clearml.server.store.callbacks.list({ jobId: "j1" })).toHaveLength(1);
  });
});
