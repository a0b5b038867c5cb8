import { describe, expect, it } from "vitest";
import { TestClearML } from "../../support/wire-client.js";

const scalar = (task: string, iter = 1) => ({ type: "training_stats_scalar", task, iter, metric: "loss", variant: "train", value: 1 });

describe("tasks.reset", () => {
  it("forgets what the task made and keeps what it was given", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({ hyperparams: { A: { x: { value: "1" } } }, script: { entry_point: "x" } }, "in_progress");
    await clearml.batch([scalar(task)]);
    const { id: model } = await clearml.ok("models.create", { name: "a model", uri: "http://m", ready: false, task });
    await clearml.ok("tasks.add_or_update_model", { task, name: "out", model, type: "output" });
    await clearml.ok("tasks.add_or_update_artifacts", { task, artifacts: [{ key: "k", type: "custom", uri: "http://a" }] });
    await clearml.ok("tasks.completed", { task });
    const reply = await clearml.ok("tasks.reset", { task, return_file_urls: true });
    expect(reply).toMatchObject({ updated: 1, deleted_models: 1, urls: { artifact_urls: ["http://a"], model_urls: ["http://m"] } });
    const read = await clearml.read(task);
    expect(read).toMatchObject({
      status: "created",
      status_reason: "reset",
      last_iteration: 0,
      last_metrics: {},
      runtime: {},
      script: { entry_point: "x" },
    });
    expect(read.hyperparams).toHaveProperty("A");
    expect(read).not.toHaveProperty("started");
    expect(read.models.output).toEqual([]);
    expect(await clearml.ok("events.scalar_metrics_iter_histogram", { task })).toEqual({});
    expect((await clearml.api("models.get_by_id", { model })).code).toBe("400/201");
  });

  it("needs force for a published task", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "published");
    expect((await clearml.api("tasks.reset", { task })).code).toBe("400/110");
    expect((await clearml.api("tasks.reset", { task, force: true })).code).toBe("200/0");
  });
});

describe("tasks.delete", () => {
  it("takes a new or an archived task, others only by force", async () => {
    const clearml = new TestClearML();
    const [created, archived, stopped] = [await clearml.task(), await clearml.task({}, "stopped"), await clearml.task({}, "stopped")];
    await clearml.ok("tasks.archive", { tasks: [archived] });
    expect((await clearml.api("tasks.delete", { task: stopped })).code).toBe("400/110");
    for (const task of [created, archived]) expect(await clearml.ok("tasks.delete", { task })).toMatchObject({ deleted: true });
    expect(await clearml.ok("tasks.delete", { task: stopped, force: true })).toMatchObject({ deleted: true });
    expect((await clearml.api("tasks.get_by_id", { task: created })).code).toBe("400/101");
  });

  it("marks the children of the deleted one", async () => {
    const clearml = new TestClearML();
    const parent = await clearml.task();
    const child = await clearml.task({ parent });
    expect(await clearml.ok("tasks.delete", { task: parent })).toMatchObject({ updated_children: 1 });
    expect((await clearml.read(child)).parent).toBe(`__DELETED__${parent}`);
  });

  it("is refused with 400/123 while published children or models depend on it", async () => {
    const clearml = new TestClearML();
    const parent = await clearml.task();
    await clearml.task({ parent }, "published");
    expect((await clearml.api("tasks.delete", { task: parent })).code).toBe("400/123");
    const task = await clearml.task();
    await clearml.ok("models.create", { name: "a model", uri: "u", ready: true, task });
    expect((await clearml.api("tasks.delete", { task })).code).toBe("400/123");
  });
});

describe("archiving", () => {
  it("stops a running task, and is told id by id with 200 also when all failed", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    const reply = await clearml.ok("tasks.archive_many", { ids: [task, "none"] });
    expect(reply.succeeded).toEqual([{ id: task, archived: true }]);
    expect(reply.failed).toMatchObject([{ id: "none", error: { codes: [400, 101] } }]);
    expect(await clearml.read(task)).toMatchObject({ status: "stopped", system_tags: ["archived"] });
    await clearml.ok("tasks.unarchive_many", { ids: [task] });
    expect((await clearml.read(task)).system_tags).toEqual([]);
  });
});

describe("tasks.clone", () => {
  it("copies what was given, not what was made, and points to the original", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task(
      { hyperparams: { A: { x: { value: "1" } }, B: { y: { value: "2" } } }, system_tags: ["development", "kept"] },
      "in_progress",
    );
    await clearml.batch([scalar(task)]);
    await clearml.ok("tasks.add_or_update_artifacts", {
      task,
      artifacts: [
        { key: "in", type: "t", mode: "input" },
        { key: "out", type: "t" },
      ],
    });
    const { id, new_project } = await clearml.ok("tasks.clone", {
      task,
      new_task_name: "the copy",
      new_project_name: "new/place",
      new_task_hyperparams: { A: { x: { value: "9" } } },
    });
    const copy = await clearml.read(id);
    expect(copy).toMatchObject({
      name: "the copy",
      status: "created",
      parent: task,
      project: new_project.id,
      last_iteration: 0,
      last_metrics: {},
      system_tags: ["kept"],
    });
    expect(copy.hyperparams).toEqual({ A: { x: { section: "A", name: "x", value: "9" } } });
    expect(copy.execution.artifacts.map((one: any) => one.key)).toEqual(["in"]);
    expect(copy).not.toHaveProperty("started");
    const { id: unnamed } = await clearml.ok("tasks.clone", { task });
    expect((await clearml.read(unnamed)).name).toBe((await clearml.read(task)).name);
  });
});

describe("queues", () => {
  it("take a task from a fresh server's default queue and give it back as it was", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({ system_tags: ["development"] });
    const { id } = await clearml.ok("queues.get_default");
    expect(await clearml.ok("tasks.enqueue", { task })).toMatchObject({
      queued: 1,
      updated: 1,
      fields: { status: "queued", "execution.queue": id },
    });
    expect(await clearml.read(task)).toMatchObject({ status: "queued", execution: { queue: id }, system_tags: [] });
    expect((await clearml.api("tasks.enqueue", { task })).code).toBe("400/706");
    expect((await clearml.ok("queues.get_num_entries", { queue: id })).num).toBe(1);
    expect(await clearml.ok("tasks.dequeue", { task })).toMatchObject({ dequeued: 1, fields: { status: "created" } });
    expect((await clearml.read(task)).execution).not.toHaveProperty("queue");
    expect((await clearml.ok("queues.get_num_entries", { queue: id })).num).toBe(0);
  });

  it("are made by name, and handed out first in, first out, without a change of status", async () => {
    const clearml = new TestClearML();
    const tasks = [await clearml.task(), await clearml.task()];
    for (const task of tasks) await clearml.ok("tasks.enqueue", { task, queue_name: "my queue" });
    const { queues } = await clearml.ok("queues.get_all", { name: "^my queue$" });
    for (const task of tasks) expect((await clearml.ok("queues.get_next_task", { queue: queues[0].id })).entry.task).toBe(task);
    expect(await clearml.ok("queues.get_next_task", { queue: queues[0].id })).toEqual({});
    expect((await clearml.read(tasks[0]!)).status).toBe("queued");
  });

  it("answer an unknown queue with 400/701 and two names for one with 400/12", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    expect((await clearml.api("tasks.enqueue", { task, queue: "none" })).code).toBe("400/701");
    expect((await clearml.api("tasks.enqueue", { task, queue: "a", queue_name: "b" })).code).toBe("400/12");
  });
});
