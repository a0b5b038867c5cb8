import { describe, expect, it } from "vitest";
import { metricHash } from "../../../src/protocol/clearml/identity.js";
import { TestClearML } from "../../support/wire-client.js";

async function names(clearml: TestClearML, request: object): Promise<string[]> {
  return (await clearml.ok("tasks.get_all", request)).tasks.map((task: any) => task.name);
}

describe("filters of a search", () => {
  it.each([
    [{ tags: ["a"] }, ["one", "two"]],
    [{ tags: ["a", "b"] }, ["one", "two", "three"]],
    [{ tags: ["__$all", "a", "b"] }, ["two"]],
    [{ tags: ["-a"] }, ["three", "four"]],
    [{ tags: ["__$not", "a"] }, ["three", "four"]],
    [{ tags: ["b", "-a"] }, ["three"]],
    [{ tags: [null] }, ["four"]],
    [{ tags: [] }, ["one", "two", "three", "four"]],
    [{ tags: "a" }, ["one", "two"]],
  ])("by list: %j finds %j", async (request, found) => {
    const clearml = new TestClearML();
    await clearml.task({ name: "one", tags: ["a"] });
    await clearml.task({ name: "two", tags: ["a", "b"] });
    await clearml.task({ name: "three", tags: ["b"] });
    await clearml.task({ name: "four" });
    expect(await names(clearml, request)).toEqual(found);
  });

  it("by list reach into parameters, whose dots are escaped in the name of the filter", async () => {
    const clearml = new TestClearML();
    await clearml.task({ name: "one", hyperparams: { Args: { "lr.max": { value: "0.1" } } } });
    await clearml.task({ name: "two", hyperparams: { Args: { "lr.max": { value: "0.2" } } } });
    expect(await names(clearml, { "hyperparams.Args.lr%2Emax.value": ["0.2"] })).toEqual(["two"]);
  });

  it("refuse lists of anything but texts with 400/12 or 400/16", async () => {
    const clearml = new TestClearML();
    expect((await clearml.api("tasks.get_all", { "execution.queue": [5] })).code).toBe("400/16");
  });

  it.each([
    ["^run 1$", ["run 1"]],
    ["run", ["run 1", "Run 2"].slice(0, 1)],
    ["(?i)^run", ["run 1", "Run 2"]],
    ["^run\\ 1$", ["run 1"]],
    ["2", ["Run 2"]],
  ])("by pattern: %s finds %j", async (name, found) => {
    const clearml = new TestClearML();
    await clearml.task({ name: "run 1" });
    await clearml.task({ name: "Run 2" });
    expect(await names(clearml, { name })).toEqual(found);
  });

  it("by pattern answer one that is none with 400/21", async () => {
    expect((await new TestClearML().api("tasks.get_all", { name: "(" })).code).toBe("400/21");
  });

  it("by range and by moment; a moment that cannot be read is dropped", async () => {
    const clearml = new TestClearML();
    await clearml.task({ name: "early" });
    await clearml.clock.advance(3_600_000);
    await clearml.task({ name: "late" });
    expect(await names(clearml, { created: ["2026-01-01T00:30:00", null] })).toEqual(["late"]);
    expect(await names(clearml, { created: [null, "2026-01-01T00:30:00+00:00"] })).toEqual(["early"]);
    expect(await names(clearml, { status_changed: [">=2026-01-01T00:30:00"] })).toEqual(["late"]);
    expect(await names(clearml, { last_update: ">=2026-01-01T00:30:00" })).toEqual(["late"]);
    expect(await names(clearml, { created: ["soon", null] })).toEqual(["early", "late"]);
  });

  it("by several fields at once, and by text anywhere", async () => {
    const clearml = new TestClearML();
    await clearml.task({ name: "abc", comment: "x" });
    await clearml.task({ name: "xyz", comment: "abc" });
    await clearml.task({ name: "nothing" });
    expect(await names(clearml, { _any_: { fields: ["name", "comment"], pattern: "abc" } })).toEqual(["abc", "xyz"]);
    expect(await names(clearml, { _all_: { fields: ["name", "comment"], pattern: "b|x" } })).toEqual(["abc", "xyz"]);
    expect(await names(clearml, { search_text: "NOTH" })).toEqual(["nothing"]);
  });

  it("by project reach its subprojects when asked", async () => {
    const clearml = new TestClearML();
    const { id: outer } = await clearml.ok("projects.create", { name: "outer" });
    const { id: inner } = await clearml.ok("projects.create", { name: "outer/inner" });
    await clearml.task({ name: "inside", project: inner });
    expect(await names(clearml, { project: [outer] })).toEqual([]);
    expect(await names(clearml, { project: [outer], include_subprojects: true })).toEqual(["inside"]);
  });

  it("leave out what is hidden, unless it is searched for or named by id", async () => {
    const clearml = new TestClearML();
    const id = await clearml.task({ name: "hidden one", system_tags: ["hidden"] });
    expect(await names(clearml, {})).toEqual([]);
    expect(await names(clearml, { search_hidden: true })).toEqual(["hidden one"]);
    expect(await names(clearml, { id: [id] })).toEqual(["hidden one"]);
  });
});

