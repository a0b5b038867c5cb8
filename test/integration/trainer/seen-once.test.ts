/** Table 2.2 of the design: how often a record is seen, when answers are lost after the work was done. */
import { describe, expect, it } from "vitest";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();
const taskId = (): string => world.platform.tasks()[0]?.id ?? "";

describe("an answer that was lost after the work was done", () => {
  it("leaves one console line a call", async () => {
    const sdk = await world.start();
    await sdk.log("info", "first");
    await sdk.flush();
    world.platform.faults.set("api", { mode: "drop-answer", match: "events.add_batch", times: 2 });
    await sdk.log("info", "second");
    await sdk.log("info", "third");
    expect((await sdk.flush()).complete).toBe(true);
    expect(world.platform.faults.hits("api")).toBeGreaterThanOrEqual(1);
    expect(world.platform.lines(taskId()).map(({ message }) => message)).toEqual(["first", "second", "third"]);
  });

  it("leaves one point a scalar", async () => {
    const sdk = await world.start();
    world.platform.faults.set("api", { mode: "drop-answer", match: "events.add_batch", times: 1 });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    expect((await sdk.flush()).complete).toBe(true);
    expect(world.platform.scalars(taskId())["loss/metrics"]).toHaveLength(1);
  });

  it.each(["tasks.create", "projects.create"])("of %s leaves one task in one project", async (endpoint) => {
    world.platform.faults.set("api", { mode: "drop-answer", match: endpoint, times: 1 });
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    expect((await sdk.flush()).complete).toBe(true);
    expect(world.platform.tasks()).toHaveLength(1);
  });

  it("of models.create leaves one model", async () => {
    world.platform.faults.set("api", { mode: "drop-answer", match: "models.create", times: 1 });
    const sdk = await world.start();
    await sdk.registerModel({ name: "detector", path: await world.file("w.pt", "w") });
    await sdk.uploadCheckpoint(await world.file("b.pt", "b"), { type: "best", isBest: true });
    expect((await sdk.flush()).complete).toBe(true);
    expect(world.platform.models(taskId())).toHaveLength(2);
  });

  it("of an artifact's announcement leaves one artifact", async () => {
    world.platform.faults.set("api", { mode: "drop-answer", match: "add_or_update_artifacts", times: 1 });
    const sdk = await world.start();
    await sdk.uploadCheckpoint(await world.file("w.pt", "w"));
    expect((await sdk.flush()).complete).toBe(true);
    expect(world.platform.artifacts(taskId())).toHaveLength(1);
  });

  it("of a callback sends it again under the same key and sequence", async () => {
    world.platform.faults.set("callbacks", { mode: "drop-answer", match: "/progress", times: 1 });
    const sdk = await world.start();
    const receipt = await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    expect((await sdk.flush()).complete).toBe(true);
    const seen = world.platform.callbacks("/progress");
    expect(seen).toHaveLength(2);
    const id = "id" in receipt ? receipt.id : "";
    expect(seen.map(({ headers }) => headers["idempotency-key"])).toEqual([id, id]);
    expect(new Set(seen.map(({ body }) => JSON.stringify((body as { sequence: number }).sequence))).size).toBe(1);
  });

  it("of the final status leaves one end, and nothing after it", async () => {
    world.platform.faults.set("api", { mode: "drop-answer", match: "tasks.completed", times: 1 });
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.reportCompleted();
    expect((await sdk.close()).complete).toBe(true);
    expect(world.platform.tasks()).toMatchObject([{ status: "completed" }]);
  });
});

