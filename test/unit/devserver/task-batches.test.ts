import { describe, expect, it } from "vitest";
import { TestClearML } from "../../support/wire-client.js";

describe("several tasks at once", () => {
  it("move to a project that is made where it is missing", async () => {
    const clearml = new TestClearML();
    const [one, other] = [await clearml.task(), await clearml.task()];
    const { project_id, updated } = await clearml.ok("tasks.move", { ids: [one, other], project_name: "new/place" });
    expect(updated).toBe(2);
    expect((await clearml.read(one)).project).toBe(project_id);
    expect((await clearml.ok("projects.get_by_id", { project: project_id })).project.name).toBe("new/place");
    expect((await clearml.api("tasks.move", { ids: [one] })).code).toBe("400/11");
    expect((await clearml.api("tasks.move", { ids: ["none"], project_name: "new/place" })).code).toBe("400/101");
  });

  it("are queued and taken back, each with its own outcome", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    const queued = await clearml.ok("tasks.enqueue_many", { ids: [task, task, "none"], queue_name: "a queue" });
    expect(queued.succeeded).toMatchObject([{ id: task, queued: true, updated: 1, fields: { status: "queued" } }]);
    expect(queued.failed.map(({ error }: any) => error.codes)).toEqual([
      [400, 706],
      [400, 101],
    ]);
    const back = await clearml.ok("tasks.dequeue_many", { ids: [task, task] });
    expect(back.succeeded).toMatchObject([{ id: task, dequeued: true }]);
    expect(back.failed).toMatchObject([{ id: task, error: { codes: [400, 110] } }]);
    expect((await clearml.read(task)).status).toBe("created");
  });

  it("are published where their state allows it", async () => {
    const clearml = new TestClearML();
    const [ended, running] = [await clearml.task({}, "completed"), await clearml.task({}, "in_progress")];
    const reply = await clearml.ok("tasks.publish_many", { ids: [ended, running] });
    expect(reply.succeeded).toMatchObject([{ id: ended, fields: { status: "published" } }]);
    expect(reply.failed).toMatchObject([{ id: running, error: { codes: [400, 110] } }]);
  });
});

describe("pipelines.start_pipeline", () => {
  it("queues a numbered copy of the controller with other arguments", async () => {
    const clearml = new TestClearML();
    const { id: project } = await clearml.ok("projects.create", { name: "team/.pipelines/nightly", system_tags: ["pipeline", "hidden"] });
    const controller = await clearml.task({
      name: "nightly",
      project,
      type: "controller",
      system_tags: ["pipeline"],
      hyperparams: { Args: { lr: { value: "1" }, depth: { value: "3" } } },
    });
    const { id: queue } = await clearml.ok("queues.create", { name: "a queue" });
    const { pipeline, enqueued } = await clearml.ok("pipelines.start_pipeline", {
      task: controller,
      queue,
      args: [{ name: "lr", value: "2" }],
    });
    expect(enqueued).toBe(true);
    const run = await clearml.read(pipeline);
    expect(run).toMatchObject({ name: "nightly #2", status: "queued", project, type: "controller" });
    expect(Object.values<any>(run.hyperparams.Args).map(({ name, value }) => [name, value])).toEqual([
      ["lr", "2"],
      ["depth", "3"],
    ]);
    expect((await clearml.read(controller)).hyperparams.Args.lr.value).toBe("1");
  });
});

describe("endpoints of older APIs", () => {
  it.each(["models.get_by_task_id", "models.update_for_task"])("%s says what to call instead", async (name) => {
    const clearml = new TestClearML();
    expect(await clearml.api(name, { task: await clearml.task() })).toMatchObject({ code: "301/1" });
  });
});