describe("the rows of a search", () => {
  it("come in the asked order, by id where that is equal, and absent values first", async () => {
    const clearml = new TestClearML();
    const [low, high, none] = [
      await clearml.task({ name: "low" }),
      await clearml.task({ name: "high" }),
      await clearml.task({ name: "none" }),
    ];
    await clearml.batch([
      { type: "training_stats_scalar", task: low, iter: 1, metric: "acc", variant: "val", value: 1 },
      { type: "training_stats_scalar", task: high, iter: 1, metric: "acc", variant: "val", value: 2 },
    ]);
    const path = `last_metrics.${metricHash("acc")}.${metricHash("val")}.value`;
    expect(await names(clearml, { order_by: [`-${path}`] })).toEqual(["high", "low", "none"]);
    expect(await names(clearml, { order_by: [path] })).toEqual(["none", "low", "high"]);
    const ids = (await clearml.ok("tasks.get_all", { order_by: ["status"] })).tasks.map((task: any) => task.id);
    expect(ids).toEqual([low, high, none].sort());
  });

  it("hold only the asked fields, and the id always", async () => {
    const clearml = new TestClearML();
    const id = await clearml.task({
      hyperparams: { Args: { "lr.max": { value: "0.1" }, other: { value: "1" } } },
      execution: { artifacts: [{ key: "k", type: "t", uri: "u" }] },
    });
    const { tasks } = await clearml.ok("tasks.get_all", {
      only_fields: ["status", "hyperparams.Args.lr%2Emax.value", "execution.artifacts.key", "nothing.here"],
    });
    expect(tasks).toEqual([
      { id, status: "created", hyperparams: { Args: { "lr.max": { value: "0.1" } } }, execution: { artifacts: [{ key: "k" }] } },
    ]);
  });

  it("are cut to 500 without a word, and paged from 0", async () => {
    const clearml = new TestClearML();
    for (let at = 0; at < 501; at += 1) await clearml.task({ name: `task ${String(at).padStart(3, "0")}` });
    expect(await names(clearml, {})).toHaveLength(500);
    expect(await names(clearml, { page: 0, page_size: 1000 })).toHaveLength(500);
    expect(await names(clearml, { page: 1, page_size: 500 })).toEqual(["task 500"]);
    expect(await names(clearml, { page: 2, page_size: 2, order_by: ["name"] })).toEqual(["task 004", "task 005"]);
  });

  it("scroll to an empty page, and start again without a word when the scroll was forgotten", async () => {
    const clearml = new TestClearML();
    for (const name of ["one", "two", "three"]) await clearml.task({ name });
    const first = await clearml.ok("tasks.get_all", { scroll_id: null, size: 2 });
    const second = await clearml.ok("tasks.get_all", { scroll_id: first.scroll_id, size: 2 });
    const third = await clearml.ok("tasks.get_all", { scroll_id: first.scroll_id, size: 2 });
    expect([first, second, third].map((page) => page.tasks.map((task: any) => task.name))).toEqual([["one", "two"], ["three"], []]);
    expect(second.scroll_id).toBe(first.scroll_id);
    await clearml.clock.advance(600_001);
    const late = await clearml.ok("tasks.get_all", { scroll_id: first.scroll_id, size: 2 });
    expect(late.tasks).toHaveLength(2);
    expect(late.scroll_id).not.toBe(first.scroll_id);
  });

  it("have their references resolved by get_all_ex", async () => {
    const clearml = new TestClearML();
    const { id: project } = await clearml.ok("projects.create", { name: "a project" });
    const parent = await clearml.task({ name: "parent" });
    const { id: model } = await clearml.ok("models.create", { name: "a model", uri: "u" });
    await clearml.task({ name: "child", parent, project, models: { input: [{ name: "in", model }] } });
    const { tasks } = await clearml.ok("tasks.get_all_ex", {
      name: "child",
      only_fields: ["project.name", "parent.name", "user.name", "models.input.model.name"],
    });
    expect(tasks).toMatchObject([
      {
        project: { name: "a project" },
        parent: { name: "parent" },
        user: { name: "developer" },
        models: { input: [{ model: { name: "a model" } }] },
      },
    ]);
  });
});
