import { describe, expect, it } from "vitest";
import { metricHash } from "../../../src/protocol/clearml/identity.js";
import { TestClearML } from "../../support/wire-client.js";

const scalar = (task: string, fields: object = {}) => ({
  type: "training_stats_scalar",
  task,
  timestamp: 1000,
  iter: 1,
  metric: "loss",
  variant: "train",
  value: 0.5,
  ...fields,
});
const log = (task: string, fields: object = {}) => ({ type: "log", task, timestamp: 1000, level: "info", msg: "hello", ...fields });

async function stored(clearml: TestClearML, task: string): Promise<any[]> {
  return (await clearml.ok("events.get_task_events", { task, event_type: "training_stats_scalar" })).events;
}

async function summary(clearml: TestClearML, task: string, metric = "loss", variant = "train"): Promise<any> {
  return (await clearml.read(task)).last_metrics[metricHash(metric)]?.[metricHash(variant)];
}

describe("a batch of events", () => {
  it("is answered with 200 when a part of it is refused, counted by message", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    const { code, data } = await clearml.batch([
      scalar(task),
      scalar("none"),
      scalar("none", { iter: 2 }),
      { task },
      { type: "nonsense", task },
      { type: "log", msg: "x" },
    ]);
    expect(code).toBe("200/0");
    expect(data).toEqual({
      added: 1,
      errors: 5,
      errors_info: {
        "Invalid task id none": 2,
        "Event must have a 'type' field": 1,
        "Invalid event type nonsense": 1,
        "Event must have a 'task' field": 1,
      },
    });
  });

  it("is answered with 400/131 when nothing was added, and with 400/17 when it is empty", async () => {
    const clearml = new TestClearML();
    expect(await clearml.batch([scalar("none")])).toMatchObject({ code: "400/131", message: "No events added: Invalid task id none=1" });
    expect((await clearml.batch([])).code).toBe("400/17");
  });

  it("may not contradict itself about a task", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    expect((await clearml.batch([scalar(task), scalar(task, { allow_locked: true })])).code).toBe("400/12");
    expect((await clearml.batch([scalar(task), scalar(task, { model_event: true })])).code).toBe("400/12");
  });

  it.each(["created", "queued", "in_progress", "stopped", "closed", "failed", "completed"] as const)(
    "is taken by a task in status %s",
    async (status) => {
      const clearml = new TestClearML();
      expect((await clearml.batch([scalar(await clearml.task({}, status))])).code).toBe("200/0");
    },
  );

  it("is taken by a published task only with allow_locked", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "published");
    expect((await clearml.batch([scalar(task)])).code).toBe("400/131");
    expect((await clearml.batch([scalar(task, { allow_locked: true })])).code).toBe("200/0");
  });

  it("belongs to a model when it says so; models have no console and lock when they are ready", async () => {
    const clearml = new TestClearML();
    const { id } = await clearml.ok("models.create", { name: "a model", uri: "u", ready: false });
    expect((await clearml.batch([scalar(id, { model_event: true, iter: 3 }), log(id, { model_event: true })])).data).toMatchObject({
      added: 1,
      errors: 1,
    });
    const { model } = await clearml.ok("models.get_by_id", { model: id });
    expect(model.last_iteration).toBe(3);
    expect(Object.keys(await clearml.ok("events.scalar_metrics_iter_histogram", { task: id, model_events: true }))).toEqual(["loss"]);
    await clearml.ok("models.set_ready", { model: id });
    expect((await clearml.batch([scalar(id, { model_event: true })])).code).toBe("400/131");
  });
});

describe("what the index refuses", () => {
  it.each([
    ["a value that is a text", { value: "0.5" }],
    ["NaN", { value: "NaN-literal" }],
    ["a metric beyond 32,766 bytes", { metric: "x".repeat(32_767) }],
    ["a variant beyond 32,766 bytes of UTF-8", { variant: "é".repeat(16_384) }],
  ])("fails the call with 500/100, keeps the chunks before and leaves the statistics alone: %s", async (_what, bad) => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    const lines = [...Array.from({ length: 600 }, (_, iter) => scalar(task, { iter })), scalar(task, { iter: 9999, ...bad })].map((event) =>
      JSON.stringify(event),
    );
    const body = lines.join("\n").replace('"NaN-literal"', "NaN");
    const { code } = await clearml.api("events.add_batch", body, { "content-type": "application/json-lines" });
    expect(code).toBe("500/100");
    expect(await stored(clearml, task)).toHaveLength(500);
    const read = await clearml.read(task);
    expect([read.last_iteration, read.last_metrics]).toEqual([0, {}]);
  });

  it("takes NaN where nobody reads a number", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    expect((await clearml.batch([scalar(task, { value: null })])).code).toBe("200/0");
    expect(await summary(clearml, task)).toBeUndefined();
  });

  it("takes everything but an iteration that is out of range, and then fails", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    expect((await clearml.batch([scalar(task, { iter: 1e19 }), scalar(task, { iter: 5 })])).code).toBe("500/100");
    expect((await stored(clearml, task)).map((event) => event.iter)).toEqual([5]);
  });
});

