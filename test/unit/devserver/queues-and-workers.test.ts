import { describe, expect, it } from "vitest";
import { TestClearML } from "../../support/wire-client.js";

describe("a queue", () => {
  async function queueOf(count: number): Promise<{ clearml: TestClearML; queue: string; tasks: string[]; order: () => Promise<string[]> }> {
    const clearml = new TestClearML();
    const { id: queue } = await clearml.ok("queues.create", { name: "a queue" });
    const tasks: string[] = [];
    for (let index = 0; index < count; index++) {
      const task = await clearml.task({ name: `task ${String(index)}` });
      await clearml.ok("tasks.enqueue", { task, queue });
      tasks.push(task);
    }
    const order = async (): Promise<string[]> =>
      ((await clearml.ok("queues.get_by_id", { queue })).queue.entries as { task: string }[]).map(({ task }) => task);
    return { clearml, queue, tasks, order };
  }

  it("lets a task be moved within it, and tells the new place", async () => {
    const { clearml, queue, tasks, order } = await queueOf(4);
    const [a, b, c, d] = tasks;
    expect(await clearml.ok("queues.move_task_forward", { queue, task: d, count: 2 })).toEqual({ position: 1 });
    expect(await order()).toEqual([a, d, b, c]);
    expect(await clearml.ok("queues.move_task_backward", { queue, task: a })).toEqual({ position: 1 });
    expect(await order()).toEqual([d, a, b, c]);
    expect(await clearml.ok("queues.move_task_to_back", { queue, task: d })).toEqual({ position: 3 });
    expect(await clearml.ok("queues.move_task_to_front", { queue, task: c })).toEqual({ position: 0 });
    expect(await order()).toEqual([c, a, b, d]);
    expect(await clearml.ok("queues.move_task_forward", { queue, task: a, count: 99 })).toEqual({ position: 0 });
    expect((await clearml.api("queues.move_task_forward", { queue, task: "none" })).code).toBe("400/703");
  });

  it("shows its first task without taking it, and as many entries as were asked for", async () => {
    const { clearml, queue, tasks } = await queueOf(3);
    expect(await clearml.ok("queues.peek_task", { queue })).toEqual({ task: tasks[0] });
    expect(await clearml.ok("queues.get_num_entries", { queue })).toEqual({ num: 3 });
    expect((await clearml.ok("queues.get_by_id", { queue, max_task_entries: 1 })).queue.entries).toHaveLength(1);
    const { id: empty } = await clearml.ok("queues.create", { name: "empty queue" });
    expect(await clearml.ok("queues.peek_task", { queue: empty })).toEqual({});
  });

  it("is deleted while it holds tasks by force alone, which gives the tasks back as they were", async () => {
    const { clearml, queue, tasks } = await queueOf(1);
    expect((await clearml.api("queues.delete", { queue })).code).toBe("400/702");
    expect(await clearml.ok("queues.delete", { queue, force: true })).toEqual({ deleted: 1 });
    expect((await clearml.read(tasks[0] ?? "")).status).toBe("created");
    expect((await clearml.api("queues.get_by_id", { queue })).code).toBe("400/701");
  });

  it("keeps names unique when it is renamed", async () => {
    const { clearml, queue } = await queueOf(0);
    await clearml.ok("queues.create", { name: "taken" });
    expect((await clearml.api("queues.update", { queue, name: "taken" })).code).toBe("400/801");
    expect(await clearml.ok("queues.update", { queue, name: "fresh", tags: ["t"] })).toMatchObject({
      updated: 1,
      fields: { name: "fresh" },
    });
  });
});

describe("a worker", () => {
  it("is listed with the task it last named, its queues and what waits in them", async () => {
    const clearml = new TestClearML();
    const { id: queue } = await clearml.ok("queues.create", { name: "a queue" });
    const waiting = await clearml.task({ name: "waiting" });
    await clearml.ok("tasks.enqueue", { task: waiting, queue });
    const running = await clearml.task({ name: "running" }, "in_progress");
    await clearml.ok("workers.register", { worker: "machine:gpu0", queues: [queue], tags: ["gpu"] });
    await clearml.ok("workers.status_report", { worker: "machine:gpu0", timestamp: 1, task: running, queues: [queue] });
    const list = async (fields: object = {}): Promise<any[]> => (await clearml.ok("workers.get_all", fields)).workers;
    expect(await list()).toMatchObject([
      {
        id: "machine:gpu0",
        tags: ["gpu"],
        task: { id: running, name: "running" },
        queues: [{ id: queue, name: "a queue", num_tasks: 1, next_task: { id: waiting, name: "waiting" } }],
      },
    ]);
    expect(await list({ worker_pattern: "machine:*" })).toHaveLength(1);
    expect(await list({ worker_pattern: "other*" })).toEqual([]);
    expect(await list({ tags: ["cpu"] })).toEqual([]);
    await clearml.ok("workers.status_report", { worker: "machine:gpu0", timestamp: 2 });
    expect((await list())[0].task).toBeUndefined();
  });
});

describe("a project", () => {
  it("moves with all that lies below it, and not under itself", async () => {
    const clearml = new TestClearML();
    const { id } = await clearml.ok("projects.create", { name: "one/two" });
    const { id: below } = await clearml.ok("projects.create", { name: "one/two/three" });
    const name = async (project: string): Promise<string> => (await clearml.ok("projects.get_by_id", { project })).project.name;
    expect(await clearml.ok("projects.move", { project: id, new_location: "other/place" })).toEqual({ moved: 2 });
    expect([await name(id), await name(below)]).toEqual(["other/place/two", "other/place/two/three"]);
    expect((await clearml.api("projects.move", { project: id, new_location: "other/place/two/three" })).code).toBe("400/411");
    expect((await clearml.api("projects.move", { project: id, new_location: "other/place" })).code).toBe("400/410");
    await clearml.ok("projects.move", { project: id });
    expect([await name(id), await name(below)]).toEqual(["two", "two/three"]);
  });

  it("tells what a deletion would meet", async () => {
    const clearml = new TestClearML();
    const { id: project } = await clearml.ok("projects.create", { name: "one/two" });
    const task = await clearml.task({ project });
    await clearml.task({ project });
    await clearml.ok("tasks.archive", { tasks: [task] });
    await clearml.ok("models.create", { name: "a model", uri: "u", project });
    expect(await clearml.ok("projects.validate_delete", { project })).toMatchObject({
      tasks: 2,
      non_archived_tasks: 1,
      models: 1,
      non_archived_models: 1,
    });
  });
});
