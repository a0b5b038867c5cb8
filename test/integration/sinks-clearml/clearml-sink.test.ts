import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { eventually } from "../../support/fake-clock.js";
import { checkpoint, final, line, model, progress, record, storedFile } from "../../unit/sinks/clearml/facts.js";
import { ClearMLBench } from "./clearml-bench.js";

let bench: ClearMLBench;
beforeEach(async () => {
  bench = await ClearMLBench.start();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const statuses = (outcomes: readonly { status: string }[]) => outcomes.map(({ status }) => status);
const delivered = { status: "delivered" };

describe("a job's whole story at the embedded server", () => {
  it("arrives: charts, console, files, models, parameters, end", async () => {
    const job = bench.job();
    expect(await job.open()).toEqual(delivered);
    const taskId = job.bound[0]!.id;
    const records = [
      record(1, { kind: "started", operation: "training", totalEpochs: 2, message: "here we go" }),
      record(2, {
        kind: "hyperparameters",
        section: "General",
        values: { lr: { value: "0.1", type: "float" }, since: { value: "2024-01-31" } },
      }),
      record(3, { kind: "configuration", name: "job", text: '{"epochs":2}', type: "json" }),
      record(4, progress({ epoch: 1, percent: 50, metrics: { train_loss: 0.5, "val/accuracy": 0.8, learning_rate: 1e-3, broken: "NaN" } })),
      record(5, checkpoint({ type: "last", epoch: 1 })),
      record(
        6,
        progress({ epoch: 2, percent: 100, metrics: { train_loss: 0.25, "val/accuracy": 0.9, learning_rate: 1e-4, "2024-01-31": 7 } }),
      ),
      record(7, checkpoint({ type: "best", isBest: true, epoch: 2, framework: "PyTorch", metrics: { accuracy: 0.9 } })),
      record(8, model({ tags: ["prod-candidate"], labels: { cat: 0 }, framework: "PyTorch", datasets: ["mnist"], publish: true })),
      record(9, { kind: "artifact", name: "confusion", type: "dict", uri: "https://x/y.json", preview: "{}", metadata: { rows: "10" } }),
      record(10, { kind: "tags", add: ["nightly"], remove: [] }),
      record(11, { kind: "scalar", title: "Summary", series: "seconds", value: 12.5 }),
      record(12, line("12:34:56")),
      record(13, { kind: "log", level: "error", message: "a\r 50 %\r100 %" }),
    ];
    expect(statuses(await job.deliver(records))).toEqual(records.map(() => "delivered"));
    expect(await job.deliver([record(14, final({ finalMetrics: { accuracy: 0.9 }, results: { images: 3 } }))])).toEqual([delivered]);

    const task = await bench.task(taskId);
    expect(task).toMatchObject({
      name: "Training Job 42",
      type: "training",
      status: "completed",
      status_reason: "trainer-sdk: completed",
      tags: ["nightly"],
      system_tags: ["trainer-sdk:training:-:42"],
      last_iteration: 2,
      runtime: { progress: "100" },
      hyperparams: {
        General: { lr: { value: "0.1", type: "float" }, since: { value: "2024-01-31 " } },
        Datasets: { mnist: { value: "mnist" } },
      },
    });
    expect(JSON.parse(task.configuration!["Results"]!.value!)).toEqual({ images: 3 });
    expect(task.execution!.artifacts!.map(({ key, uri }) => [key, uri])).toEqual([
      ["checkpoint_best", storedFile().uri],
      ["checkpoint_last", storedFile().uri],
      ["confusion", "https://x/y.json"],
    ]);
    expect(await bench.line(taskId, "loss", "train")).toEqual([
      [1, 0.5],
      [2, 0.25],
    ]);
    expect(await bench.line(taskId, "nonfinite", "broken/metrics")).toEqual([[1, 1]]);
    expect(await bench.line(taskId, "2024-01-31_", "metrics")).toEqual([[2, 7]]);
    expect((await bench.console(taskId)).map(({ level, msg }) => [level, msg])).toEqual([
      ["info", "here we go"],
      ["info", "12:34:56 "],
      ["error", "100 %"],
    ]);
    const { tasks: singles } = await bench.reader.session.call("events.get_task_single_value_metrics", { tasks: [taskId] });
    expect(Object.fromEntries(singles![0]!.values.map(({ variant, value }) => [variant, value]))).toEqual({ seconds: 12.5, accuracy: 0.9 });

    const { models } = await bench.reader.session.call("models.get_all", { task: [taskId], order_by: ["created"] });
    expect(models.map(({ name, ready, framework, project }) => [name, ready, framework, project])).toEqual([
      ["Training Job 42 - checkpoint_best", false, "PyTorch", task.project],
      ["detector", true, "PyTorch", task.project],
    ]);
    expect(task.models!.output!.map(({ name, model: id }) => [name, id])).toEqual([
      ["checkpoint_best", models[0]!.id],
      ["detector", models[1]!.id],
    ]);
  });

  it("draws 2,000 metrics of one report, hyphens and all, and loses none", async () => {
    const job = bench.job();
    await job.open();
    // The two of each pair are one event to the server: title and series joined by a hyphen.
    const names = Array.from({ length: 1000 }, (_, index) => [`${String(index)}-x/y`, `x/y-${String(index)}`]).flat();
    const metrics = Object.fromEntries(names.map((name, index) => [name, index]));
    expect(statuses(await job.deliver([record(1, progress({ epoch: 1, metrics }))]))).toEqual(["delivered"]);
    const { metrics: charts } = await bench.reader.session.call("events.get_scalar_metrics_and_variants", { task: job.bound[0]!.id });
    expect(Object.values(charts).flat()).toHaveLength(2000);
  });

  it("keeps a status that it was given by the worker's rule: the outcome is left, the end is not announced", async () => {
    const job = bench.job({ owner: "worker" });
    await job.open();
    expect(await job.deliver([record(1, final({ status: "failed", error: { name: "OOM", message: "out of memory" } }))])).toEqual([
      delivered,
    ]);
    const task = await bench.task(job.bound[0]!.id);
    expect(task.status).toBe("in_progress");
    expect(JSON.parse(task.runtime!["trainer_sdk_outcome"] as string)).toMatchObject({ status: "failed", error: { name: "OOM" } });
  });
});

describe("faults of the server", () => {
  it("keeps every console line once when an answer is dropped after the work was done", async () => {
    const job = bench.job();
    await job.open();
    const lines = Array.from({ length: 20 }, (_, index) => record(index + 1, line(`line ${String(index + 1)}`)));
    bench.server.faults.set("api", { mode: "drop-answer", match: "events.add_batch", times: 1 });
    expect(await job.deliver(lines)).toMatchObject([
      { status: "retry", cause: "unreachable" },
      ...lines.slice(1).map(() => ({ status: "retry" })),
    ]);
    expect(statuses(await job.deliver(lines, { ambiguous: true }))).toEqual(lines.map(() => "delivered"));
    const console = await bench.console(job.bound[0]!.id);
    expect(console.map(({ msg }) => msg)).toEqual(lines.map((_, index) => `line ${String(index + 1)}`));
  });

  it.each(["tasks.create", "projects.create", "models.create", "tasks.add_or_update_artifacts", "tasks.completed", "tasks.started"])(
    "makes no second thing when the answer to %s is dropped",
    async (endpoint) => {
      const job = bench.job();
      bench.server.faults.set("api", { mode: "drop-answer", match: endpoint, times: 1 });
      while ((await job.open()).status !== "delivered");
      for (const own of [record(1, model()), record(2, checkpoint({ isBest: true })), record(3, final())])
        while ((await job.deliver([own]))[0]!.status !== "delivered");
      expect(bench.server.faults.hits("api")).toBe(1);
      const [task, ...others] = await bench.tasks();
      expect(others).toEqual([]);
      expect(task).toMatchObject({ status: "completed" });
      expect((await bench.reader.session.call("projects.get_all", { name: "^Project 7$" })).projects).toHaveLength(1);
      expect((await bench.reader.session.call("models.get_all", {})).models).toHaveLength(2);
      expect(task!.execution!.artifacts).toHaveLength(1);
    },
  );

  it.each([
    ["refuses", { mode: "refuse" }, "unreachable"],
    ["answers 503", { mode: "status", status: 503, retryAfter: "7" }, "unreachable"],
    ["answers 500 in plain text", { mode: "status", status: 500 }, "answered"],
    ["answers garbage", { mode: "garbage" }, "answered"],
    ["tears the answer", { mode: "reset-mid-body" }, "unreachable"],
  ] as const)("has the records wait while the server %s, in open and in delivery", async (_name, fault, cause) => {
    const job = bench.job();
    const clear = bench.server.faults.set("api", fault);
    expect(await job.open()).toMatchObject({ status: "retry", cause });
    clear();
    expect(await job.open()).toEqual(delivered);
    const records = [record(1, progress({ epoch: 1, metrics: { a: 1 } })), record(2, checkpoint())];
    bench.server.faults.set("api", fault);
    const outcomes = await job.deliver(records);
    expect(outcomes).toMatchObject([
      { status: "retry", cause },
      { status: "retry", cause },
    ]);
    if ("retryAfter" in fault) expect(outcomes[0]).toMatchObject({ retryAfterMs: 7_000 });
    bench.server.faults.clear();
    expect(statuses(await job.deliver(records, { ambiguous: true }))).toEqual(["delivered", "delivered"]);
  });

  it("lets go of a server that hangs when the outbox closes", async () => {
    const job = bench.job();
    await job.open();
    bench.server.faults.set("api", { mode: "hang" });
    const closing = new AbortController();
    const pending = job.deliver([record(1, line("x")), record(2, final())], { signal: closing.signal });
    await eventually(() => bench.server.faults.hits("api") > 0);
    closing.abort(new Error("closing"));
    expect(await pending).toMatchObject([{ status: "retry", cause: "unreachable" }, { status: "retry" }]);
  });

  it("logs in again when its token is revoked, and delivers", async () => {
    const job = bench.job();
    await job.open();
    bench.server.faults.set("api", { mode: "expire-tokens" });
    expect(statuses(await job.deliver([record(1, line("x"))]))).toEqual(["delivered"]);
  });
});

describe("several processes and other people", () => {
  it("makes one task of two processes that start the same job at the same time", async () => {
    const jobs = Array.from({ length: 4 }, () => bench.job());
    expect(await Promise.all(jobs.map((job) => job.open()))).toEqual(jobs.map(() => delivered));
    const [task, ...others] = await bench.tasks();
    expect(others).toEqual([]);
    expect(jobs.map((job) => job.bound.at(-1)!.id)).toEqual(jobs.map(() => task!.id));
  });

  it("keeps the newest checkpoint of a type when an older one's upload ends after it, in the next process too", async () => {
    const job = bench.job();
    await job.open();
    const taskId = job.bound[0]!.id;
    const best = (name: string) =>
      checkpoint({ type: "best", isBest: true, file: storedFile({ uri: `s3://bucket/${name}.pt`, key: `${name}.pt` }) });
    const uris = async () => {
      const task = await bench.task(taskId);
      const models = await bench.reader.models.getPage({ task: [taskId] });
      return [...task.execution!.artifacts!.map(({ uri }) => uri), ...models.models.map(({ uri }) => uri)];
    };
    expect(await job.deliver([record(5, best("newer")), record(3, best("older"))])).toEqual([delivered, delivered]);
    expect(await uris()).toEqual(["s3://bucket/newer.pt", "s3://bucket/newer.pt"]);
    const again = bench.job({}, job.values);
    await again.open();
    expect(await again.deliver([record(4, best("older"))])).toEqual([delivered]);
    expect(await uris()).toEqual(["s3://bucket/newer.pt", "s3://bucket/newer.pt"]);
    expect(await again.deliver([record(6, best("newest"))])).toEqual([delivered]);
    expect(await uris()).toEqual(["s3://bucket/newest.pt", "s3://bucket/newest.pt"]);
  });

  it("hears a stop that somebody asked for in ClearML", async () => {
    const job = bench.job();
    await job.open();
    await bench.reader.session.call("tasks.stop", { task: job.bound[0]!.id });
    await job.clock.advance(5_000);
    await eventually(() => job.stops.length > 0);
    expect(job.stops[0]).toContain("is now stopped");
    expect(
      await job.deliver([
        record(1, checkpoint()),
        record(2, { kind: "hyperparameters", section: "General", values: { a: { value: "1" } } }),
      ]),
    ).toEqual([delivered, delivered]);
    expect(await job.deliver([record(3, model())])).toEqual([delivered]);
    expect(await job.deliver([record(4, final({ status: "stopped", reason: "asked for" }))])).toEqual([delivered]);
    const task = await bench.task(job.bound[0]!.id);
    expect(task).toMatchObject({ status: "stopped", status_message: "asked for", hyperparams: { General: { a: { value: "1" } } } });
    expect(task.execution!.artifacts).toHaveLength(1);
    expect(task.models!.output).toHaveLength(1);
  });

  it("goes on with a failed task when the job starts again, and ends it well", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([record(1, final({ status: "failed", error: { name: "Error", message: "boom" } }))]);
    expect(await bench.task(job.bound[0]!.id)).toMatchObject({ status: "failed", status_message: "Error: boom" });
    const again = bench.job({}, job.values);
    await again.open();
    await again.deliver([record(2, progress({ epoch: 1, metrics: { a: 1 } }))]);
    expect((await bench.task(job.bound[0]!.id)).status).toBe("in_progress");
    await again.deliver([record(3, final())]);
    expect((await bench.task(job.bound[0]!.id)).status).toBe("completed");
  });

  it("replaces a task that somebody deletes, and says so on the new one", async () => {
    const said: string[] = [];
    const job = bench.job({ logger: { ...silentLogger, info: (message) => said.push(message) } });
    await job.open();
    const deleted = job.bound[0]!.id;
    await bench.reader.session.call("tasks.delete", { task: deleted, force: true });
    expect(
      statuses(await job.deliver([record(1, line("a")), record(2, checkpoint()), record(3, progress({ epoch: 1, metrics: { x: 1 } }))])),
    ).toEqual(["delivered", "delivered", "delivered"]);
    const [task, ...others] = await bench.tasks();
    expect(others).toEqual([]);
    expect(task).toMatchObject({ status: "in_progress", comment: expect.stringContaining(deleted) });
    expect(await bench.line(task!.id, "x", "metrics")).toEqual([[1, 1]]);
    expect(await bench.console(task!.id)).toHaveLength(1);
    const pages = job.bound.map(({ webUrl }) => `ClearML shows the job at ${String(webUrl)}`);
    expect(pages).toHaveLength(2);
    expect(said.filter((text) => text.includes("http"))).toEqual(pages);
  });

  it("takes nothing out of a published task, and leaves its status", async () => {
    const job = bench.job();
    await job.open();
    const { id } = job.bound[0]!;
    await job.deliver([record(1, line("a"))]);
    await bench.reader.session.call("tasks.publish", { task: id, force: true });
    const refused = { status: "rejected", reason: expect.stringContaining("published") };
    const records = [
      record(2, line("b")),
      record(3, progress({ epoch: 1, metrics: { a: 1 } })),
      record(4, { kind: "tags", add: ["t"], remove: [] }),
    ];
    expect(await job.deliver(records)).toMatchObject([refused, refused, delivered]);
    expect(await job.deliver([record(5, checkpoint())])).toMatchObject([{ status: "rejected" }]);
    expect(await job.deliver([record(6, final())])).toEqual([delivered]);
    expect((await bench.task(id)).status).toBe("published");
  });
});
