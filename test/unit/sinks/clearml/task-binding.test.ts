import { describe, expect, it } from "vitest";
import { final, line, progress, record } from "./facts.js";
import { noAnswer, raise } from "./scripted-port.js";
import { aJob, delivered, KEY, statuses } from "./sink-job.js";

describe("binding the job's task", () => {
  it("makes project and task, starts the task and says where it is", async () => {
    const job = aJob({ outputUri: "s3://bucket/prefix" });
    expect(await job.open()).toEqual(delivered);
    expect(job.task()).toMatchObject({
      name: "Training Job 42",
      type: "training",
      project: "project-1",
      status: "in_progress",
      system_tags: [KEY],
      output_dest: "s3://bucket/prefix",
    });
    expect(job.bound).toEqual([
      { id: "task-1", projectId: "project-1", webUrl: "https://web.example/projects/project-1/experiments/task-1/output/log" },
    ]);
    await job.sink.close();
  });

  it.each([
    ["training", "training"],
    ["inference", "inference"],
    ["evaluation", "testing"],
    ["export", "data_processing"],
  ] as const)("files a job of %s as a task of type %s", async (operation, type) => {
    const job = aJob({ job: { operation } });
    await job.open();
    expect(job.task().type).toBe(type);
    await job.sink.close();
  });

  it("finds the task again after a restart, by memory and without memory", async () => {
    const job = aJob();
    await job.open();
    const again = await job.restart();
    await again.open();
    const elsewhere = aJob({}, job.server);
    await elsewhere.open();
    expect(job.server.tasks.size).toBe(1);
    expect([again.bound[0]?.id, elsewhere.bound[0]?.id]).toEqual(["task-1", "task-1"]);
    await Promise.all([again.sink.close(), elsewhere.sink.close()]);
  });

  it("does not deliver a journal a second time whose export was imported, and goes on with that task in a later run", async () => {
    const first = aJob();
    await first.open();
    await first.sink.close();
    const imported = first.task();
    Object.assign(imported, { system_tags: [KEY, "trainer-sdk:offline:offline-7"], runtime: { trainer_sdk_run: "run" } });
    const same = aJob({}, first.server);
    expect(await same.open()).toMatchObject({ status: "rejected", reason: expect.stringMatching(/task-1.*imported/) });
    const later = aJob({ runId: "another run" }, first.server);
    expect(await later.open()).toEqual(delivered);
    expect(later.bound[0]?.id).toBe("task-1");
    await Promise.all([same.sink.close(), later.sink.close()]);
  });

  it("does not take another job's task out of a folder that was used before", async () => {
    const job = aJob();
    await job.open();
    const other = await job.restart({ externalKey: "trainer-sdk:training:-:43" });
    await other.open();
    expect(job.server.tasks.size).toBe(2);
    await other.sink.close();
  });

  it("makes one task although the answer to the creation was lost", async () => {
    const job = aJob();
    job.port.script["tasks.create"] = (request, signal) => {
      job.server.script["tasks.create"]!(request, signal);
      throw noAnswer();
    };
    expect(await job.open()).toMatchObject({ status: "retry", cause: "unreachable" });
    expect(await job.open()).toEqual(delivered);
    expect(job.server.tasks.size).toBe(1);
    await job.sink.close();
  });

  it("reports to the task that was given, and turns off when there is none of that id", async () => {
    const job = aJob();
    await job.open();
    const given = aJob({ taskId: "task-1", externalKey: "another" }, job.server);
    expect(await given.open()).toEqual(delivered);
    const wrong = aJob({ taskId: "nowhere" }, job.server);
    expect(await wrong.open()).toMatchObject({ status: "rejected", reason: expect.stringContaining("CLEARML_TASK_ID") });
    expect(job.server.tasks.size).toBe(1);
    await Promise.all([job.sink.close(), given.sink.close()]);
  });

  it("fills up names that ClearML would refuse as too short", async () => {
    const job = aJob({ taskName: " 7 ", projectName: "AI / /x" });
    await job.open();
    expect(job.task().name).toBe("Task 7");
    expect([...job.server.projects.keys()]).toEqual(["AI_/x__"]);
    await job.sink.close();
  });

  it("goes on when whoever is told of the task throws", async () => {
    const job = aJob({ onBound: () => raise(new Error("listener")) });
    expect(await job.open()).toEqual(delivered);
    await job.sink.close();
  });
});