describe("what the server cannot read", () => {
  it.each([
    ["a metric that looks like a date", { metric: "2024-01-01" }],
    ["a variant that looks like a time", { variant: "12:00:00" }],
    ["an iteration in words", { iter: "five" }],
    ["a time stamp in words", { timestamp: "now" }],
  ])("fails the whole call with 500/0: %s", async (_what, bad) => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    expect((await clearml.batch([scalar(task), scalar(task, bad)])).code).toBe("500/0");
    expect(await stored(clearml, task)).toEqual([]);
  });

  it("fails a console line that is a date or time, and reformats one that is a moment", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    expect((await clearml.batch([log(task, { msg: "12:34:56" })])).code).toBe("500/0");
    await clearml.batch([log(task, { msg: "2024-01-01T00:00:00Z" }), log(task, { msg: "2024-01-01 ", timestamp: 1001 })]);
    expect((await clearml.ok("events.get_task_log", { task, navigate_earlier: false })).events.map((event: any) => event.msg)).toEqual([
      "2024-01-01 00:00:00+00:00",
      "2024-01-01 ",
    ]);
  });

  it("casts iterations to whole numbers, and spaces of a type to underscores", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([scalar(task, { iter: 2.7 }), scalar(task, { iter: "5", type: "training stats scalar" })]);
    expect((await stored(clearml, task)).map((event) => event.iter)).toEqual([2, 5]);
  });
});

describe("an event's identity", () => {
  it("is its place in the chart: a resend overwrites, other values and times included", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([scalar(task)]);
    await clearml.batch([scalar(task, { value: 7, timestamp: 2000, extra: "kept" })]);
    expect(await stored(clearml, task)).toEqual([expect.objectContaining({ value: 7, timestamp: 2000, extra: "kept", iter: 1 })]);
  });

  it("is shared by names whose hyphens make the same text", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([scalar(task, { metric: "a-b", variant: "c" }), scalar(task, { metric: "a", variant: "b-c", value: 9 })]);
    expect(await stored(clearml, task)).toEqual([expect.objectContaining({ metric: "a", variant: "b-c", value: 9 })]);
  });

  it("is random for console lines: a repeated one is a second one", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([log(task)]);
    await clearml.batch([log(task)]);
    expect(await clearml.ok("events.get_task_log", { task })).toMatchObject({ returned: 2, total: 2 });
  });

  it("has the key of an image in it", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    const image = (key: string) => ({
      type: "training_debug_image",
      task,
      iter: 1,
      metric: "m",
      variant: "v",
      url: `http://f/${key}`,
      key,
    });
    await clearml.batch([image("a"), image("b"), image("a")]);
    const { metrics } = await clearml.ok("events.debug_images", { metrics: [{ task, metric: "m" }], iters: 1 });
    expect(metrics[0].iterations).toEqual([
      { iter: 1, events: [expect.objectContaining({ key: "b" }), expect.objectContaining({ key: "a" })] },
    ]);
  });
});

describe("a task's statistics", () => {
  it("follow the highest iteration, not the machine's own metrics, and never fall", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([
      scalar(task, { iter: 7 }),
      scalar(task, { iter: 99, metric: ":monitor:machine" }),
      scalar(task, { iter: 98, metric: ":monitor:gpu" }),
    ]);
    expect((await clearml.read(task)).last_iteration).toBe(7);
    await clearml.batch([scalar(task, { iter: 3 }), scalar(task, { iter: -5 })]);
    expect((await clearml.read(task)).last_iteration).toBe(7);
  });

  it("summarise each line: the last batch's value, extremes with their places, count and a rounded mean", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([
      scalar(task, { iter: 2, value: 3 }),
      scalar(task, { iter: 1, value: 1, x_axis_label: "epochs" }),
      scalar(task, { iter: 3, value: 2 }),
    ]);
    expect(await summary(clearml, task)).toEqual({
      metric: "loss",
      variant: "train",
      value: 2,
      min_value: 1,
      min_value_iteration: 1,
      max_value: 3,
      max_value_iteration: 2,
      first_value: 1,
      first_value_iteration: 1,
      count: 3,
      mean_value: 2,
    });
    await clearml.batch([scalar(task, { iter: 0, value: 0.555 })]);
    expect(await summary(clearml, task)).toMatchObject({
      value: 0.555,
      min_value: 0.555,
      min_value_iteration: 0,
      max_value: 3,
      first_value: 1,
      count: 4,
      mean_value: 1.64,
    });
  });

  it("count a resend twice, though it is stored once", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([scalar(task)]);
    await clearml.batch([scalar(task)]);
    expect((await summary(clearml, task)).count).toBe(2);
  });

  it("hold 2000 lines at most; later ones are stored but not summarised", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch(Array.from({ length: 2001 }, (_, at) => scalar(task, { variant: `v${String(at)}` })));
    expect(await summary(clearml, task, "loss", "v1999")).toBeDefined();
    expect(await summary(clearml, task, "loss", "v2000")).toBeUndefined();
    expect((await clearml.ok("events.get_task_events", { task, event_type: "training_stats_scalar" })).total).toBe(2001);
  });

  it("take the worker's name from the header unless the event has one", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.api("events.add", log(task), { "x-clearml-worker": "machine 1" });
    await clearml.api("events.add", log(task, { worker: "own", timestamp: 1001 }), { "x-clearml-worker": "machine 1" });
    await clearml.api("events.add", log(task, { timestamp: 1002 }));
    expect((await clearml.ok("events.get_task_log", { task, navigate_earlier: false })).events.map((event: any) => event.worker)).toEqual([
      "machine 1",
      "own",
      "<unknown>",
    ]);
  });
});
