import { describe, expect, it } from "vitest";
import { TestClearML } from "../../support/wire-client.js";

describe("models.create", () => {
  it("makes a published model unless told otherwise, against what the schema says", async () => {
    const clearml = new TestClearML();
    const ready = async (fields: object): Promise<boolean> =>
      (await clearml.ok("models.get_by_id", { model: (await clearml.ok("models.create", { name: "a model", uri: "u", ...fields })).id }))
        .model.ready;
    expect([await ready({}), await ready({ ready: false })]).toEqual([true, false]);
  });

  it("refuses names that are too short and tasks or projects that are not there", async () => {
    const clearml = new TestClearML();
    const code = async (fields: object): Promise<string> =>
      (await clearml.api("models.create", { name: "a model", uri: "u", ...fields })).code;
    expect(await code({ name: "ab" })).toBe("400/800");
    expect(await code({ task: "none" })).toBe("400/101");
    expect(await code({ project: "none" })).toBe("400/401");
    expect(await code({ parent: "none" })).toBe("400/201");
    expect(await code({ uri: null })).toBe("400/12");
  });
});

describe("a model", () => {
  async function model(fields: object = {}): Promise<{ clearml: TestClearML; task: string; id: string; read: () => Promise<any> }> {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    const { id } = await clearml.ok("models.create", { name: "a model", uri: "u", ready: false, task, ...fields });
    return { clearml, task, id, read: async () => (await clearml.ok("models.get_by_id", { model: id })).model };
  }

  it("can be edited also when it is published, and raises its task's iteration", async () => {
    const { clearml, task, id, read } = await model({ ready: true });
    await clearml.ok("models.edit", { model: id, uri: "v", iteration: 12, labels: { cat: 1 } });
    expect(await read()).toMatchObject({ uri: "v", labels: { cat: 1 } });
    expect((await clearml.read(task)).last_iteration).toBe(12);
  });

  it("can be dated back by update, which ignores what is not cosmetic", async () => {
    const { clearml, id, read } = await model();
    await clearml.ok("models.update", {
      model: id,
      created: "2020-01-01T00:00:00+00:00",
      ready: true,
      metadata: { k: { key: "k", type: "str", value: "v" } },
    });
    expect(await read()).toMatchObject({
      created: "2020-01-01T00:00:00+00:00",
      ready: false,
      metadata: { k: { key: "k", type: "str", value: "v" } },
    });
  });

  it("takes metadata as a map on create and as a list afterwards", async () => {
    const { clearml, id, read } = await model({ metadata: { a: { key: "a", type: "str", value: "1" } } });
    await clearml.ok("models.add_or_update_metadata", { model: id, metadata: [{ key: "b", type: "str", value: "2" }] });
    expect(Object.keys((await read()).metadata)).toEqual(["a", "b"]);
    await clearml.ok("models.add_or_update_metadata", {
      model: id,
      metadata: [{ key: "c", type: "str", value: "3" }],
      replace_metadata: true,
    });
    await clearml.ok("models.delete_metadata", { model: id, keys: ["c"] });
    expect((await read()).metadata).toEqual({});
    expect((await clearml.api("models.create", { name: "a model", uri: "u", metadata: [{ key: "a" }] })).code).toBe("400/12");
  });

  it("is published once, with the task that made it when its status allows", async () => {
    const { clearml, task, id, read } = await model();
    expect((await clearml.api("models.set_ready", { model: id })).code).toBe("400/110");
    await clearml.ok("tasks.completed", { task });
    expect(await clearml.ok("models.set_ready", { model: id })).toMatchObject({ updated: 1, published_task: { id: task } });
    expect([(await read()).ready, (await clearml.read(task)).status]).toEqual([true, "published"]);
    expect((await clearml.api("models.set_ready", { model: id })).code).toBe("400/203");
  });

  it("can be published without its task", async () => {
    const { clearml, task, id } = await model();
    expect(await clearml.ok("models.set_ready", { model: id, publish_task: false })).toEqual({ updated: 1 });
    expect((await clearml.read(task)).status).toBe("in_progress");
  });

  it("is not deleted while tasks use it or the task that made it is published", async () => {
    const { clearml, task, id } = await model();
    const user = await clearml.task({ models: { input: [{ name: "in", model: id }] } });
    expect((await clearml.api("models.delete", { model: id })).code).toBe("400/205");
    await clearml.ok("tasks.delete", { task: user });
    await clearml.ok("tasks.completed", { task, publish: true });
    expect((await clearml.api("models.delete", { model: id })).code).toBe("400/206");
    expect(await clearml.ok("models.delete", { model: id, force: true })).toEqual({ deleted: true, url: "u" });
  });

  it("is found by task, uri, readiness and metadata", async () => {
    const { clearml, task, id } = await model({ metadata: { k: { key: "k", type: "str", value: "v" } } });
    await clearml.ok("models.create", { name: "another", uri: "w" });
    for (const filter of [{ task: [task] }, { uri: ["u"] }, { ready: false }, { "metadata.k.value": ["v"] }]) {
      expect((await clearml.ok("models.get_all", filter)).models.map((one: any) => one.id)).toEqual([id]);
    }
  });
});

