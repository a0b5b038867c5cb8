import { describe, expect, it } from "vitest";
import { checkpoint, final, line, progress, record } from "./facts.js";
import { noAnswer, raise, refusal } from "./scripted-port.js";
import { aJob, delivered, statuses } from "./sink-job.js";

describe("delivering", () => {
  it("keeps the order of records, and shares requests between neighbours", async () => {
    const job = aJob();
    await job.open();
    job.port.calls.length = 0;
    const outcomes = await job.deliver(
      record(1, progress({ epoch: 1, metrics: { a: 1 } })),
      record(2, line("x")),
      record(3, checkpoint()),
      record(4, { kind: "tags", add: ["t"], remove: [] }),
      record(5, line("y")),
      record(6, line("z")),
    );
    expect(statuses(outcomes)).toEqual(Array(6).fill("delivered"));
    expect(job.port.calls.map(({ endpoint }) => endpoint)).toEqual([
      "events.add_batch",
      "tasks.add_or_update_artifacts",
      "tasks.update_tags",
      "events.add_batch",
    ]);
    await job.sink.close();
  });

  it("gives up one refused artifact and goes on with its neighbours", async () => {
    const job = aJob();
    await job.open();
    job.port.script["tasks.add_or_update_artifacts"] = ({ artifacts }, signal) =>
      artifacts[0].key === "checkpoint_bad"
        ? raise(refusal(400, 12))
        : job.server.script["tasks.add_or_update_artifacts"]!({ task: "task-1", artifacts }, signal);
    const outcomes = await job.deliver(
      record(1, checkpoint({ type: "bad" })),
      record(2, checkpoint({ type: "last" })),
      record(3, line("x")),
    );
    expect(statuses(outcomes)).toEqual(["rejected", "delivered", "delivered"]);
    await job.sink.close();
  });

  it("sends nothing after a record that must wait", async () => {
    const job = aJob();
    await job.open();
    job.port.script["tasks.add_or_update_artifacts"] = () => raise(noAnswer());
    job.port.calls.length = 0;
    const outcomes = await job.deliver(record(1, line("a")), record(2, checkpoint()), record(3, line("b")));
    expect(statuses(outcomes)).toEqual(["delivered", "retry", "retry"]);
    expect(job.port.requests("events.add_batch")).toHaveLength(1);
    await job.sink.close();
  });

  it("leaves it to the outbox to find the one bad event", async () => {
    const job = aJob();
    await job.open();
    job.port.script["events.add_batch"] = () => raise(refusal(500, 100));
    expect(statuses(await job.deliver(record(1, checkpoint()), record(2, line("a")), record(3, line("b"))))).toEqual([
      "delivered",
      "undecided",
      "undecided",
    ]);
    await job.sink.close();
  });

  it("tells the percentage once for a batch, when the whole percent changed, and lets nothing depend on it", async () => {
    const job = aJob();
    await job.open();
    const at = (sequence: number, percent: number) => record(sequence, progress({ percent }));
    await job.deliver(at(1, 1), at(2, 2), at(3, 2.5));
    await job.deliver(at(4, 2.9));
    await job.deliver(at(5, 3));
    expect(job.port.requests("tasks.edit_runtime").map(({ add_or_update }) => add_or_update)).toEqual([
      { progress: "2" },
      { progress: "3" },
    ]);
    job.port.script["tasks.edit_runtime"] = () => raise(refusal(400, 110));
    expect(statuses(await job.deliver(at(6, 50)))).toEqual(["delivered"]);
    await job.sink.close();
  });

  it("uses the caller's rule of names, and its own where that one fails", async () => {
    const job = aJob({ metricAddress: (name) => (name === "a" ? { title: "mine", series: "a" } : raise(new Error("no"))) });
    await job.open();
    await job.deliver(record(1, progress({ epoch: 1, metrics: { a: 1, train_b: 2, train_c: 3 } })));
    expect(job.server.events.map(({ metric, variant }) => `${metric}/${variant}`)).toEqual(["mine/a", "b/train", "c/train"]);
    expect(job.logger.lines.filter((text) => text.includes("metricAddress"))).toHaveLength(1);
    await job.sink.close();
  });
});

