import { describe, expect, it } from "vitest";
import { TestClearML } from "../../support/wire-client.js";

const scalar = (task: string, iter: number | undefined, value: number, fields: object = {}) => ({
  type: "training_stats_scalar",
  task,
  ...(iter === undefined ? {} : { iter }),
  timestamp: 1000 + (iter ?? 0),
  metric: "loss",
  variant: "train",
  value,
  ...fields,
});
const SINGLE = -2_147_483_648;

describe("events.scalar_metrics_iter_histogram", () => {
  it("gives every point while there are fewer than asked for", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([scalar(task, 20, 0.7, { x_axis_label: "epochs" }), scalar(task, 0, 1.2), scalar(task, 10, 0.9)]);
    expect(await clearml.ok("events.scalar_metrics_iter_histogram", { task })).toEqual({
      loss: { train: { name: "train", x: [0, 10, 20], y: [1.2, 0.9, 0.7].map(Math.fround), x_axis_label: "epochs" } },
    });
  });

  it("averages down when there are more", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch(Array.from({ length: 10 }, (_, iter) => scalar(task, iter, iter)));
    const { loss } = await clearml.ok("events.scalar_metrics_iter_histogram", { task, samples: 3 });
    // ceil((9 - 0) / 3) = 3 wide.
    expect([loss.train.x, loss.train.y]).toEqual([
      [0, 3, 6, 9],
      [1, 4, 7, 9],
    ]);
  });

  it("draws over time when asked", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([scalar(task, 1, 1, { timestamp: 5000 }), scalar(task, 2, 2, { timestamp: 4000 })]);
    expect((await clearml.ok("events.scalar_metrics_iter_histogram", { task, key: "timestamp" })).loss.train).toMatchObject({
      x: [4000, 5000],
      y: [2, 1],
    });
    expect((await clearml.ok("events.scalar_metrics_iter_histogram", { task, key: "iso_time" })).loss.train.x).toEqual([
      "1970-01-01T00:00:04.000Z",
      "1970-01-01T00:00:05.000Z",
    ]);
  });

  it("leaves out single values and points without a place", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([
      scalar(task, SINGLE, 1, { metric: "Summary" }),
      scalar(task, undefined, 1, { metric: "nowhere" }),
      scalar(task, -3, 1, { metric: "negative" }),
    ]);
    expect(Object.keys(await clearml.ok("events.scalar_metrics_iter_histogram", { task }))).toEqual(["negative"]);
  });

  it("filters by metric and variant, and refuses more samples than 6000", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([scalar(task, 1, 1), scalar(task, 1, 1, { variant: "val" }), scalar(task, 1, 1, { metric: "acc" })]);
    const metrics = [{ metric: "loss", variants: ["val"] }];
    expect(await clearml.ok("events.scalar_metrics_iter_histogram", { task, metrics })).toEqual({ loss: { val: expect.anything() } });
    expect((await clearml.api("events.scalar_metrics_iter_histogram", { task, samples: 6001 })).code).toBe("400/12");
    expect((await clearml.api("events.scalar_metrics_iter_histogram", { task: "none" })).code).toBe("400/101");
  });

  it("compares tasks by name", async () => {
    const clearml = new TestClearML();
    const [a, b] = [await clearml.task({ name: "run a" }), await clearml.task({ name: "run b" })];
    await clearml.batch([scalar(a, 1, 1)]);
    await clearml.batch([scalar(b, 1, 2)]);
    const { metrics } = await clearml.ok("events.multi_task_scalar_metrics_iter_histogram", { tasks: [a, b] });
    expect(metrics.loss.train).toEqual({ [a]: { name: "run a", x: [1], y: [1] }, [b]: { name: "run b", x: [1], y: [2] } });
    expect((await clearml.api("events.multi_task_scalar_metrics_iter_histogram", { tasks: [a, "none"] })).code).toBe("400/101");
  });
});

