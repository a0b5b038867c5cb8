/** What is written on a task and read back: settings, configurations, words, and what stays possible after its end. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TaskStatusError, ValidationError } from "../../../src/base/errors.js";
import { Task, type ClearML } from "../../../src/clearml/index.js";
import { clearmlBench, failureOf, type ClearMLBench } from "../../support/clearml-bench.js";

let bench: ClearMLBench;
let clearml: ClearML;
let task: Task;
const QUIET = { script: false, monitor: false } as const;
beforeEach(async () => {
  bench = await clearmlBench();
  clearml = bench.clearml;
  task = await Task.init(clearml, { name: "run 1", project: "Vision", ...QUIET });
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

/** The task as the process sees it that an agent starts for it. */
async function remotely(): Promise<Task> {
  return Task.init(bench.client({}, { CLEARML_TASK_ID: task.id }), QUIET);
}

/** Names that the server escapes, folds or takes for commands. */
const NAMES = [
  "lr.max",
  "$cost",
  "__init__",
  "_x",
  "100%",
  "%2E",
  "a b",
  "size",
  "type",
  "in",
  "2026-01-31",
  "ü/é",
  "constructor",
  "__proto__x",
];

describe("connected settings", () => {
  it("are written with their types, and come back from a remote run in the caller's shape", async () => {
    const settings = { lr: 0.1, epochs: 10, name: "adam", nested: { flag: true, layers: [64, 10], deep: { none: null as number | null } } };
    expect(await task.connect(settings, { name: "Args" })).toBe(settings);
    expect((await task.reload()).document.hyperparams?.["Args"]).toMatchObject({
      lr: { value: "0.1", type: "float" },
      epochs: { value: "10", type: "int" },
      "nested/flag": { value: "True", type: "bool" },
      "nested/layers": { value: "[64,10]", type: "list/int" },
      "nested/deep/none": { value: "" },
    });
    await task.updateParameters({ "Args/lr": 1, "Args/nested/flag": false, "Args/nested/layers": [1], "Args/nested/deep/none": 5 });
    const remote = await (await remotely()).connect(settings, { name: "Args" });
    expect(remote).toEqual({ ...settings, lr: 1, nested: { flag: false, layers: [1], deep: { none: 5 } } });
    expect(settings.lr).toBe(0.1);
  });

  it("that are new in the code are added in a remote run; those of the task that the code lacks stay out of the shape", async () => {
    await task.connect({ lr: 0.1, old: 1 });
    const remote = await remotely();
    expect(await remote.connect({ lr: 0.5, fresh: "x" })).toEqual({ lr: 0.1, fresh: "x" });
    expect(await task.getParameters({ cast: true })).toEqual({ "General/lr": 0.1, "General/old": 1, "General/fresh": "x" });
  });

  it("are the caller's own when remote values are to be ignored", async () => {
    await task.connect({ lr: 0.1 });
    expect(await (await remotely()).connect({ lr: 0.5 }, { ignoreRemoteOverrides: true })).toEqual({ lr: 0.5 });
    expect(await task.getParameter("lr")).toBe(0.5);
  });

  it("keep names and values that the server escapes, folds or would read as dates", async () => {
    const settings = Object.fromEntries(NAMES.map((name, index) => [name, index % 2 === 0 ? name : "2026-01-31T00:00:00"]));
    await task.connect(settings, { name: "odd. $ection" });
    const remote = await remotely();
    expect(await remote.connect(Object.fromEntries(NAMES.map((name) => [name, ""])), { name: "odd. $ection" })).toEqual({
      ...settings,
      // A name that would be read as a date is kept under another, and the caller's own value stays.
      "2026-01-31": "",
    });
  });
});

