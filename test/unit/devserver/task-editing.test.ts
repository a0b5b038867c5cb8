import { describe, expect, it } from "vitest";
import { TestClearML } from "../../support/wire-client.js";

const item = (section: string, name: string, value = "1") => ({ section, name, value });
const artifact = { key: "best", type: "custom", uri: "http://files/x", hash: "h", content_size: 3, timestamp: 1 };

describe("tasks.create", () => {
  it("strips the name and refuses one of fewer than three characters with 400/800", async () => {
    const clearml = new TestClearML();
    expect((await clearml.read(await clearml.task({ name: "  abc " }))).name).toBe("abc");
    expect((await clearml.api("tasks.create", { name: " ab ", type: "training" })).code).toBe("400/800");
  });

  it("refuses parents, projects and models that are not there, and tags that look like operators", async () => {
    const clearml = new TestClearML();
    const create = async (fields: object): Promise<string> =>
      (await clearml.api("tasks.create", { name: "a task", type: "training", ...fields })).code;
    expect(await create({ parent: "none" })).toBe("400/101");
    expect(await create({ project: "none" })).toBe("400/401");
    expect(await create({ models: { input: [{ name: "in", model: "none" }] } })).toBe("400/201");
    expect(await create({ tags: ["__$all"] })).toBe("400/16");
  });

  it("keeps what was given: stripped script, destination, sorted artifacts", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({
      script: { entry_point: " train.ts " },
      output_dest: "s3://bucket/x",
      execution: { artifacts: [{ ...artifact, key: "z" }, artifact] },
      hyperparams: { " Args ": { lr: { value: "0.1" } } },
    });
    const { script, output, execution, hyperparams } = await clearml.read(task);
    expect(script).toEqual({ binary: "python", repository: "", entry_point: "train.ts", requirements: {} });
    expect(output).toEqual({ destination: "s3://bucket/x" });
    expect(execution.artifacts.map((one: any) => [one.key, one.mode])).toEqual([
      ["best", "output"],
      ["z", "output"],
    ]);
    expect(hyperparams).toEqual({ Args: { lr: { section: "Args", name: "lr", value: "0.1" } } });
  });

  it("moves the flat parameters of older clients to today's place", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({ execution: { parameters: { "Args/lr": "0.1" } } });
    expect((await clearml.read(task)).hyperparams).toEqual({ Args: { lr: { section: "Args", name: "lr", value: "0.1", type: "legacy" } } });
  });
});

describe("tasks.edit", () => {
  it("needs force for a task that is no longer new", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "published");
    expect((await clearml.api("tasks.edit", { task, comment: "x" })).code).toBe("400/110");
    expect((await clearml.api("tasks.edit", { task, comment: "x", force: true })).code).toBe("200/0");
  });

  it("merges documents one level deep and replaces maps whole", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({
      script: { entry_point: "a", repository: "r" },
      runtime: { a: "1" },
      hyperparams: { A: { x: { value: "1" } } },
    });
    await clearml.ok("tasks.edit", { task, script: { entry_point: "b" }, runtime: { b: "2" }, hyperparams: { B: { y: { value: "2" } } } });
    const edited = await clearml.read(task);
    expect(edited.script).toMatchObject({ entry_point: "b", repository: "r" });
    expect(edited.runtime).toEqual({ b: "2" });
    expect(Object.keys(edited.hyperparams)).toEqual(["B"]);
  });

  it("counts as activity unless it is cosmetic", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    const { last_update } = await clearml.read(task);
    await clearml.clock.advance(1000);
    await clearml.ok("tasks.edit", { task, comment: "x" });
    expect((await clearml.read(task)).last_update).toBe(last_update);
    await clearml.ok("tasks.edit", { task, runtime: { a: "1" } });
    expect((await clearml.read(task)).last_update).not.toBe(last_update);
  });

  it("sets the status past the state machine when told to", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "completed");
    await clearml.ok("tasks.edit", { task, status: "created", force: true });
    expect((await clearml.read(task)).status).toBe("created");
  });
});

