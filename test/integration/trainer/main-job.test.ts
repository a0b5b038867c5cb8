import { describe, expect, it } from "vitest";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();

describe("a trainer's story", () => {
  it("arrives whole at the backend and in ClearML", async () => {
    const sdk = await world.start({}, { CONFIG: '{"epochs": 2, "optimizer": {"lr": 0.1}}' });
    await sdk.reportStarted({ totalEpochs: 2 });
    for (let epoch = 1; epoch <= 2; epoch++) {
      void sdk.reportProgress({ epoch, totalEpochs: 2, metrics: { train_loss: 1 / epoch, learning_rate: 0.1 } });
      void sdk.reportValidation({ epoch, metrics: { "val/accuracy": 0.5 * epoch } });
      void sdk.log("info", `epoch ${String(epoch)} is over`);
      await sdk.uploadCheckpoint(await world.file("last.pt", `weights of ${String(epoch)}`), { type: "last", epoch });
    }
    const best = await sdk.uploadCheckpoint(await world.file("best.pt", "the best weights"), { type: "best", epoch: 2, isBest: true });
    await sdk.registerModel({ name: "detector", path: `${world.folder}/best.pt`, framework: "PyTorch", tags: ["prod-candidate"] });
    const task = sdk.currentTask();
    await task.logger.reportScalar({ title: "lr", series: "group 0", value: 0.001, iteration: 10 });
    await task.uploadArtifact({ name: "report", json: { ok: true } });
    await task.addTags("nightly");
    await sdk.reportCompleted({ finalMetrics: { accuracy: 1 } });
    expect((await sdk.flush()).complete).toBe(true);
    const receipt = await sdk.close();

    expect(receipt).toMatchObject({
      complete: true,
      sinks: { platform: { pending: 0, rejected: 0 }, clearml: { pending: 0, rejected: 0 } },
    });
    expect(world.warnings).toEqual([]);
    const { platform } = world;
    const tasks = platform.tasks();
    expect(tasks).toHaveLength(1);
    const [doc] = tasks;
    expect(doc).toMatchObject({ name: "Training Job 42", status: "completed", type: "training" });
    const id = doc?.id ?? "";
    expect(task.id).toBe(id);
    expect(platform.scalars(id)).toMatchObject({
      "loss/train": [
        { iteration: 1, value: 1 },
        { iteration: 2, value: 0.5 },
      ],
      "learning_rate/metrics": [
        { iteration: 1, value: 0.1 },
        { iteration: 2, value: 0.1 },
      ],
      "accuracy/val": [
        { iteration: 1, value: 0.5 },
        { iteration: 2, value: 1 },
      ],
      "lr/group 0": [{ iteration: 10, value: 0.001 }],
    });
    expect(platform.singleValues(id)).toEqual({ accuracy: 1 });
    expect(platform.lines(id).map(({ message }) => message)).toEqual(["epoch 1 is over", "epoch 2 is over"]);
    expect(
      platform
        .artifacts(id)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["checkpoint_best", "checkpoint_last", "report"]);
    expect(platform.models(id).map(({ name }) => name)).toContain("detector");
    expect(doc?.hyperparams["General"]).toMatchObject({ epochs: { value: "2" }, "optimizer/lr": { value: "0.1" } });
    expect(doc?.tags).toContain("nightly");
    expect(Buffer.from((await platform.contentOf(best.uri ?? "")) ?? []).toString()).toBe("the best weights");

    const paths = platform.callbacks().map(({ path }) => path);
    expect(paths.filter((path) => path === "/progress")).toHaveLength(2);
    expect(paths[0]).toBe("/started");
    expect(paths.at(-1)).toBe("/completed");
    expect(paths.filter((path) => path === "/completed")).toHaveLength(1);
    expect(paths.filter((path) => path === "/model")).toHaveLength(1);
  });

  it.each([
    ["inference", "Inference Job 42"],
    ["evaluation", "Evaluation Job 42"],
    ["export", "Export Job 42"],
  ] as const)("is told for %s jobs too", async (operation, name) => {
    const sdk = await world.start({}, { OPERATION_TYPE: operation });
    await sdk.reportStarted();
    await sdk.reportProgress({ percent: 50 });
    await sdk.reportCompleted({ results: { images: 3, output: "s3://bucket/out" } });
    expect((await sdk.close()).complete).toBe(true);
    expect(world.platform.tasks()).toMatchObject([{ status: "completed", name }]);
    expect(world.platform.callbacks("/completed")[0]?.body).toMatchObject({ operation_type: operation, results: { images: 3 } });
  });

  it.each([
    ["failed", (sdk: Awaited<ReturnType<typeof world.start>>) => sdk.reportFailed(new Error("CUDA out of memory"))],
    ["stopped", (sdk: Awaited<ReturnType<typeof world.start>>) => sdk.reportStopped("asked to")],
  ] as const)("can end as %s", async (status, end) => {
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await end(sdk);
    expect((await sdk.close()).complete).toBe(true);
    expect(world.platform.tasks()).toMatchObject([{ status }]);
    expect(world.platform.callbacks(`/${status}`)).toHaveLength(1);
  });

  it("runs again when it starts again before its first end was delivered: the task does not stay completed", async () => {
    const first = await world.start();
    await first.reportProgress({ epoch: 1, totalEpochs: 2, metrics: { loss: 1 } });
    await first.flush();
    world.platform.faults.set("api", { mode: "status", status: 503 });
    await first.reportCompleted();
    expect((await first.close({ deadlineMs: 100 })).complete).toBe(false);
    world.platform.faults.clear();

    const second = await world.start();
    await second.reportProgress({ epoch: 2, totalEpochs: 2, metrics: { loss: 0.5 } });
    await second.flush();
    expect(world.platform.tasks()).toMatchObject([{ status: "in_progress", runtime: { progress: "100" } }]);
    await second.reportFailed(new Error("out of memory"));
    expect((await second.close()).complete).toBe(true);
    expect(world.platform.tasks()).toMatchObject([{ status: "failed" }]);
  });

  it("goes on with the same task when the job starts again after its journal was lost", async () => {
    const first = await world.start({}, { TRAINER_JOURNAL_DIR: `${world.folder}/one` });
    await first.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await first.flush();
    await first.close();
    const second = await world.start({}, { TRAINER_JOURNAL_DIR: `${world.folder}/two` });
    await second.reportProgress({ epoch: 2, metrics: { loss: 0.5 } });
    await second.reportCompleted();
    await second.close();
    const tasks = world.platform.tasks();
    expect(tasks).toHaveLength(1);
    expect(world.platform.scalars(tasks[0]?.id ?? "")).toMatchObject({
      "loss/metrics": [
        { iteration: 1, value: 1 },
        { iteration: 2, value: 0.5 },
      ],
    });
  });
});