describe("exact values", () => {
  it("come page by page, and an end is an empty page", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch(Array.from({ length: 5 }, (_, at) => scalar(task, at + 1, 0.1 * (at + 1))));
    const pages: any[] = [];
    for (let scroll_id: string | undefined; pages.length < 4; scroll_id = pages.at(-1).scroll_id) {
      pages.push(
        await clearml.ok("events.scalar_metrics_iter_raw", {
          task,
          metric: { metric: "loss" },
          batch_size: 2,
          count_total: true,
          scroll_id,
        }),
      );
    }
    expect(pages.map((page) => [page.returned, page.total, page.variants.train?.iter ?? []])).toEqual([
      [2, 5, [1, 2]],
      [2, 5, [3, 4]],
      [1, 5, [5]],
      [0, 5, []],
    ]);
    expect(pages[0].variants.train.y).toEqual([0.1, 0.2]);
  });

  it("begin again after a page that ends at iteration 0, as the real server's cursor does", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([scalar(task, 0, 1), scalar(task, 1, 2)]);
    const first = await clearml.ok("events.scalar_metrics_iter_raw", { task, metric: { metric: "loss" }, batch_size: 1 });
    const second = await clearml.ok("events.scalar_metrics_iter_raw", {
      task,
      metric: { metric: "loss" },
      batch_size: 1,
      scroll_id: first.scroll_id,
    });
    expect([first, second].map((page) => page.variants.train.iter)).toEqual([[0], [0]]);
  });

  it("refuse a scroll id that is none with 400/1104", async () => {
    const clearml = new TestClearML();
    expect((await clearml.api("events.get_task_events", { task: await clearml.task(), scroll_id: "nonsense" })).code).toBe("400/1104");
  });

  it("cannot be read by iteration where there is none, so never for console lines", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch([{ type: "log", task, msg: "x" }]);
    expect((await clearml.api("events.get_task_events", { task, event_type: "log" })).code).toBe("500/0");
  });
});

describe("single values", () => {
  it("are a table of their own", async () => {
    const clearml = new TestClearML();
    const [task, without] = [await clearml.task({ name: "run 1" }), await clearml.task()];
    await clearml.batch([scalar(task, SINGLE, 0.93, { metric: "Summary", variant: "best acc", timestamp: 5 }), scalar(task, 1, 1)]);
    expect(await clearml.ok("events.get_task_single_value_metrics", { tasks: [task, without] })).toEqual({
      tasks: [{ task, task_name: "run 1", values: [{ metric: "Summary", variant: "best acc", value: 0.93, timestamp: 5 }] }],
    });
    expect(await clearml.ok("events.get_task_metrics", { tasks: [task], event_type: "training_stats_scalar" })).toEqual({
      metrics: [{ task, metrics: ["loss"] }],
    });
    expect(await clearml.ok("events.get_scalar_metrics_and_variants", { task })).toEqual({
      metrics: { Summary: ["best acc"], loss: ["train"] },
    });
  });
});