describe("tasks.update", () => {
  it("writes cosmetic fields in any status and drops the rest without a word", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "published");
    expect(await clearml.ok("tasks.update", { task, comment: "x", status: "failed" })).toMatchObject({ updated: 1 });
    expect(await clearml.read(task)).toMatchObject({ comment: "x", status: "published" });
  });

  it("takes a batch, the last line of a task wins, and an unknown task fails it whole", async () => {
    const clearml = new TestClearML();
    const [a, b] = [await clearml.task(), await clearml.task()];
    const batch = (lines: object[]) =>
      clearml.api("tasks.update_batch", lines.map((line) => JSON.stringify(line)).join("\n"), { "content-type": "application/json-lines" });
    expect(
      (
        await batch([
          { task: a, comment: "1" },
          { task: b, comment: "2" },
          { task: a, comment: "3" },
        ])
      ).data,
    ).toEqual({ updated: 2 });
    expect((await clearml.read(a)).comment).toBe("3");
    expect(
      (
        await batch([
          { task: a, comment: "4" },
          { task: "none", comment: "5" },
        ])
      ).code,
    ).toBe("400/101");
    expect((await clearml.read(a)).comment).toBe("3");
    expect((await batch([])).code).toBe("400/17");
  });
});

describe("hyperparameters", () => {
  it.each([
    ["created", false, "200/0"],
    ["in_progress", false, "400/110"],
    ["in_progress", true, "200/0"],
    ["queued", true, "200/0"],
    ["completed", true, "400/110"],
    ["stopped", true, "400/110"],
  ] as const)("can be edited in status %s with force %s: %s", async (status, force, code) => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, status);
    expect((await clearml.api("tasks.edit_hyper_params", { task, hyperparams: [item("Args", "lr")], force })).code).toBe(code);
    const configuration = [{ name: "cfg", value: "x" }];
    expect((await clearml.api("tasks.edit_configuration", { task, configuration, force })).code).toBe(code);
  });

  it("of the section properties can be edited always, in whatever spelling", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "published");
    await clearml.ok("tasks.edit_hyper_params", { task, hyperparams: [item("Properties", "owner", "me")] });
    expect((await clearml.read(task)).hyperparams).toEqual({
      properties: { owner: { section: "properties", name: "owner", value: "me" } },
    });
  });

  it("are merged, or replace their section, or everything", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({ hyperparams: { A: { x: { value: "1" }, y: { value: "2" } }, B: { z: { value: "3" } } } });
    const names = async (): Promise<string[]> =>
      (await clearml.ok("tasks.get_hyper_params", { tasks: [task] })).params[0].hyperparams.map((one: any) => `${one.section}/${one.name}`);
    await clearml.ok("tasks.edit_hyper_params", { task, hyperparams: [item("A", "w")] });
    expect(await names()).toEqual(["A/w", "A/x", "A/y", "B/z"]);
    await clearml.ok("tasks.edit_hyper_params", { task, hyperparams: [item("A", "v")], replace_hyperparams: "section" });
    expect(await names()).toEqual(["A/v", "B/z"]);
    await clearml.ok("tasks.edit_hyper_params", { task, hyperparams: [item("C", "u")], replace_hyperparams: "all" });
    expect(await names()).toEqual(["C/u"]);
  });

  it("are deleted one by one or by section, not both", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({ hyperparams: { A: { x: { value: "1" }, y: { value: "2" } }, B: { z: { value: "3" } } } });
    expect(
      (await clearml.api("tasks.delete_hyper_params", { task, hyperparams: [{ section: "A" }, { section: "A", name: "x" }] })).code,
    ).toBe("400/15");
    await clearml.ok("tasks.delete_hyper_params", { task, hyperparams: [{ section: "A", name: "x" }, { section: "B" }] });
    expect((await clearml.read(task)).hyperparams).toEqual({ A: { y: item("A", "y", "2") } });
  });

  it("take their whole section with them when the deleted one is named like a database operator", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({ hyperparams: { A: { size: { value: "1" }, y: { value: "2" } } } });
    await clearml.ok("tasks.delete_hyper_params", { task, hyperparams: [{ section: "A", name: "size" }] });
    expect((await clearml.read(task)).hyperparams).toEqual({});
  });

  it("keep names with dots, percent signs and underscores as they are", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.ok("tasks.edit_hyper_params", { task, hyperparams: [item("A.b", "__x%2E$"), item("__proto__", "p")] });
    expect((await clearml.ok("tasks.get_hyper_params", { tasks: [task] })).params[0].hyperparams).toEqual([
      item("A.b", "__x%2E$"),
      item("__proto__", "p"),
    ]);
  });
});

