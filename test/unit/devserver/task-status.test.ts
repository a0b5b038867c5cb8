import { describe, expect, it } from "vitest";
import { isAllowed } from "../../../src/devserver/api/task-status.js";
import { TestClearML } from "../../support/wire-client.js";

const HOUR = 3_600_000;

describe("the state machine", () => {
  it.each([
    ["created", "completed", false],
    ["created", "in_progress", true],
    ["in_progress", "completed", true],
    ["failed", "in_progress", false],
    ["failed", "completed", false],
    ["failed", "stopped", true],
    ["completed", "queued", false],
    ["completed", "in_progress", true],
    ["completed", "stopped", false],
    ["stopped", "completed", true],
    ["published", "in_progress", false],
    ["published", "published", true],
  ] as const)("lets a task go from %s to %s: %s", (from, to, allowed) => {
    expect(isAllowed(from, to)).toBe(allowed);
  });

  it("refuses what is not allowed with 400/110, unless it is forced", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    expect((await clearml.api("tasks.completed", { task })).code).toBe("400/110");
    expect(await clearml.ok("tasks.completed", { task, force: true })).toMatchObject({ updated: 1, fields: { status: "completed" } });
  });

  it("overwrites reason and message at every call, also with nothing", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    await clearml.ok("tasks.failed", { task, status_reason: "why", status_message: "what" });
    expect(await clearml.read(task)).toMatchObject({ status: "failed", status_reason: "why", status_message: "what" });
    await clearml.ok("tasks.failed", { task });
    expect(await clearml.read(task)).toMatchObject({ status_reason: "", status_message: "" });
  });

  it("stamps the end again when the same end is told again", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "completed");
    const { completed } = await clearml.read(task);
    await clearml.clock.advance(1000);
    await clearml.ok("tasks.completed", { task });
    expect((await clearml.read(task)).completed).not.toBe(completed);
  });
});

describe("tasks.started", () => {
  it("keeps the time of a task that runs already, and takes a new one for a task that ran before", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    const { started } = await clearml.read(task);
    await clearml.clock.advance(1000);
    await clearml.ok("tasks.started", { task });
    expect((await clearml.read(task)).started).toBe(started);
    await clearml.ok("tasks.stopped", { task });
    await clearml.ok("tasks.started", { task });
    const again = await clearml.read(task);
    expect(again.started).not.toBe(started);
    expect(again).not.toHaveProperty("completed");
  });

  it("answers a wrong id with 400/10, where others say 400/101", async () => {
    const clearml = new TestClearML();
    expect((await clearml.api("tasks.started", { task: "none" })).code).toBe("400/10");
    expect((await clearml.api("tasks.stopped", { task: "none" })).code).toBe("400/101");
  });
});

describe("tasks.completed", () => {
  it("publishes afterwards when asked, with the last model", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    const { id: model } = await clearml.ok("models.create", { name: "a model", uri: "file:///x", ready: false, task });
    await clearml.ok("tasks.add_or_update_model", { task, name: "out", model, type: "output" });
    expect(await clearml.ok("tasks.completed", { task, publish: true })).toMatchObject({ published: 1 });
    expect((await clearml.read(task)).status).toBe("published");
    expect((await clearml.ok("models.get_by_id", { model })).model.ready).toBe(true);
  });
});

describe("tasks.stop", () => {
  it("stops at once where no worker is alive who would see a request", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    expect((await clearml.ok("tasks.stop", { task })).fields).toMatchObject({ status: "stopped", status_message: "Stopped by developer" });
  });

  it("asks a living worker by a word in the message", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    await clearml.ok("workers.status_report", { worker: "w", timestamp: clearml.clock.now(), task });
    await clearml.ok("tasks.stop", { task });
    expect(await clearml.read(task)).toMatchObject({ status: "in_progress", status_message: "stopping" });
    await clearml.ok("tasks.started", { task });
    expect((await clearml.read(task)).status_message).toBe("");
  });

  it("stops at once when the worker was last heard of ten minutes ago, or the task is in development", async () => {
    const clearml = new TestClearML();
    for (const system_tags of [[], ["development"]]) {
      const task = await clearml.task({ system_tags }, "in_progress");
      await clearml.ok("workers.status_report", { worker: "w", timestamp: clearml.clock.now(), task });
      if (system_tags.length === 0) await clearml.clock.advance(600_000);
      await clearml.ok("tasks.stop", { task });
      expect((await clearml.read(task)).status).toBe("stopped");
    }
  });
});

describe("the watchdog", () => {
  it("stops a running task that was silent for more than two hours, without an end", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    await clearml.clock.advance(2 * HOUR);
    expect((await clearml.read(task)).status).toBe("in_progress");
    await clearml.clock.advance(900_000);
    const stopped = await clearml.read(task);
    expect(stopped).toMatchObject({
      status: "stopped",
      status_reason: "Forced stop (non-responsive)",
      status_message: "Forced stop (non-responsive)",
    });
    expect(stopped).not.toHaveProperty("completed");
  });

  it.each(["tasks.ping", "events.add"])("is kept quiet by %s", async (endpoint) => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    for (let hours = 0; hours < 6; hours += 1) {
      await clearml.clock.advance(HOUR);
      await clearml.ok(endpoint, endpoint === "tasks.ping" ? { task } : { type: "log", task, msg: "alive" });
    }
    expect((await clearml.read(task)).status).toBe("in_progress");
  });

  it("leaves alone what does not run", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.clock.advance(9 * HOUR);
    expect((await clearml.read(task)).status).toBe("created");
  });
});

describe("tasks.ping", () => {
  it("measures how long a task has been active, and accepts a wrong id without a word", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "in_progress");
    await clearml.clock.advance(90_500);
    await clearml.ok("tasks.ping", { task });
    expect((await clearml.read(task)).active_duration).toBe(90);
    expect((await clearml.api("tasks.ping", { task: "none" })).code).toBe("200/0");
  });
});