describe("the console", () => {
  async function lines(
    count: number,
    timestamp: (at: number) => number,
  ): Promise<{ clearml: TestClearML; task: string; read: (request: object) => Promise<any> }> {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch(
      Array.from({ length: count }, (_, at) => ({ type: "log", task, timestamp: timestamp(at), level: "info", msg: `line ${String(at)}` })),
    );
    return { clearml, task, read: (request) => clearml.ok("events.get_task_log", { task, ...request }) };
  }

  it("is read newest first and backwards, or oldest first and forwards", async () => {
    const { read } = await lines(4, (at) => 1000 + at);
    const messages = (page: any): string[] => page.events.map((event: any) => event.msg);
    expect(messages(await read({ batch_size: 2 }))).toEqual(["line 3", "line 2"]);
    expect(messages(await read({ batch_size: 2, from_timestamp: 1002 }))).toEqual(["line 1", "line 0"]);
    expect(messages(await read({ batch_size: 2, navigate_earlier: false }))).toEqual(["line 0", "line 1"]);
    expect(messages(await read({ batch_size: 9, navigate_earlier: false, from_timestamp: 1001 }))).toEqual(["line 2", "line 3"]);
    expect(messages(await read({ batch_size: 2, order: "asc" }))).toEqual(["line 2", "line 3"]);
    expect(await read({ from_timestamp: 1003, navigate_earlier: false })).toMatchObject({ events: [], returned: 0, total: 4 });
  });

  it("never cuts a page between lines of one moment", async () => {
    const { read } = await lines(5, (at) => (at < 1 ? 1000 : 1001));
    expect((await read({ batch_size: 2, navigate_earlier: false })).returned).toBe(5);
    expect((await read({ batch_size: 2 })).returned).toBe(4);
  });

  it("counts no further than 10,000", async () => {
    const { read } = await lines(10_001, (at) => at);
    expect(await read({ batch_size: 10_000 })).toMatchObject({ returned: 10_000, total: 10_000 });
  });

  it("is cleared by age", async () => {
    const { clearml, task, read } = await lines(2, (at) => Date.UTC(2026, 0, 1) - at * 10_000);
    expect(await clearml.ok("events.clear_task_log", { task, threshold_sec: 5 })).toEqual({ deleted: 1 });
    expect((await read({})).events[0].msg).toBe("line 0");
  });
});

describe("plots and samples", () => {
  it("come with the last iterations of each line", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch(
      [1, 2, 3].map((iter) => ({ type: "plot", task, iter, metric: "m", variant: "v", plot_str: `{"n":${String(iter)}}` })),
    );
    const { plots } = await clearml.ok("events.get_task_plots", { task, iters: 2 });
    expect(plots.map((plot: any) => plot.plot_str)).toEqual(['{"n":3}', '{"n":2}']);
    const { metrics } = await clearml.ok("events.plots", { metrics: [{ task, metric: "m" }], iters: 1 });
    expect(metrics[0].iterations.map((one: any) => one.iter)).toEqual([3]);
  });

  it("are paged into the past and back, and hide what a newer file has overwritten", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task();
    await clearml.batch(
      [1, 2, 3, 4].map((iter) => ({
        type: "training_debug_image",
        task,
        iter,
        metric: "m",
        variant: "v",
        url: `http://f/${String(iter % 3)}`,
        key: "k",
      })),
    );
    const page = async (fields: object): Promise<any> =>
      clearml.ok("events.debug_images", { metrics: [{ task, metric: "m" }], iters: 2, ...fields });
    const iterations = (answer: any): number[] => answer.metrics[0].iterations.map((one: any) => one.iter);
    const newest = await page({});
    const older = await page({ scroll_id: newest.scroll_id });
    const end = await page({ scroll_id: older.scroll_id });
    const back = await page({ scroll_id: older.scroll_id, navigate_earlier: false });
    expect([newest, older, end, back].map(iterations)).toEqual([[4, 3], [2], [], [4, 3]]);
  });
});

describe("deleting events", () => {
  it("takes a task's, unless it is published and not forced", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({}, "published");
    await clearml.batch([scalar(task, 1, 1, { allow_locked: true })]);
    expect((await clearml.api("events.delete_for_task", { task })).code).toBe("400/110");
    expect(await clearml.ok("events.delete_for_task", { task, allow_locked: true })).toEqual({ deleted: true });
    expect(await clearml.ok("events.get_scalar_metrics_and_variants", { task })).toEqual({ metrics: {} });
  });
});

describe("latest values", () => {
  it("come with the mean of the last hundred", async () => {
    const clearml = new TestClearML();
    const task = await clearml.task({ name: "run 1" });
    await clearml.batch([scalar(task, 1, 1), scalar(task, 2, 3)]);
    expect(await clearml.ok("events.get_task_latest_scalar_values", { task })).toEqual({
      metrics: [{ name: "loss", variants: [{ name: "train", last_value: 3, last_100_value: 2 }] }],
      last_iter: 2,
      name: "run 1",
      status: "created",
      last_timestamp: 1002,
    });
  });
});
