import { afterEach, describe, expect, it } from "vitest";
import { judgeStatus } from "../../../../src/clearml/status-verdict.js";
import { isOurs } from "../../../../src/sinks/clearml/task-status.js";
import { TaskWatch } from "../../../../src/sinks/clearml/task-watch.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { memoryLogger, noAnswer, raise, scriptedPort, type Script } from "./scripted-port.js";

const watches: TaskWatch[] = [];
afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.stop();
});

/** A watched task whose status a test may set. */
function watched(script: Script = {}) {
  const task: { id: string; status: string; status_message: string; status_reason: string } = {
    id: "task",
    status: "in_progress",
    status_message: "",
    status_reason: "",
  };
  const clock = new FakeClock();
  const logger = memoryLogger();
  const asked: string[] = [];
  const port = scriptedPort({
    "tasks.get_all": () => ({ tasks: [{ ...task }] }),
    "tasks.ping": () => ({}),
    "tasks.started": () => {
      Object.assign(task, { status: "in_progress", status_message: "", status_reason: "trainer-sdk: started" });
      return {};
    },
    ...script,
  });
  const watch = new TaskWatch({
    port,
    clock,
    logger,
    pollIntervalMs: 5_000,
    pingIntervalMs: 30_000,
    onStopRequest: (reason) => asked.push(reason),
  });
  watches.push(watch);
  watch.start("task");
  return { task, clock, logger, asked, port, watch };
}

describe("task watch", () => {
  it("pings every half minute and polls every five seconds", async () => {
    const { clock, port } = watched();
    await clock.advance(60_000);
    expect(port.requests("tasks.ping")).toEqual([{ task: "task" }, { task: "task" }]);
    expect(port.requests("tasks.get_all")).toHaveLength(12);
    expect(port.requests("tasks.get_all")[0]).toMatchObject({
      id: ["task"],
      only_fields: ["id", "status", "status_message", "status_reason"],
    });
  });

  it("passes a wish to stop on once, however often it is seen and however it shows", async () => {
    const { task, clock, asked } = watched();
    task.status_message = "stopping";
    await clock.advance(20_000);
    expect(asked).toHaveLength(1);
    Object.assign(task, { status: "stopped", status_message: "Stopped by Ada" });
    await clock.advance(20_000);
    expect(asked).toHaveLength(1);
  });

  it("passes a new wish on after the task ran again", async () => {
    const { task, clock, asked } = watched();
    task.status_message = "stopping";
    await clock.advance(5_000);
    task.status_message = "";
    await clock.advance(5_000);
    task.status_message = "stopping";
    await clock.advance(5_000);
    expect(asked).toHaveLength(2);
  });

  it("says who stopped the task and how", async () => {
    const { task, clock, asked } = watched();
    Object.assign(task, { status: "stopped", status_message: "Stopped by Ada Lovelace" });
    await clock.advance(5_000);
    expect(asked).toEqual(["ClearML task task is now stopped: Stopped by Ada Lovelace"]);
  });

  it("revives a task that the server took for dead, and asks nobody to stop", async () => {
    const { task, clock, asked, port, logger } = watched();
    Object.assign(task, {
      status: "stopped",
      status_message: "Forced stop (non-responsive)",
      status_reason: "Forced stop (non-responsive)",
    });
    await clock.advance(10_000);
    expect(task.status).toBe("in_progress");
    expect(port.requests("tasks.started")).toHaveLength(1);
    expect(asked).toEqual([]);
    expect(logger.lines.filter((text) => text.includes("took task task for dead"))).toHaveLength(1);
  });

  it("takes a task that is created four polls in a row for reset", async () => {
    const { task, clock, asked } = watched();
    task.status = "created";
    await clock.advance(15_000);
    expect(asked).toEqual([]);
    task.status = "in_progress";
    await clock.advance(5_000);
    task.status = "created";
    await clock.advance(15_000);
    expect(asked).toEqual([]);
    await clock.advance(5_000);
    expect(asked).toEqual(["ClearML task task was reset"]);
  });

  it("goes on through an outage with one warning, and says when it is over", async () => {
    let down = true;
    const { clock, logger, asked, port } = watched({
      "tasks.get_all": () => (down ? raise(noAnswer()) : { tasks: [{ id: "task", status: "in_progress", status_message: "stopping" }] }),
    });
    await clock.advance(25_000);
    expect(logger.lines.filter((text) => text.startsWith("warn"))).toHaveLength(1);
    down = false;
    await clock.advance(5_000);
    expect(port.requests("tasks.get_all")).toHaveLength(6);
    expect(logger.lines).toContain("info: ClearML can be asked for stop requests again, after 5 failures");
    expect(asked).toHaveLength(1);
  });

  it("has no opinion on a task that is gone", async () => {
    const { clock, asked } = watched({ "tasks.get_all": () => ({ tasks: [] }) });
    await clock.advance(60_000);
    expect(asked).toEqual([]);
  });

  it("leaves nothing behind when it ends, not even a request under way", async () => {
    let reason: unknown;
    const { clock, watch } = watched({
      "tasks.get_all": (_request, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            reject(signal.reason as Error);
          });
        }),
    });
    await clock.advance(5_000);
    await watch.stop();
    expect(reason).toBeDefined();
    expect(clock.sleeping).toBe(0);
  });

  it("is not unsettled by being started for the task that it watches", async () => {
    const { task, clock, watch, asked, port } = watched();
    task.status_message = "stopping";
    await clock.advance(5_000);
    await clock.advance(2_500);
    watch.start("task");
    await clock.advance(2_500);
    expect(port.requests("tasks.get_all")).toHaveLength(2);
    expect(asked).toHaveLength(1);
  });

  it("watches one task at a time", async () => {
    const { clock, watch, port } = watched();
    expect(clock.sleeping).toBe(2);
    watch.start("other");
    await clock.advance(5_000);
    expect(clock.sleeping).toBe(2);
    expect(port.requests("tasks.get_all").map(({ id }) => id)).toEqual([["other"]]);
  });
});

describe("what a status means for a job that runs", () => {
  it.each([
    ["in_progress", "", "", "running"],
    ["in_progress", "stopping", "", "stop"],
    ["queued", "", "", "running"],
    ["created", "", "", "running"],
    ["unknown", "", "", "running"],
    ["a_new_one", "", "", "running"],
    ["stopped", "Stopped by Ada", "", "stop"],
    ["stopped", "Forced stop (non-responsive)", "Forced stop (non-responsive)", "revive"],
    ["stopped", "", "trainer-sdk: stopped", "running"],
    ["completed", "", "trainer-sdk: completed", "running"],
    ["completed", "", "", "stop"],
    ["failed", "worker lost", "", "stop"],
    ["closed", "", "", "stop"],
    ["published", "", "", "stop"],
    ["publishing", "", "", "stop"],
  ])("%s, message %j, reason %j: %s", (status, message, reason, kind) => {
    const view = { status, message, reason };
    expect(judgeStatus("task", view, 1, isOurs(view)).kind).toBe(kind);
  });
});