describe("the end", () => {
  it("comes after uploads that were called before it and never awaited", async () => {
    world.platform.faults.set("s3", { mode: "status", status: 503, times: 2 });
    const sdk = await world.start();
    void sdk.uploadCheckpoint(await world.file("last.pt", "weights"), { type: "last", epoch: 1 });
    void sdk.registerModel({ name: "detector", path: await world.file("m.pt", "model") });
    void sdk.reportCompleted();
    expect((await sdk.close()).complete).toBe(true);
    const paths = world.platform.callbacks().map(({ path }) => path);
    expect(paths).toContain("/checkpoint");
    expect(paths).toContain("/model");
    expect(paths.at(-1)).toBe("/completed");
    expect(world.platform.artifacts(taskId())).toHaveLength(1);
    expect(world.platform.tasks()).toMatchObject([{ status: "completed" }]);
  });

  it("is not followed by the SDK's own chart of what it gave up since", async () => {
    world.platform.faults.set("s3", { mode: "hang" });
    const sdk = await world.start({ finalWaitMs: 1 });
    const lost = new Promise((resolve) => sdk.on("loss", ({ reason }) => resolve(reason)));
    await sdk.uploadCheckpoint(await world.file("last.pt", "weights"), { type: "last", epoch: 1 });
    await sdk.reportCompleted();
    expect(await lost).toBe("after-final");
    world.platform.faults.clear("s3");
    expect((await sdk.close()).complete).toBe(true);
    expect(world.platform.tasks()).toMatchObject([{ status: "completed" }]);
    expect(world.platform.scalars(taskId())).toEqual({});
  });

  it("stands when a later start says nothing but what is refused", async () => {
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.reportCompleted();
    await sdk.close();
    const later = await world.start();
    await later.reportProgress({ epoch: -1, metrics: { loss: 1 } });
    expect((await later.close()).complete).toBe(true);
    expect(later.stats().rejected).toBe(1);
    expect(world.platform.tasks()).toMatchObject([{ status: "completed" }]);
  });

  it("is left to the worker when the worker owns the task", async () => {
    const sdk = await world.start({}, { TRAINER_TASK_OWNER: "worker" });
    await sdk.reportCompleted({ finalMetrics: { accuracy: 0.9 } });
    expect((await sdk.close()).complete).toBe(true);
    expect(world.platform.tasks()).toMatchObject([{ status: "in_progress" }]);
    expect(String(world.platform.tasks()[0]?.runtime["trainer_sdk_outcome"])).toContain("completed");
  });
});

describe("a checkpoint that is overwritten while it waits", () => {
  it("arrives as it was when the promise resolved", async () => {
    world.platform.faults.set("s3", { mode: "hang" });
    const sdk = await world.start();
    const path = await world.file("best.pt", "the first content");
    const receipt = await sdk.uploadCheckpoint(path, { type: "best", isBest: true });
    await world.file("best.pt", "something else altogether");
    world.platform.faults.clear("s3");
    expect(await receipt.delivered).toEqual({ status: "delivered" });
    expect(Buffer.from((await world.platform.contentOf(receipt.uri ?? "")) ?? []).toString()).toBe("the first content");
  });

  it("is replaced by a newer one of its type, which is counted and told; a best one never is", async () => {
    world.platform.faults.set("s3", { mode: "hang" });
    const sdk = await world.start();
    const losses: string[] = [];
    sdk.on("loss", ({ reason }) => {
      losses.push(reason);
    });
    const receipts = [];
    for (let epoch = 1; epoch <= 6; epoch++) {
      receipts.push(await sdk.uploadCheckpoint(await world.file("last.pt", `last ${String(epoch)}`), { type: "last", epoch }));
      receipts.push(
        await sdk.uploadCheckpoint(await world.file("best.pt", `best ${String(epoch)}`), { type: "best", isBest: true, epoch }),
      );
    }
    world.platform.faults.clear("s3");
    const outcomes = await Promise.all(receipts.map(async ({ delivered }) => (await delivered).status));
    expect(outcomes.at(-2)).toBe("delivered");
    expect(outcomes.filter((_, at) => at % 2 === 1)).toEqual(Array(6).fill("delivered"));
    const superseded = outcomes.filter((status) => status === "superseded").length;
    expect(superseded).toBeGreaterThanOrEqual(3);
    expect(losses.filter((reason) => reason === "superseded")).toHaveLength(superseded);
    expect(sdk.stats().outbox?.losses.superseded).toBe(superseded);
  });
});

describe("what was given up", () => {
  it("is drawn in ClearML as the SDK's own chart, with its reason", async () => {
    world.platform.faults.set("s3", { mode: "hang" });
    const sdk = await world.start();
    for (let epoch = 1; epoch <= 5; epoch++) {
      await sdk.reportProgress({ epoch, metrics: { loss: 1 } });
      await sdk.uploadCheckpoint(await world.file("last.pt", `last ${String(epoch)}`), { type: "last", epoch });
    }
    await sdk.reportProgress({ epoch: 6, metrics: { [":monitor:x"]: 1 } });
    world.platform.faults.clear("s3");
    await sdk.flush();
    await sdk.reportCompleted();
    expect((await sdk.close()).complete).toBe(true);
    const scalars = world.platform.scalars(taskId());
    expect(scalars["trainer-sdk/superseded"]?.at(-1)?.value).toBe(sdk.stats().outbox?.losses.superseded);
    expect(scalars["trainer-sdk/superseded"]?.at(-1)?.value).toBeGreaterThan(0);
    expect(scalars["trainer-sdk/rejected-calls"]?.at(-1)).toMatchObject({ iteration: 5, value: 1 });
  });
});
