/** How one comes by a task, and its way from status to status, against the embedded server. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, ConnectionError, NotFoundError, TaskStatusError, ValidationError } from "../../../src/base/errors.js";
import { Task, externalKeyTag, taskExternalKey } from "../../../src/clearml/index.js";
import { all, clearmlBench, failureOf, type ClearMLBench } from "../../support/clearml-bench.js";
import { FakeClock } from "../../support/fake-clock.js";

let bench: ClearMLBench;
beforeEach(async () => {
  bench = await clearmlBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const QUIET = { script: false, monitor: false } as const;
/** Bounds a wait for a state; it paces nothing. */
const WAIT = { timeout: 20_000, interval: 5 };

describe("Task.init", () => {
  it("makes a task in its project, starts it, and completes it at the end", async () => {
    const { clearml } = bench;
    const task = await Task.init(clearml, { project: "Vision/Cats", name: "run 1", tags: ["a"], comment: "hello", ...QUIET });
    expect(task).toMatchObject({ name: "run 1", status: "in_progress", type: "training", comment: "hello", isRemote: false });
    expect(await task.getProjectName()).toBe("Vision/Cats");
    expect(task.webUrl).toContain(`/projects/${String(task.projectId)}/experiments/${task.id}/`);
    await Promise.all([task.close(), task.close()]);
    expect(await task.getStatus()).toBe("completed");
    expect(bench.arrived("tasks.completed")).toBe(1);
  });

  it("delivers what its logger holds before it ends", async () => {
    const task = await Task.init(bench.clearml, { name: "run 1", ...QUIET });
    expect(task.logger).toBe(task.logger);
    for (let iteration = 0; iteration < 3; iteration++) task.logger.reportScalar({ title: "loss", series: "train", value: 1, iteration });
    await task.close();
    expect(await task.reload()).toMatchObject({ status: "completed", lastIteration: 2 });
  });

  it("continues a task by its id, failed and completed ones too, without wiping a stop that was asked for", async () => {
    const { clearml } = bench;
    const first = await Task.init(clearml, { name: "run 1", ...QUIET });
    const again = await Task.init(clearml, { id: first.id, ...QUIET });
    expect(again.id).toBe(first.id);
    expect(bench.arrived("tasks.started")).toBe(1);
    for (const end of ["markFailed", "markCompleted", "markStopped"] as const) {
      await first[end]();
      expect((await Task.init(clearml, { id: first.id, ...QUIET })).status).toBe("in_progress");
    }
  });

  it("finds the task of a key, or makes it, once for any number of processes", async () => {
    const job = { operation: "training", jobId: "7 / a", projectId: "p" } as const;
    const options = { externalKey: job, project: "Vision", name: "Training Job 7", ...QUIET };
    const tasks = await Promise.all(Array.from({ length: 5 }, () => Task.init(bench.client(), options)));
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(1);
    expect(await all(Task.query(bench.clearml, { project: "Vision" }))).toHaveLength(1);
    const byTag = await Task.get(bench.clearml, { systemTags: [taskExternalKey(job)] });
    expect(byTag.id).toBe(tasks[0]?.id);
  });

  it("does not take an answer that got lost for a task that was not made", async () => {
    const options = { externalKey: "mine:1", name: "run 1", ...QUIET };
    await bench.clearml.server.info();
    bench.server.faults.set("api", { mode: "drop-answer", match: "tasks.create", times: 1 });
    expect(ConnectionError.isInstance(await failureOf(Task.init(bench.clearml, options)))).toBe(true);
    await Task.init(bench.clearml, options);
    expect(await all(Task.query(bench.clearml))).toHaveLength(1);
  });

  it("is attached to the task that its process was started for, and leaves its end to whoever started it", async () => {
    const draft = await Task.create(bench.clearml, { name: "draft", type: "testing" });
    const remote = bench.client({}, { CLEARML_TASK_ID: draft.id });
    const task = await Task.init(remote, { name: "ignored", project: "Ignored", ...QUIET });
    expect(task).toMatchObject({ id: draft.id, name: "draft", isRemote: true, status: "in_progress" });
    await task.close();
    expect(await task.getStatus()).toBe("in_progress");
    expect(await bench.clearml.projects.find("Ignored")).toBeUndefined();
  });

  it.each([
    [{ name: "ab" }, /at least 3 characters/],
    [{}, /needs a name/],
    [{ name: "run", tags: ["-x"] }, /tag "-x"/],
    [{ name: "run", externalKey: " " }, /key is empty/],
    [{ name: "run", project: "A/B" }, /fewer than 3/],
  ])("refuses %j before anything is made", async (options, message) => {
    const error = await failureOf(Task.init(bench.clearml, { ...options, ...QUIET }));
    expect(ValidationError.isInstance(error)).toBe(true);
    expect(String(error)).toMatch(message);
    expect(bench.arrived("tasks.create")).toBe(0);
  });

  it("refuses a published task and names the way out", async () => {
    const task = await Task.init(bench.clearml, { name: "run 1", ...QUIET });
    await task.markCompleted({ publish: true });
    const error = await failureOf(Task.init(bench.clearml, { id: task.id, ...QUIET }));
    expect(TaskStatusError.isInstance(error) && error.status).toBe("published");
    expect(String(error)).toContain("Clone it");
  });
});