describe("a task that somebody deletes", () => {
  it("is replaced once, loudly, and the batch goes to the new one", async () => {
    const job = aJob();
    await job.open();
    await job.deliver(record(1, line("a")));
    job.server.tasks.delete("task-1");
    job.server.tasks.set("x", { id: "x", system_tags: [], status: "created" });
    expect(statuses(await job.deliver(record(2, line("b")), record(3, checkpoint())))).toEqual(["delivered", "delivered"]);
    const replacement = job.bound[1]!.id;
    expect(job.task(replacement)).toMatchObject({ status: "in_progress", comment: expect.stringContaining("task-1") });
    expect(job.task(replacement).artifacts).toHaveLength(1);
    expect(job.logger.lines.filter((text) => text.startsWith("error") && text.includes("deleted"))).toHaveLength(1);
    await job.clock.advance(5_000);
    expect(job.port.requests("tasks.get_all").at(-1)).toMatchObject({ id: [replacement] });

    job.server.tasks.delete(replacement);
    expect(statuses(await job.deliver(record(4, line("c")), record(5, line("d"))))).toEqual(["rejected", "rejected"]);
    expect(job.bound).toHaveLength(2);
    await job.sink.close();
  });

  it("is replaced at the next start as well", async () => {
    const job = aJob();
    await job.open();
    job.server.tasks.delete("task-1");
    const again = await job.restart();
    expect(await again.open()).toEqual(delivered);
    expect(job.server.tasks.size).toBe(1);
    expect(again.logger.lines.some((text) => text.includes("was deleted"))).toBe(true);
    await again.sink.close();
  });

  it("is not suspected when its existence cannot be asked for", async () => {
    const job = aJob();
    await job.open();
    job.port.script["tasks.add_or_update_artifacts"] = () => raise(refusal(400, 12));
    job.port.script["tasks.get_all"] = () => raise(noAnswer());
    expect(await job.deliver(record(1, checkpoint()))).toMatchObject([{ status: "retry", cause: "unreachable" }]);
    await job.sink.close();
  });
});

describe("the end", () => {
  it("writes figures and results, then the status, and stops watching", async () => {
    const job = aJob();
    await job.open();
    const outcomes = await job.deliver(record(9, final({ finalMetrics: { accuracy: 0.97 }, results: { images: 12 } })));
    expect(statuses(outcomes)).toEqual(["delivered"]);
    expect(job.server.events).toMatchObject([{ metric: "Summary", variant: "accuracy", value: 0.97 }]);
    expect(JSON.parse(job.task().configuration.Results.value)).toEqual({ images: 12 });
    expect(job.task()).toMatchObject({ status: "completed", status_reason: "trainer-sdk: completed", runtime: { progress: "100" } });
    expect(job.clock.sleeping).toBe(0);
  });

  it("does not stamp an end anew that is there already", async () => {
    const job = aJob();
    await job.open();
    await job.deliver(record(9, final()));
    await job.deliver(record(9, final()));
    expect(job.port.requests("tasks.completed")).toHaveLength(1);
  });

  it("comes although the figures are refused, and waits while they cannot be taken", async () => {
    const job = aJob();
    await job.open();
    job.port.script["events.add_batch"] = () => raise(noAnswer());
    const end = record(9, final({ finalMetrics: { a: 1 } }));
    expect(await job.deliver(end)).toMatchObject([{ status: "retry" }]);
    expect(job.task().status).toBe("in_progress");
    // The job still runs as far as ClearML knows, so its wishes are heard.
    expect(job.clock.sleeping).toBe(2);
    job.port.script["events.add_batch"] = () => raise(refusal(500, 100));
    expect(await job.deliver(end)).toEqual([delivered]);
    expect(job.task().status).toBe("completed");
  });

  it("reads and plans again when somebody changed the status in between", async () => {
    const job = aJob();
    await job.open();
    let raced = false;
    job.port.script["tasks.completed"] = (request, signal) => {
      if (raced) return job.server.script["tasks.completed"]!(request, signal);
      raced = true;
      job.task().status = "failed";
      throw refusal(400, 121);
    };
    expect(await job.deliver(record(9, final()))).toEqual([delivered]);
    expect(job.task().status).toBe("completed");
    expect(job.port.requests("tasks.started").at(-1)).toMatchObject({ force: true });
  });

  it("leaves a published task as it is, with a warning", async () => {
    const job = aJob();
    await job.open();
    job.task().status = "published";
    expect(await job.deliver(record(9, final()))).toEqual([delivered]);
    expect(job.task().status).toBe("published");
    expect(job.logger.lines.some((text) => text.includes("published"))).toBe(true);
  });

  it("leaves the outcome to the worker where the worker owns the end", async () => {
    const job = aJob({ owner: "worker" });
    await job.open();
    const end = record(
      9,
      final({ status: "failed", error: { name: "OOM", message: "out of memory" }, epoch: 3, finalMetrics: { loss: "NaN" } }),
    );
    expect(await job.deliver(end)).toEqual([delivered]);
    expect(job.task().status).toBe("in_progress");
    expect(JSON.parse(job.task().runtime.trainer_sdk_outcome)).toMatchObject({
      status: "failed",
      run_id: end.runId,
      sequence: 9,
      epoch: 3,
      error: { name: "OOM", message: "out of memory" },
      final_metrics: { loss: "NaN" },
    });
  });
});