describe("a wish to stop", () => {
  it("aborts the signal when it is made in ClearML", async () => {
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.flush();
    const task = await sdk.currentTask().bound();
    const stopped = new Promise<string>((resolve) =>
      sdk.on("stop", ({ source }) => {
        resolve(source);
      }),
    );
    await world.platform.call("tasks.stop", { task: task?.id ?? "" });
    expect(await stopped).toBe("clearml");
    expect(sdk.signal.aborted).toBe(true);
    expect(sdk.signal.reason).toMatchObject({ code: "STOP_REQUESTED", source: "clearml" });
    await sdk.reportStopped("asked for in ClearML");
    await sdk.close();
    expect(world.platform.tasks()).toMatchObject([{ status: "stopped" }]);
  });

  it("aborts the signal when the backend answers with it", async () => {
    const sdk = await world.start();
    world.platform.askToStop("42", "budget is spent");
    const stopped = new Promise<string>((resolve) =>
      sdk.on("stop", ({ message }) => {
        resolve(message);
      }),
    );
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    expect(await stopped).toBe("budget is spent");
    expect(sdk.stats().stopRequested).toMatchObject({ source: "platform" });
  });

  it("aborts the signal when the caller's own signal does", async () => {
    const outer = new AbortController();
    const sdk = await world.start({ signal: outer.signal });
    outer.abort(new Error("the activity was cancelled"));
    expect(sdk.signal.reason).toMatchObject({ source: "caller", message: "the activity was cancelled" });
  });
});