describe("parameters", () => {
  it("are replaced as a whole, merged, and set one by one; user properties stay", async () => {
    await task.setUserProperties({ owner: "me" });
    await task.setParameters({ "Args/a": 1, b: true });
    await task.setParameters({ "Args/c": 2 });
    await task.updateParameters({ "Args/d": "x" });
    await task.setParameter("Args/e", 0.5, { description: "half" });
    await task.setParametersAsDict({ Net: { layers: { first: 3 } } });
    expect(await task.getParameters({ cast: true })).toEqual({ "Args/c": 2, "Args/d": "x", "Args/e": 0.5, "Net/layers/first": 3 });
    expect(await task.getParameters()).toMatchObject({ "Args/c": "2" });
    expect(await task.getParameter("Args/none")).toBeUndefined();
    expect(await task.getUserProperties()).toEqual({ owner: { value: "me", type: "str" } });
  });

  it("are deleted alone, also those whose names the server takes for commands", async () => {
    await task.updateParameters(Object.fromEntries(NAMES.slice(0, 10).map((name) => [`Args/${name}`, 1])));
    for (const name of NAMES.slice(0, 10)) expect(await task.deleteParameter(`Args/${name}`)).toBe(true);
    expect(await task.getParameters()).toEqual({});
    expect(await task.deleteParameter("Args/size")).toBe(false);
    await task.setUserProperties({ size: 1, other: 2 });
    expect(await task.deleteUserProperties(["size"])).toBe(1);
    expect(Object.keys(await task.getUserProperties())).toEqual(["other"]);
  });

  it("without a name are refused", async () => {
    for (const name of ["", "Args/", " /x"]) expect(ValidationError.isInstance(await failureOf(task.setParameter(name, 1)))).toBe(true);
  });
});

describe("a configuration", () => {
  it("is an object, a text or a file, and comes back from a remote run as somebody edited it", async () => {
    const file = join(bench.folder, "net.yaml");
    await writeFile(file, "layers: 2\n");
    expect(JSON.parse(await task.connectConfiguration({ json: { a: [1] } }))).toEqual({ a: [1] });
    expect(await task.connectConfiguration({ path: file }, { name: "net" })).toBe("layers: 2\n");
    expect(await task.connectConfiguration({ text: "x = 1", type: "ini" }, { name: "ini", description: "d" })).toBe("x = 1");
    expect((await task.reload()).document.configuration).toMatchObject({
      General: { type: "dictionary" },
      net: { type: "yaml" },
      ini: { type: "ini", description: "d" },
    });
    await task.connectConfiguration({ text: "layers: 3\n" }, { name: "net" });
    const remote = await remotely();
    expect(await remote.connectConfiguration({ path: "/not/here" }, { name: "net" })).toBe("layers: 3\n");
    expect(await remote.connectConfiguration({ text: "new" }, { name: "fresh" })).toBe("new");
    expect(await task.getConfiguration("fresh")).toBe("new");
  });

  it("is read as what it says, in JSON or in the form that ClearML's own client writes", async () => {
    await task.connectConfiguration({ json: { a: [1, null] } });
    await task.connectConfiguration({ text: 'a = [1, {\n    b = "x"\n    }]\nk = 1.5', type: "dictionary" }, { name: "hocon" });
    await task.connectConfiguration({ text: "{ a" }, { name: "broken" });
    expect(await task.getConfigurationAsDict("General")).toEqual({ a: [1, null] });
    expect(await task.getConfigurationAsDict("hocon")).toEqual({ a: [1, { b: "x" }], k: 1.5 });
    expect(await task.getConfigurationAsDict("none")).toBeUndefined();
    expect(ValidationError.isInstance(await failureOf(task.getConfigurationAsDict("broken")))).toBe(true);
  });

  it("is deleted alone, whatever its name", async () => {
    for (const name of ["size", "type", "a.b"]) await task.connectConfiguration({ text: name }, { name });
    expect(await task.deleteConfiguration("size")).toBe(true);
    expect(await task.getConfigurations()).toEqual({ type: "type", "a.b": "a.b" });
    for (const name of ["type", "a.b"]) await task.deleteConfiguration(name);
    expect(await task.getConfigurations()).toEqual({});
    expect(await task.deleteConfiguration("size")).toBe(false);
  });

  it("that cannot be read names its file", async () => {
    expect(String(await failureOf(task.connectConfiguration({ path: join(bench.folder, "none.yaml") })))).toMatch(
      /none\.yaml cannot be read/,
    );
  });
});

it("models are noted under the task's own names and read back", async () => {
  const { id } = await clearml.models.create({ name: "base", uri: "s3://bucket/base.pt" });
  await task.setInputModel({ id }, { name: "base net" });
  await task.setInputModel({ id });
  const { input, output } = await task.getModels();
  expect([...input].map(([name, model]) => [name, model.id])).toEqual([
    ["base net", id],
    ["Input Model", id],
  ]);
  expect(output.size).toBe(0);
});