describe("projects", () => {
  it("are made with the parents that are missing", async () => {
    const clearml = new TestClearML();
    const { id } = await clearml.ok("projects.create", { name: " aaa / bbb /ccc", description: "d" });
    const { projects } = await clearml.ok("projects.get_all", { order_by: ["name"] });
    expect(projects.map((one: any) => [one.name, one.basename])).toEqual([
      ["aaa", "aaa"],
      ["aaa/bbb", "bbb"],
      ["aaa/bbb/ccc", "ccc"],
    ]);
    const { project } = await clearml.ok("projects.get_by_id", { project: id });
    expect(project).toMatchObject({ parent: projects[1].id, path: [projects[0].id, projects[1].id], description: "d" });
  });

  it.each([
    ["taken", "400/801"],
    ["ab", "400/800"],
    ["abc/de", "400/12"],
    ["abc//def", "400/407"],
    ["/", "400/800"],
    ["///", "400/407"],
    [Array.from({ length: 11 }, () => "part").join("/"), "400/409"],
  ])("refuse the name %s with %s", async (name, code) => {
    const clearml = new TestClearML();
    await clearml.ok("projects.create", { name: "taken" });
    expect((await clearml.api("projects.create", { name })).code).toBe(code);
  });

  it("are found by a pattern over the whole path", async () => {
    const clearml = new TestClearML();
    for (const name of ["abc.def", "abcxdef", "top/abc.def"]) await clearml.ok("projects.create", { name });
    expect((await clearml.ok("projects.get_all", { name: "^abc\\.def$" })).projects.map((one: any) => one.name)).toEqual(["abc.def"]);
  });

  it("are renamed in place with all below them, and not moved", async () => {
    const clearml = new TestClearML();
    const { id } = await clearml.ok("projects.create", { name: "aaa/bbb" });
    await clearml.ok("projects.create", { name: "aaa/bbb/ccc" });
    expect((await clearml.api("projects.update", { project: id, name: "xxx/bbb" })).code).toBe("400/408");
    await clearml.ok("projects.update", { project: id, name: "aaa/new" });
    expect((await clearml.ok("projects.get_all", { order_by: ["name"] })).projects.map((one: any) => one.name)).toEqual([
      "aaa",
      "aaa/new",
      "aaa/new/ccc",
    ]);
  });

  it("are not deleted while they hold live tasks or models", async () => {
    const clearml = new TestClearML();
    const { id } = await clearml.ok("projects.create", { name: "aaa" });
    const task = await clearml.task({ project: id });
    expect((await clearml.api("projects.delete", { project: id })).code).toBe("400/402");
    expect(await clearml.ok("projects.delete", { project: id, force: true })).toMatchObject({ deleted: 1, disassociated_tasks: 1 });
    expect(await clearml.read(task)).not.toHaveProperty("project");
  });

  it("count their tasks by status when asked", async () => {
    const clearml = new TestClearML();
    const { id } = await clearml.ok("projects.create", { name: "aaa" });
    await clearml.task({ project: id }, "completed");
    await clearml.task({ project: id });
    const { projects } = await clearml.ok("projects.get_all_ex", { include_stats: true });
    expect(projects[0].stats.active).toMatchObject({ total_tasks: 2, status_count: { completed: 1, created: 1 } });
  });

  it("count the tasks of the projects below them too, unless asked not to", async () => {
    const clearml = new TestClearML();
    const { id: parent } = await clearml.ok("projects.create", { name: "aaa" });
    const { id: child } = await clearml.ok("projects.create", { name: "aaa/bbb" });
    await clearml.task({ project: parent });
    await clearml.task({ project: child });
    const totals = async (fields: object) => {
      const { projects } = await clearml.ok("projects.get_all_ex", { include_stats: true, order_by: ["name"], ...fields });
      return projects.map((project: any) => project.stats.active.total_tasks);
    };
    expect(await totals({})).toEqual([2, 1]);
    expect(await totals({ stats_with_children: false })).toEqual([1, 1]);
  });
});