describe("finding tasks", () => {
  it("never stops at a page's 500 rows", async () => {
    const { clearml } = bench;
    const { id: project } = await clearml.projects.findOrCreate("Many");
    for (let at = 0; at < 505; at++) await clearml.tasks.create({ name: `run ${String(at)}`, type: "training", project });
    const found = await all(Task.query(clearml, { project: "Many" }));
    expect(new Set(found.map(({ id }) => id)).size).toBe(505);
  });

  it("by name means the whole name, whatever characters it holds", async () => {
    const { clearml } = bench;
    const name = "a+b (c) [d] ^$ | {e} * ? . \\ /x/ ü";
    await Task.create(clearml, { name: `${name} 2`, project: "Vision" });
    const exact = await Task.create(clearml, { name, project: "Vision" });
    expect((await Task.get(clearml, { project: "Vision", name })).id).toBe(exact.id);
    expect(await all(Task.query(clearml, { name: /A\+B/i }))).toHaveLength(2);
  });

  it("by name means the newest, and an archived one only when there is no other", async () => {
    const { clearml } = bench;
    const [older, newer] = [await Task.create(clearml, { name: "same" }), await Task.create(clearml, { name: "same" })];
    await newer.archive();
    expect((await Task.get(clearml, { name: "same" })).id).toBe(older.id);
    await older.archive();
    expect([older.id, newer.id]).toContain((await Task.get(clearml, { name: "same" })).id);
    expect(await Task.find(clearml, { name: "same", includeArchived: false })).toBeUndefined();
  });

  it("by tags means all of them, and none of the others", async () => {
    const { clearml } = bench;
    const both = await Task.create(clearml, { name: "both", tags: ["a", "b"] });
    await Task.create(clearml, { name: "one", tags: ["a"] });
    const more = await Task.create(clearml, { name: "more", tags: ["a", "b", "c"] });
    const ids = async (query: Parameters<typeof Task.query>[1]) => (await all(Task.query(clearml, query))).map(({ id }) => id);
    expect(await ids({ tags: ["a", "b"] })).toEqual([both.id, more.id]);
    expect(await ids({ tags: ["a", "b"], withoutTags: ["c"] })).toEqual([both.id]);
    expect(await ids({ ids: [] })).toEqual([]);
    expect(await ids({ project: "Nowhere" })).toEqual([]);
  });

  it("that are not there is said in words, by id and by name", async () => {
    for (const query of [{ id: "0".repeat(32) }, { name: "none", project: "Nowhere" }]) {
      const error = await failureOf(Task.get(bench.clearml, query));
      expect(NotFoundError.isInstance(error) && error.code).toBe("NOT_FOUND");
      expect(await Task.find(bench.clearml, query)).toBeUndefined();
    }
    expect(ValidationError.isInstance(await failureOf(Task.get(bench.clearml, {})))).toBe(true);
  });
});

