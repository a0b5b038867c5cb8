/** Projects, queues and workers against the embedded server over real sockets. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ValidationError } from "../../../src/base/errors.js";
import { Project, Queue, Worker, createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { failureOf } from "../../unit/clearml/fake-api.js";

let server: DevServer;
let clearml: ClearML;

beforeEach(async () => {
  server = await startDevServer();
  clearml = createClearML({}, { ...server.env });
});
afterEach(async () => {
  await clearml.close();
  await server.close();
});

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const row of rows) read.push(row);
  return read;
}

async function aTask(name: string, project?: string): Promise<string> {
  return (await clearml.tasks.create({ name, type: "training", ...(project === undefined ? {} : { project }) })).id;
}

describe("a project", () => {
  it("is made with those above it, once, however many ask for it at once", async () => {
    const fields = { description: "d", tags: ["t"], defaultOutputDestination: "s3://bucket/p" };
    const made = await Promise.all(Array.from({ length: 5 }, () => Project.findOrCreate(clearml, "one/two/three", fields)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    const [project] = made as [Project];
    expect(project).toMatchObject({ name: "one/two/three", baseName: "three", ...fields });
    expect(project.webUrl).toBe(`${clearml.session.webHost ?? ""}/projects/${project.id}/tasks`);
    expect((await all(Project.query(clearml, { namePattern: "^one" }))).map(({ name }) => name)).toEqual([
      "one",
      "one/two",
      "one/two/three",
    ]);
    expect((await all(Project.query(clearml, { parent: "one" }))).map(({ name }) => name)).toEqual(["one/two"]);
    expect((await Project.findOrCreate(clearml, "one/two/three", { description: "other" })).description).toBe("d");
    expect(await failureOf(Project.get(clearml, { name: "one/none" }))).toBeInstanceOf(ValidationError);
    expect(await failureOf(Project.findOrCreate(clearml, "one/a"))).toBeInstanceOf(ValidationError);
  });

  it("is found by a name of any characters, hidden or not", async () => {
    const name = "Team (A+B)/v1.0 [x]^$/.datasets/{a}|b\\c*?";
    const { id } = await clearml.projects.create({ name, system_tags: ["hidden"] });
    expect((await Project.get(clearml, { name })).id).toBe(id);
    expect(await all(Project.query(clearml, { name }))).toHaveLength(0);
    expect(await all(Project.query(clearml, { name, includeHidden: true }))).toHaveLength(1);
  });

  it("is changed, renamed and moved with what lies below it", async () => {
    const project = await Project.findOrCreate(clearml, "one/two");
    const below = await Project.findOrCreate(clearml, "one/two/three");
    await project.update({ description: "2024-01-31", defaultOutputDestination: "s3://b/p" });
    expect(project.description.trim()).toBe("2024-01-31");
    await project.rename("zwei");
    await project.move("other/place");
    expect([project.name, (await below.reload()).name]).toEqual(["other/place/zwei", "other/place/zwei/three"]);
    await Project.findOrCreate(clearml, "other/place/taken");
    expect(String(await failureOf(project.rename("taken")))).toContain("400/801");
    await project.move("");
    expect(project.name).toBe("zwei");
    await project.delete();
    expect(String(await failureOf(project.reload()))).toContain("400/401");
  });

  it("lists what it holds, counts it, and is deleted as asked", async () => {
    const project = await Project.findOrCreate(clearml, "one/two");
    const below = await Project.findOrCreate(clearml, "one/two/three");
    const tasks = [await aTask("first", project.id), await aTask("second", project.id), await aTask("third", below.id)];
    await clearml.models.create({ name: "a model", uri: "u", project: project.id });
    await clearml.tasks.archive({ tasks: [tasks[1] ?? ""] });
    await clearml.tasks.started({ task: tasks[0] ?? "" });
    expect((await all(project.tasks())).map(({ name }) => name)).toEqual(["first"]);
    expect(await all(project.tasks({ includeArchived: true, includeSubprojects: true }))).toHaveLength(3);
    expect(await all(project.models())).toHaveLength(1);
    expect(await project.stats()).toMatchObject({ totalTasks: 2, archivedTasks: 1, byStatus: { in_progress: 1, created: 1 } });
    expect(await project.contents()).toEqual({ tasks: 3, liveTasks: 2, models: 1, liveModels: 1 });
    expect(String(await failureOf(project.delete()))).toContain("400/402");
    expect(await project.delete({ force: true })).toEqual({ deletedProjects: 2, deletedTasks: 0, deletedModels: 0, orphanedTasks: 3 });
    expect((await clearml.tasks.getById({ task: tasks[2] ?? "" })).task.project ?? undefined).toBeUndefined();
  });
});

describe("a queue", () => {
  it("is made once, and its tasks are queued, moved, taken out and taken", async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => Queue.findOrCreate(clearml, "gpu queue", { tags: ["gpu"] })));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    const [queue] = made as [Queue];
    const [a, b, c] = [await aTask("aaa"), await aTask("bbb"), await aTask("ccc")];
    for (const task of [a, b, { id: c }]) await queue.enqueue(task);
    const waiting = (): string[] => queue.entries.map(({ taskId }) => taskId);
    expect(waiting()).toEqual([a, b, c]);
    expect(String(await failureOf(queue.enqueue(a)))).toContain("400/706");
    expect([await queue.moveToFront(c), await queue.moveBackward(c), await queue.moveForward(b, 5), await queue.moveToBack(b)]).toEqual([
      0, 1, 0, 2,
    ]);
    expect(waiting()).toEqual([a, c, b]);
    expect([await queue.length(), await queue.peek()]).toEqual([3, a]);
    await queue.dequeue(c);
    expect((await clearml.tasks.getById({ task: c })).task.status).toBe("created");
    expect(await queue.takeNext()).toMatchObject({ taskId: a, addedMs: expect.any(Number) as number });
    expect((await clearml.tasks.getById({ task: a })).task.status).toBe("queued");
    expect(String(await failureOf(queue.delete()))).toContain("400/702");
    await queue.delete({ force: true });
    expect(await failureOf(Queue.get(clearml, { name: "gpu queue" }))).toBeInstanceOf(ValidationError);
  });

  it("is found by name, id and as the default", async () => {
    const queue = await Queue.findOrCreate(clearml, "a (v1.0) queue");
    expect((await Queue.get(clearml, { name: "a (v1.0) queue" })).id).toBe(queue.id);
    expect((await Queue.get(clearml, "default")).isDefault).toBe(true);
    expect((await all(Queue.query(clearml))).map(({ name }) => name)).toEqual(["a (v1.0) queue", "default"]);
    expect(queue.webUrl).toBe(`${clearml.session.webHost ?? ""}/workers-and-queues/queues`);
    await queue.rename("renamed");
    await queue.setTags(["t"]);
    expect((await Queue.get(clearml, { id: queue.id })).tags).toEqual(["t"]);
    expect(await failureOf(Queue.findOrCreate(clearml, " a "))).toBeInstanceOf(ValidationError);
    expect(await (await Queue.get(clearml, "default")).takeNext()).toBeUndefined();
  });
});

describe("a worker", () => {
  it("is seen with its task and its queues while it reports", async () => {
    const queue = await Queue.findOrCreate(clearml, "gpu queue");
    await queue.enqueue(await aTask("waiting"));
    const task = await aTask("running");
    await clearml.tasks.started({ task });
    await clearml.workers.register({ worker: "machine:0", queues: [queue.id], tags: ["gpu"] });
    const [idle] = await Worker.query(clearml);
    expect(idle).toMatchObject({
      id: "machine:0",
      tags: ["gpu"],
      isBusy: false,
      queues: [{ id: queue.id, name: "gpu queue", waiting: 1 }],
    });
    await clearml.workers.statusReport({ worker: "machine:0", timestamp: 1, task, queues: [queue.id] });
    const [busy] = await Worker.query(clearml, { pattern: "machine:*" });
    expect(busy).toMatchObject({ isBusy: true, task: { id: task, name: "running" } });
    expect(busy?.lastSeenMs).toEqual(expect.any(Number));
    expect(await Worker.query(clearml, { pattern: "other:*" })).toEqual([]);
  });
});