describe("words about a task", () => {
  it("are set and read", async () => {
    await task.addTags(["a", "b", "2026-01-31"]);
    await task.removeTags(["a"]);
    expect(await task.getTags()).toEqual(["b", "2026-01-31_"]);
    await task.setTags(["c"]);
    expect(await task.getTags()).toEqual(["c"]);
    expect(ValidationError.isInstance(await failureOf(task.addTags(["__$all"])))).toBe(true);
    await task.setComment("2026-01-31");
    await task.setName("run 2");
    const parent = await Task.create(clearml, { name: "parent" });
    await task.setParent(parent);
    await task.moveToProject("Other/Place");
    await task.setProgress(42);
    await task.setOutputUri("s3://bucket/prefix");
    expect(await task.reload()).toMatchObject({
      name: "run 2",
      comment: "2026-01-31 ",
      parent: parent.id,
      outputUri: "s3://bucket/prefix",
    });
    expect(await task.getProjectName()).toBe("Other/Place");
    expect(await task.getProgress()).toBe(42);
    for (const progress of [-1, 101, 0.5, Number.NaN])
      expect(ValidationError.isInstance(await failureOf(task.setProgress(progress)))).toBe(true);
    expect(ValidationError.isInstance(await failureOf(task.setName("x")))).toBe(true);
  });

  it("about script and container are merged, and no password of the repository's address arrives", async () => {
    await task.setScript({ repository: "https://me:s3cret@host/repo.git", branch: "main", commit: "abc", binary: "node" });
    await task.setScript({ entryPoint: "train.ts" });
    await task.setPackages(["undici@8.13.1", "zod@4.6.7"]);
    await task.setContainer({ image: "node:24" });
    await task.setContainer({ setupShellScript: "npm ci" });
    expect(await task.getScript()).toMatchObject({ repository: "https://host/repo.git", branch: "main", entryPoint: "train.ts" });
    expect((await task.getScript()).requirements).toEqual({ npm: "undici@8.13.1\nzod@4.6.7\n" });
    expect(await task.getContainer()).toEqual({ image: "node:24", arguments: undefined, setupShellScript: "npm ci" });
  });

  it("about progress reach a server that has no endpoint for it yet", async () => {
    bench.server.faults.set("api", {
      mode: "status",
      match: "tasks.edit_runtime",
      status: 404,
      body: JSON.stringify({ meta: { id: "x", result_code: 404, result_subcode: 0, result_msg: "endpoint not found" }, data: {} }),
    });
    await task.setProgress(7);
    expect(await task.getProgress()).toBe(7);
  });
});

describe("after its end", () => {
  const edits: Readonly<Record<string, (options?: { force: boolean }) => Promise<unknown>>> = {
    "its parameters": (options) => task.updateParameters({ "Args/b": 2 }, options),
    "its configuration": (options) => task.connectConfiguration({ text: "x" }, { name: "late", ...options }),
    "its artifacts": (options) => task.uploadArtifact("late", { text: "x" }, options),
    "its progress": (options) => task.setProgress(99, options),
    "its script": (options) => task.setScript({ binary: "node" }, options),
    "its container": (options) => task.setContainer({ image: "node:24" }, options),
    "all its parameters": (options) => task.setParameters({ "Args/b": 2 }, options),
    "the list of its artifacts": (options) => task.deleteArtifacts(["early"], options),
  };
  beforeEach(async () => {
    await task.updateParameters({ "Args/a": 1 });
    await task.uploadArtifact("early", { text: "x" });
    await task.markCompleted();
  });

  it.each(Object.keys(edits))("%s change by force alone", async (what) => {
    const error = await failureOf(edits[what]!());
    expect(TaskStatusError.isInstance(error) && error.status, String(error)).toBe("completed");
    expect(String(error)).toMatch(/force: true/);
    await edits[what]!({ force: true });
    expect(await task.getStatus()).toBe("completed");
  });

  it("what was there stays beside what force adds", async () => {
    for (const edit of [edits["its parameters"], edits["its artifacts"]]) await edit!({ force: true });
    expect(await task.getParameters({ cast: true })).toEqual({ "Args/a": 1, "Args/b": 2 });
    expect(Object.keys((await task.reload()).artifacts)).toEqual(["early", "late"]);
  });

  it("name, comment, tags and user properties change without it", async () => {
    await task.setName("run 2");
    await task.setComment("done");
    await task.addTags(["late"]);
    await task.setUserProperties({ verdict: "good" });
    await task.publish();
    await task.addTags(["published"]);
    await task.setUserProperties({ verdict: "best" });
    expect((await task.getUserProperties())["verdict"]?.value).toBe("best");
  });

  it.each(Object.keys(edits))("%s of a published task do not change at all", async (what) => {
    await task.publish();
    const error = await failureOf(edits[what]!({ force: true }));
    expect(TaskStatusError.isInstance(error) && error.status, String(error)).toBe("published");
    expect(String(error)).toMatch(/published/);
  });
});