describe("a task's status", () => {
  it("goes the server's ways, and a refusal says the status and the way out", async () => {
    const task = await Task.create(bench.clearml, { name: "run 1" });
    const refused = async (work: Promise<unknown>) => {
      const error = await failureOf(work);
      expect(TaskStatusError.isInstance(error) && ApiError.isInstance(error.cause)).toBe(true);
      return String(error);
    };
    expect(await refused(task.markCompleted())).toMatch(/is created.*markStarted/);
    expect(await refused(task.publish())).toMatch(/is created.*end it first/);
    await task.markStarted();
    await task.markFailed({ reason: "out of memory", message: "OOM" });
    expect(task.document).toMatchObject({ status: "failed", status_reason: "out of memory", status_message: "OOM" });
    expect(await refused(task.markStarted())).toMatch(/is failed.*force/);
    await task.markStarted({ force: true });
    await task.markCompleted();
    expect(await refused(task.enqueue({ name: "default" }))).toMatch(/is completed.*clone/);
    expect(await refused(task.delete())).toMatch(/is completed.*[Aa]rchive/);
    await task.publish();
    expect(task.status).toBe("published");
    expect(await refused(task.reset())).toMatch(/published.*force/);
    await task.reset({ force: true });
    expect(task.status).toBe("created");
  });

  it("goes into a queue and out of it", async () => {
    const task = await Task.create(bench.clearml, { name: "run 1" });
    await task.enqueue({ name: "gpu queue" });
    expect(task.status).toBe("queued");
    await task.dequeue();
    expect(task.status).toBe("created");
    expect(await failureOf(task.dequeue())).toBeInstanceOf(Error);
  });

  it("is waited for, with a limit, an abort, and failure told apart", async () => {
    const clock = new FakeClock();
    const clearml = bench.client({ clock });
    const task = await Task.create(clearml, { name: "run 1" });
    const other = await Task.get(bench.clearml, { id: task.id });
    await other.markStarted();
    const waiting = task.waitForStatus({ pollIntervalMs: 1000 });
    await vi.waitFor(() => expect(clock.sleeping).toBe(1), WAIT);
    await other.markCompleted();
    await clock.advance(1000);
    expect(await waiting).toBe("completed");
    expect(task.status).toBe("completed");

    const limited = failureOf(task.waitForStatus({ status: ["queued"], pollIntervalMs: 1000, timeoutMs: 2500 }));
    for (const _second of [1, 2, 3]) {
      await vi.waitFor(() => expect(clock.sleeping).toBe(1), WAIT);
      await clock.advance(1000);
    }
    expect(await limited).toMatchObject({ code: "TIMEOUT" });

    await other.markStarted();
    await other.markFailed({ reason: "broken" });
    const failed = await failureOf(task.waitForStatus());
    expect(TaskStatusError.isInstance(failed) && failed.message).toMatch(/is failed: broken/);

    const controller = new AbortController();
    const given = failureOf(task.waitForStatus({ status: ["queued"], raiseOn: [], signal: controller.signal }));
    await vi.waitFor(() => expect(clock.sleeping).toBe(1), WAIT);
    controller.abort(new Error("enough"));
    expect(String(await given)).toContain("enough");
  });

  it("of a task that was deleted under us is said in words, by every verb", async () => {
    const task = await Task.init(bench.clearml, { name: "run 1", ...QUIET });
    await (await Task.get(bench.clearml, { id: task.id })).delete({ force: true });
    for (const work of [
      () => task.reload(),
      () => task.markStarted(),
      () => task.markCompleted(),
      () => task.connect({ lr: 1 }),
      () => task.uploadArtifact("a", { text: "x" }),
      () => task.setScript({ binary: "node" }),
      () => task.setComment("x"),
      () => task.setProgress(5),
      () => task.clone(),
    ]) {
      const error = await failureOf(work());
      expect(NotFoundError.isInstance(error), String(error)).toBe(true);
    }
  });
});