describe("starting the task", () => {
  it("does not start a task that runs already: that would wipe out a wish to stop", async () => {
    const job = aJob();
    await job.open();
    job.task().status_message = "stopping";
    const again = await job.restart();
    await again.open();
    expect(again.port.requests("tasks.started")).toEqual([]);
    await again.clock.advance(5_000);
    expect(again.stops).toHaveLength(1);
    await again.sink.close();
  });

  it.each([
    ["created", false],
    ["queued", false],
    ["stopped", false],
    ["failed", true],
  ])("starts a task that is %s at once", async (status, force) => {
    const job = aJob();
    await job.open();
    job.task().status = status;
    const again = await job.restart();
    await again.open();
    expect(again.port.requests("tasks.started")).toMatchObject([{ force }]);
    await again.sink.close();
  });

  it("lets a completed task rest until a new attempt says something, and then starts it once", async () => {
    const job = aJob();
    await job.open();
    expect(statuses(await job.deliver(record(1, line("a"))))).toEqual(["delivered"]);
    await job.deliver(record(2, final()));
    expect(job.task().status).toBe("completed");

    const again = await job.restart();
    await again.open();
    expect(job.task().status).toBe("completed");
    // A dead letter of the first attempt, replayed by a person, is no new attempt.
    await again.deliver(record(1, line("a")));
    expect(job.task().status).toBe("completed");
    await again.deliver(record(3, progress({ epoch: 1 })));
    await again.deliver(record(4, progress({ epoch: 2 })));
    expect(job.task().status).toBe("in_progress");
    expect(again.port.requests("tasks.started")).toHaveLength(1);
    await again.deliver(record(5, final({ status: "failed", error: { name: "Error", message: "boom" } })));
    expect(job.task()).toMatchObject({ status: "failed", status_message: "Error: boom" });
    await again.sink.close();
  });

  it("runs the task again when the end that was delivered is an earlier attempt's, and leaves one's own end alone", async () => {
    const job = aJob();
    await job.open();
    const second = await job.restart();
    await second.open();
    const deliver = (...records: Parameters<typeof second.deliver>) => second.sink.deliver(records, { ...second.context, ownFrom: 3 });
    // The first attempt's last words, which its process could not deliver, and then the second's own.
    await deliver(record(1, line("a")), record(2, final()));
    expect(second.task().status).toBe("completed");
    await deliver(record(3, progress({ epoch: 1 })));
    expect(second.task().status).toBe("in_progress");
    second.task().status_message = "stopping";
    await second.clock.advance(5_000);
    expect(second.stops).toHaveLength(1);
    second.task().status_message = "";
    await deliver(record(4, final()), record(5, line("too late to count as an attempt")));
    expect(second.task().status).toBe("completed");
    await second.sink.close();
  });

  it("goes on with a second attempt that crashed as with any other, after the first had ended", async () => {
    const job = aJob();
    await job.open();
    await job.deliver(record(1, final({ status: "failed" })));
    const second = await job.restart();
    await second.open();
    await second.deliver(record(2, line("again")));
    const third = await second.restart();
    await third.open();
    job.task().status_message = "stopping";
    await third.clock.advance(5_000);
    expect(third.stops).toHaveLength(1);
    await third.sink.close();
  });

  it("touches no status while it only drains, and asks for no wishes", async () => {
    const job = aJob({ mode: "drain" });
    await job.open();
    await job.deliver(record(1, line("a")));
    await job.clock.advance(60_000);
    expect(job.task().status).toBe("created");
    expect(job.port.requests("tasks.ping")).toEqual([]);
    await job.deliver(record(2, final()));
    expect(job.port.requests("tasks.started")).toHaveLength(1);
    expect(job.task().status).toBe("completed");
  });
});
