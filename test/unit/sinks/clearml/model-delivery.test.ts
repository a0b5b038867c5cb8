import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../../src/base/logger.js";
import { bestModelTag, deliverBestModel, deliverModel, registeredModelTag } from "../../../../src/sinks/clearml/model-delivery.js";
import { checkpoint, model, record, storedFile } from "./facts.js";
import { noAnswer, scriptedPort, type Loose } from "./scripted-port.js";
import { taskServer } from "./task-server.js";

function aTask() {
  const server = taskServer();
  server.script["tasks.create"]!({ name: "t", system_tags: [] }, new AbortController().signal);
  server.tasks.get("task-1").status = "in_progress";
  const port = scriptedPort({ ...server.script });
  const calls = { port, taskId: "task-1", projectId: "project-1", signal: new AbortController().signal };
  return { server, port, calls, task: () => server.tasks.get("task-1") };
}

/** The work is done, and nobody hears of it. */
function loseAnswer(server: ReturnType<typeof taskServer>, port: ReturnType<typeof scriptedPort>, endpoint: string): void {
  const work = server.script[endpoint]!;
  port.script[endpoint] = (request, signal) => {
    work(request, signal);
    port.script[endpoint] = work;
    throw noAnswer();
  };
}

describe("registered models", () => {
  it("creates a model with its final fields, unpublished, with its lineage, and lists it at the task", async () => {
    const { server, calls, task } = aTask();
    const fact = model({
      framework: "PyTorch",
      tags: ["prod-candidate"],
      labels: { cat: 0 },
      comment: "good",
      metadata: { "a.b": "2024-01-31" },
      metrics: { accuracy: 0.9 },
      parentModelId: "parent",
      datasets: ["coco", "own"],
      epoch: 7,
    });
    await deliverModel(calls, record(5, fact), fact, silentLogger);
    expect([...server.models.values()]).toMatchObject([
      {
        name: "detector",
        uri: storedFile().uri,
        ready: false,
        task: "task-1",
        project: "project-1",
        framework: "PyTorch",
        tags: ["prod-candidate"],
        labels: { cat: 0 },
        comment: "good",
        parent: "parent",
        system_tags: [registeredModelTag(record(5, fact).id)],
        metadata: {
          "a.b": { key: "a.b", type: "str", value: "2024-01-31 " },
          "metrics/accuracy": { value: "0.9" },
          datasets: { value: "coco, own" },
          sha256: { value: storedFile().sha256 },
        },
      },
    ]);
    expect(task().output).toEqual([{ name: "detector", model: "model-1" }]);
    expect(Object.keys(task().hyperparams.Datasets)).toEqual(["coco", "own"]);
  });

  it("makes one model of one record, although the answer to the creation was lost", async () => {
    const { server, port, calls, task } = aTask();
    const fact = model();
    loseAnswer(server, port, "models.create");
    await expect(deliverModel(calls, record(5, fact), fact, silentLogger)).rejects.toThrow("no answer");
    await deliverModel(calls, record(5, fact), fact, silentLogger);
    expect(server.models.size).toBe(1);
    expect(task().output).toEqual([{ name: "detector", model: "model-1" }]);
  });

  it("makes two models of two records of the same name", async () => {
    const { server, calls } = aTask();
    const fact = model();
    await deliverModel(calls, record(5, fact), fact, silentLogger);
    await deliverModel(calls, record(6, fact), fact, silentLogger);
    expect(server.models.size).toBe(2);
  });

  it("publishes the model alone, and takes one that is published already for done", async () => {
    const { server, port, calls } = aTask();
    const fact = model({ publish: true });
    await deliverModel(calls, record(5, fact), fact, silentLogger);
    await deliverModel(calls, record(5, fact), fact, silentLogger);
    expect(server.models.get("model-1").ready).toBe(true);
    expect(port.requests("models.set_ready")[0]).toEqual({ model: "model-1", publish_task: false });
  });
});

describe("the model of a best checkpoint", () => {
  const better = checkpoint({ isBest: true, epoch: 9, file: storedFile({ uri: "s3://bucket/better" }) });

  it("is one model that follows the best", async () => {
    const { server, calls, task } = aTask();
    await deliverBestModel(calls, checkpoint({ isBest: true, framework: "ONNX" }), "Job 42", silentLogger);
    await deliverBestModel(calls, better, "Job 42", silentLogger);
    expect([...server.models.values()]).toMatchObject([
      {
        name: "Job 42 - checkpoint_best",
        ready: false,
        uri: "s3://bucket/better",
        iteration: 9,
        system_tags: [bestModelTag("task-1", "best")],
        metadata: { epoch: { value: "9" } },
      },
    ]);
    expect(task().output).toEqual([{ name: "checkpoint_best", model: "model-1" }]);
  });

  it("is made once although the answer to the creation was lost", async () => {
    const { server, port, calls } = aTask();
    loseAnswer(server, port, "models.create");
    await expect(deliverBestModel(calls, better, "Job", silentLogger)).rejects.toThrow("no answer");
    await deliverBestModel(calls, better, "Job", silentLogger);
    expect(server.models.size).toBe(1);
  });

  it("leaves a published model as it is and goes on with another", async () => {
    const { server, calls, task } = aTask();
    await deliverBestModel(calls, checkpoint({ isBest: true }), "Job", silentLogger);
    server.models.get("model-1").ready = true;
    await deliverBestModel(calls, better, "Job", silentLogger);
    await deliverBestModel(calls, checkpoint({ isBest: true, file: storedFile({ uri: "s3://bucket/best-of-all" }) }), "Job", silentLogger);
    expect([...server.models.values()].map(({ uri, ready }) => [uri, ready])).toEqual([
      [storedFile().uri, true],
      ["s3://bucket/best-of-all", false],
    ]);
    expect(task().output.map(({ name }: Loose) => name)).toEqual(["checkpoint_best", "checkpoint_best (2)"]);
  });

  it("makes no second model of a checkpoint that was published meanwhile", async () => {
    const { server, calls } = aTask();
    await deliverBestModel(calls, better, "Job", silentLogger);
    server.models.get("model-1").ready = true;
    await deliverBestModel(calls, better, "Job", silentLogger);
    expect(server.models.size).toBe(1);
  });

  it("keeps the best of two types apart", async () => {
    const { server, calls } = aTask();
    await deliverBestModel(calls, checkpoint({ isBest: true }), "Job", silentLogger);
    await deliverBestModel(calls, checkpoint({ isBest: true, type: "best f1" }), "Job", silentLogger);
    expect(server.models.size).toBe(2);
  });
});