describe("the runtime map", () => {
  it("is merged by key, and keys come back escaped", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    await clearml.ok("tasks.edit_runtime", { task, add_or_update: { progress: "1", "a.b": "x" } });
    expect(await clearml.ok("tasks.edit_runtime", { task, add_or_update: { progress: "2" }, remove: ["a.b"] })).toEqual({ updated: 1 });
    expect((await clearml.read(task)).runtime).toEqual({ progress: "2" });
    await clearml.ok("tasks.edit_runtime", { task, add_or_update: { "a.b": "x" } });
    expect((await clearml.read(task)).runtime).toHaveProperty(["a%2Eb"], "x");
    expect(await clearml.ok("tasks.edit_runtime", { task })).toEqual({ updated: 0 });
  });
});

describe("artifacts and models of a task", () => {
  it.each([
    ["created", "200/0"],
    ["queued", "200/0"],
    ["in_progress", "200/0"],
    ["stopped", "400/110"],
    ["completed", "400/110"],
    ["failed", "400/110"],
  ] as const)("can be changed in status %s: %s, whatever is forced", async (status, code) => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, status);
    const { id: model } = await clearml.ok("models.create", { name: "a model", uri: "u" });
    expect((await clearml.api("tasks.add_or_update_artifacts", { task, artifacts: [artifact], force: true })).code).toBe(code);
    expect((await clearml.api("tasks.add_or_update_model", { task, name: "out", model, type: "output" })).code).toBe(code);
    expect((await clearml.api("tasks.delete_artifacts", { task, artifacts: [{ key: "best" }] })).code).toBe(code);
    expect((await clearml.api("tasks.delete_models", { task, models: [{ name: "out", type: "output" }] })).code).toBe(code);
    expect((await clearml.api("tasks.edit_runtime", { task, add_or_update: { a: "1" } })).code).toBe(code);
  });

  it("are one for each key and mode, and the later takes the earlier's place", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.ok("tasks.add_or_update_artifacts", { task, artifacts: [artifact, { ...artifact, mode: "input" }] });
    await clearml.ok("tasks.add_or_update_artifacts", { task, artifacts: [{ ...artifact, uri: "new" }] });
    const { artifacts } = (await clearml.read(task)).execution;
    expect(artifacts.map((one: any) => [one.mode, one.uri]).sort()).toEqual([
      ["input", "http://files/x"],
      ["output", "new"],
    ]);
    await clearml.ok("tasks.delete_artifacts", { task, artifacts: [{ key: "best" }] });
    expect((await clearml.read(task)).execution.artifacts).toHaveLength(1);
  });

  it("replace the model of the same name, and raise the last iteration", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    const models = [
      await clearml.ok("models.create", { name: "one", uri: "u" }),
      await clearml.ok("models.create", { name: "two", uri: "u" }),
    ];
    for (const { id } of models)
      await clearml.ok("tasks.add_or_update_model", { task, name: "out", model: id, type: "output", iteration: 7 });
    const read = await clearml.read(task);
    expect(read.models.output.map((one: any) => one.model)).toEqual([models[1].id]);
    expect(read.last_iteration).toBe(7);
  });
});

describe("other edits", () => {
  it("changes tags in one step", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({ tags: ["a", "b"] }, "published");
    expect(await clearml.ok("tasks.update_tags", { ids: [task, "none"], add_tags: ["c", "a"], remove_tags: ["b"] })).toEqual({
      updated: 1,
    });
    expect((await clearml.read(task)).tags).toEqual(["a", "c"]);
  });

  it("gives a task a script from the start, of which a full reset takes it", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    expect((await clearml.read(task)).script).toEqual({ binary: "python", repository: "", entry_point: "", requirements: {} });
    await clearml.ok("tasks.reset", { task, clear_all: true });
    expect(await clearml.read(task)).not.toHaveProperty("script");
  });

  it("sets requirements of a task that has a script, else 400/122", async () => {
    const clearml = new TestClearML();
    const bare = await clearml.task();
    await clearml.ok("tasks.reset", { task: bare, clear_all: true });
    expect((await clearml.api("tasks.set_requirements", { task: bare, requirements: { pip: "x" } })).code).toBe("400/122");
    const task = await clearml.task({ script: { repository: "r" } });
    await clearml.ok("tasks.set_requirements", { task, requirements: { pip: "x" } });
    expect((await clearml.read(task)).script).toMatchObject({ repository: "r", requirements: { pip: "x" } });
  });
});