describe("a copy", () => {
  it("has the settings and nothing of what came of them, and no key of the original's", async () => {
    const task = await Task.init(bench.clearml, { externalKey: "mine:1", project: "Vision", name: "run 1", tags: ["a"], ...QUIET });
    await task.connect({ lr: 0.1 });
    await task.uploadArtifact("note", { text: "hello" });
    const copy = await task.clone({ name: "run 2", project: "Other Project", comment: "again" });
    expect(copy).toMatchObject({ name: "run 2", status: "created", comment: "again", parent: task.id, artifacts: {} });
    expect(await copy.getProjectName()).toBe("Other Project");
    expect(await copy.getParameters({ cast: true })).toEqual({ "General/lr": 0.1 });
    expect(copy.document.tags).toEqual(["a"]);
    expect((await Task.get(bench.clearml, { systemTags: [externalKeyTag("mine:1")] })).id).toBe(task.id);
  });
});

describe("exported settings", () => {
  it("make the same task elsewhere, and are written over another", async () => {
    const task = await Task.init(bench.clearml, { project: "Vision", name: "run 1", type: "testing", tags: ["a"], comment: "c", ...QUIET });
    await task.connect({ lr: 0.1, nested: { flag: true } });
    await task.connectConfiguration({ json: { layers: [1, 2] } }, { name: "net", description: "the net" });
    await task.setScript({ repository: "https://host/repo.git", branch: "main", commit: "abc", entryPoint: "train.ts", binary: "node" });
    await task.setContainer({ image: "node:24", arguments: "--ipc=host" });
    await task.setUserProperties({ owner: "me" });
    const exported = JSON.parse(JSON.stringify(await task.exportTask())) as Awaited<ReturnType<typeof task.exportTask>>;
    expect(exported).toMatchObject({ project_name: "Vision", session_api_version: "2.34" });
    expect(exported).not.toHaveProperty("last_metrics");

    await using elsewhere = await clearmlBench();
    const copy = await Task.importTask(elsewhere.clearml, exported);
    await task.reload();
    for (const field of ["name", "type", "tags", "comment", "hyperparams", "configuration", "script", "container"])
      expect(copy.document[field], field).toEqual(task.document[field]);
    expect(await copy.getProjectName()).toBe("Vision");

    const other = await Task.create(bench.clearml, { name: "other" });
    await other.setParameter("General/own", 1);
    await Task.importTask(bench.clearml, exported, { into: other });
    expect(await other.getParameters({ cast: true })).toEqual({ "General/own": 1, "General/lr": 0.1, "General/nested/flag": true });
  });

  it("that are none are refused", async () => {
    expect(ValidationError.isInstance(await failureOf(Task.importTask(bench.clearml, { hello: 1 })))).toBe(true);
  });
});

describe("the end of a task", () => {
  it("in the archive can be taken back", async () => {
    const task = await Task.create(bench.clearml, { name: "run 1" });
    await task.archive();
    expect(task.document.system_tags).toContain("archived");
    await task.unarchive();
    expect(task.document.system_tags).not.toContain("archived");
  });

  it("by deletion takes the files on the file server along and names the others", async () => {
    const task = await Task.init(bench.clearml, { name: "run 1", ...QUIET });
    const stored = await task.uploadArtifact("note", { text: "hello" });
    await task.uploadArtifact("elsewhere", { uri: "s3://bucket/key" });
    await task.archive();
    expect(await task.delete()).toEqual({ leftFiles: ["s3://bucket/key"] });
    expect(await bench.clearml.files.head(stored.url ?? "")).toBeUndefined();
    expect(await Task.find(bench.clearml, { id: task.id })).toBeUndefined();
  });
});
