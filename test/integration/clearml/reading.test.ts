/** Reading reports back, in a chart's shape, against the embedded server over real sockets; and what an older server lacks. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiError, ValidationError } from "../../../src/base/errors.js";
import { SINGLE_VALUE_ITERATION, createClearML, widgetUrl, type ClearML, type EventInput } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { failureOf } from "../../unit/clearml/fake-api.js";

let server: DevServer;
let clearml: ClearML;
const START_MS = 1_700_000_000_000;

beforeEach(async () => {
  server = await startDevServer();
  clearml = createClearML({}, { ...server.env });
});
afterEach(async () => {
  await clearml.close();
  await server.close();
});

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const row of rows) read.push(row);
  return read;
}

async function aTask(name = "run 1"): Promise<string> {
  const { id } = await clearml.tasks.create({ name, type: "training" });
  await clearml.tasks.started({ task: id });
  return id;
}

const point = (task: string, metric: string, variant: string, iter: number, value: number): EventInput => ({
  type: "training_stats_scalar",
  task,
  metric,
  variant,
  iter,
  value,
  timestamp: START_MS + iter * 1000,
});

describe("the last metrics of a task", () => {
  it("come as a table of charts and lines, with the single values apart", async () => {
    const task = await aTask();
    await clearml.events.addBatch([
      ...[0.9, 0.5, 0.7].map((value, iter) => point(task, "loss", "train", iter, value)),
      point(task, "loss", "val", 2, 0.8),
      point(task, "a-b", "c", 1, 1),
      point(task, "constructor", "__proto__", 1, 2),
      { ...point(task, "Summary", "best accuracy", 0, 0.93), iter: SINGLE_VALUE_ITERATION },
    ]);
    const read = await clearml.reading.metrics(task);
    expect(read).toMatchObject({
      taskId: task,
      taskName: "run 1",
      status: "in_progress",
      lastIteration: 2,
      summary: { "best accuracy": 0.93 },
    });
    expect(read.metrics["loss"]?.["train"]).toEqual({
      last: 0.7,
      min: 0.5,
      minIteration: 1,
      max: 0.9,
      maxIteration: 0,
      first: 0.9,
      mean: 0.7,
      count: 3,
    });
    expect(Object.keys(read.metrics).sort()).toEqual(["a-b", "constructor", "loss"]);
    expect(read.metrics["constructor"]?.["__proto__"]?.last).toBe(2);
    expect(read.webUrl).toBe(`${clearml.session.webHost ?? ""}/projects/*/experiments/${task}/output/log`);
    expect(JSON.parse(JSON.stringify(read))).toMatchObject({ metrics: { loss: { val: { last: 0.8 } } } });
    expect(String(await failureOf(clearml.reading.metrics("0".repeat(32))))).toContain("400/101");
  });

  it("are complete beyond the 2,000 pairs that the server summarises", async () => {
    const task = await aTask();
    const pairs = Array.from({ length: 2100 }, (_, index) =>
      point(task, `metric ${String(index % 10)}`, `line ${String(index)}`, 1, index),
    );
    for (let start = 0; start < pairs.length; start += 500) await clearml.events.addBatch(pairs.slice(start, start + 500));
    const { metrics } = await clearml.reading.metrics(task);
    const lasts = Object.values(metrics).flatMap((lines) => Object.values(lines).map(({ last }) => last));
    expect(lasts.sort((one, other) => (one ?? 0) - (other ?? 0))).toEqual(Array.from({ length: 2100 }, (_, index) => index));
  });

  it("of many tasks take few requests, in the order asked for, without those that are gone", async () => {
    const tasks: string[] = [];
    for (let index = 0; index < 12; index++) {
      tasks.push(await aTask(`run ${String(index)}`));
      await clearml.events.addBatch([point(tasks[index] ?? "", "loss", "train", 1, index)]);
    }
    const asked = [...tasks.slice(6), "0".repeat(32), ...tasks.slice(0, 6)];
    const before = server.requests.entries({ channel: "api" }).length;
    const read = await clearml.reading.metricsOfTasks(asked);
    expect(read.map(({ metrics }) => metrics["loss"]?.["train"]?.last)).toEqual([6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]);
    expect(server.requests.entries({ channel: "api" }).length - before).toBe(1);
  });
});

describe("charts", () => {
  it("are thinned out to as many points as asked for, over iterations or time", async () => {
    const task = await aTask();
    await clearml.events.addBatch(Array.from({ length: 1000 }, (_, iter) => point(task, "loss", "train", iter, iter)));
    await clearml.events.addBatch([point(task, "accuracy", "val", 3, 0.5)]);
    const [accuracy, loss] = await clearml.reading.charts(task, { samples: 10 });
    expect(accuracy).toEqual({ title: "accuracy", xAxis: "iteration", series: [{ name: "val", id: task, x: [3], y: [0.5] }] });
    const line = loss?.series[0];
    expect(line?.x.length).toBeLessThanOrEqual(11);
    expect(line?.x.length).toBe(line?.y.length);
    const [byTime] = await clearml.reading.charts({ id: task }, { xAxis: "time", metrics: [{ metric: "accuracy", variants: ["val"] }] });
    expect(byTime).toMatchObject({ xAxis: "time", series: [{ x: [START_MS + 3000] }] });
    for (const samples of [0, 6001, 1.5])
      expect(await failureOf(clearml.reading.charts(task, { samples }))).toBeInstanceOf(ValidationError);
  });

  it("miss no line that the server leaves out of a large answer", async () => {
    const task = await aTask();
    const points = ["first", "second"].flatMap((title) =>
      Array.from({ length: 2100 }, (_, index) => point(task, title, `line ${String(index)}`, 1, index)),
    );
    for (let start = 0; start < points.length; start += 500) await clearml.events.addBatch(points.slice(start, start + 500));
    const charts = await clearml.reading.charts(task);
    expect(charts.map(({ title, series }) => [title, series.length])).toEqual([
      ["first", 2100],
      ["second", 2100],
    ]);
  });

  it("come with every point and its time, past all pages, in the order of iterations", async () => {
    const task = await aTask();
    const points = Array.from({ length: 60 }, (_, iter) => point(task, "loss", iter % 2 ? "val" : "train", iter, iter / 7));
    await clearml.events.addBatch([...points].reverse());
    await clearml.events.addBatch([
      { ...point(task, "loss", "best", 0, 1), iter: SINGLE_VALUE_ITERATION },
      point(task, "other", "x", 0, 1),
    ]);
    const charts = await clearml.reading.exactCharts(task, { pageSize: 7 });
    expect(charts.map(({ title }) => title)).toEqual(["loss", "other"]);
    const [train, val] = charts[0]?.series ?? [];
    expect(charts[0]?.series).toHaveLength(2);
    expect([train?.name, val?.name]).toEqual(["train", "val"]);
    expect(val?.x).toEqual(Array.from({ length: 30 }, (_, index) => index * 2 + 1));
    expect(val?.y).toEqual(val?.x.map((iter) => iter / 7));
    expect(val?.timestamps).toEqual(val?.x.map((iter) => START_MS + iter * 1000));
    expect(await clearml.reading.exactCharts(task, { metrics: [{ metric: "loss", variants: ["val"] }] })).toMatchObject([
      { series: [{ name: "val" }] },
    ]);
  });

  it("are never cut short in silence when the server starts again in the middle", async () => {
    const task = await aTask();
    await clearml.events.addBatch([-2, -1, 0, 1, 2].map((iter) => point(task, "loss", "train", iter, iter)));
    const error = await failureOf(clearml.reading.exactCharts(task, { pageSize: 3 }));
    expect(error).toBeInstanceOf(ApiError);
    expect(String(error)).toContain("started again after 3 of 5 events");
    expect((await clearml.reading.exactCharts(task))[0]?.series[0]?.x).toEqual([-2, -1, 0, 1, 2]);
  });

  it("compare more tasks than one request takes", async () => {
    const tasks: string[] = [];
    for (let index = 0; index < 103; index++) {
      tasks.push(await aTask(`run ${String(index)}`));
      await clearml.events.addBatch([point(tasks[index] ?? "", "loss", "train", 1, index)]);
    }
    const [loss] = await clearml.reading.compare(tasks, { samples: 100 });
    expect(loss?.series).toHaveLength(103);
    expect(new Set(loss?.series.map(({ id }) => id))).toEqual(new Set(tasks));
    const series = new Map(loss?.series.map((line) => [line.id, line]));
    expect(series.get(tasks[102] ?? "")).toMatchObject({ name: "train", taskName: "run 102", y: [102] });
  });

  it("of a model are its own", async () => {
    const { id: modelId } = await clearml.models.create({ name: "a model", uri: "u" });
    await clearml.models.edit({ model: modelId, ready: false });
    await clearml.events.addBatch([{ ...point(modelId, "size", "bytes", 1, 5), model_event: true }]);
    expect(await clearml.reading.charts({ modelId })).toMatchObject([{ title: "size", series: [{ id: modelId, y: [5] }] }]);
    expect(await clearml.reading.exactCharts({ modelId })).toMatchObject([{ title: "size", series: [{ y: [5] }] }]);
  });
});

describe("the console", () => {
  it("is read whole, as a tail, and from a time on", async () => {
    const task = await aTask();
    const lines = Array.from({ length: 25 }, (_, index) => ({
      type: "log" as const,
      task,
      level: "info" as const,
      msg: `line ${String(index)}`,
      timestamp: START_MS + Math.floor(index / 3),
      worker: "machine",
    }));
    await clearml.events.addBatch(lines);
    const texts = (read: readonly { readonly text: string }[]): string[] => read.map(({ text }) => text);
    expect(texts(await all(clearml.reading.log(task, { pageSize: 4 })))).toEqual(lines.map(({ msg }) => msg));
    const tail = await clearml.reading.logTail(task, 4);
    expect(texts(tail)).toEqual(["line 21", "line 22", "line 23", "line 24"]);
    expect(tail[3]).toEqual({ timestampMs: START_MS + 8, level: "info", text: "line 24", worker: "machine" });
    expect(await clearml.reading.logTail(task, 0)).toEqual([]);
    expect(texts(await all(clearml.reading.log(task, { fromTimestampMs: START_MS + 7 })))).toEqual(["line 24"]);
  });
});

describe("plots and samples", () => {
  it("come as figures, the large ones too, and what is none is said to be none", async () => {
    const task = await aTask();
    const plot = (metric: string, iter: number, plot_str: string): EventInput => ({
      type: "plot",
      task,
      metric,
      variant: "v",
      iter,
      plot_str,
      timestamp: START_MS,
    });
    const large = {
      data: [{ type: "scatter", x: Array.from({ length: 30_000 }, (_, index) => index) }],
      layout: { title: "NaN and Infinity" },
    };
    await clearml.events.addBatch([
      plot("large", 1, "{}"),
      plot("large", 2, JSON.stringify(large)),
      plot("python", 1, '{"data":[{"y":[1,NaN,-Infinity],"text":"NaN \\"NaN\\""}],"layout":{}}'),
      plot("broken", 1, "no json"),
    ]);
    const plots = new Map((await clearml.reading.plots(task)).map((one) => [one.title, one]));
    expect(plots.get("large")).toMatchObject({ iteration: 2, series: "v", figure: large });
    expect(plots.get("python")?.figure?.data).toEqual([{ y: [1, null, null], text: 'NaN "NaN"' }]);
    expect(plots.get("broken")).toMatchObject({ figure: undefined, json: "no json" });
    expect(await clearml.reading.plots(task, { iterations: 2, metrics: [{ metric: "large" }] })).toHaveLength(2);
  });

  it("are read past all pages, newest first, as many iterations as asked for", async () => {
    const task = await aTask();
    const sample = (metric: string, iter: number): EventInput => ({
      type: "training_debug_image",
      task,
      metric,
      variant: "v",
      iter,
      url: `http://files/${metric}_${String(iter)}.png`,
      timestamp: START_MS + iter,
    });
    await clearml.events.addBatch(Array.from({ length: 23 }, (_, iter) => sample("images", iter)));
    await clearml.events.addBatch([sample("other", 1)]);
    const read = await all(clearml.reading.debugSamples(task));
    expect(read.map(({ title, iteration }) => [title, iteration])).toEqual([
      ...Array.from({ length: 23 }, (_, index) => ["images", 22 - index]),
      ["other", 1],
    ]);
    expect(read[0]).toEqual({
      title: "images",
      series: "v",
      iteration: 22,
      timestampMs: START_MS + 22,
      url: "http://files/images_22.png",
    });
    const three = await all(clearml.reading.debugSamples(task, { iterations: 12, metrics: [{ metric: "images" }] }));
    expect(three.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 12 }, (_, index) => 22 - index));
  });
});

it("names the endpoint that an older server lacks", async () => {
  const task = await aTask();
  const body = JSON.stringify({
    meta: { id: "x", result_code: 404, result_subcode: 0, result_msg: "Unable to find endpoint", endpoint: {} },
    data: {},
  });
  server.faults.set("api", { mode: "status", status: 404, body, match: "events.get_task_events" });
  await clearml.events.addBatch([point(task, "loss", "train", 1, 1)]);
  const error = await failureOf(clearml.reading.exactCharts(task));
  expect(error).toBeInstanceOf(ApiError);
  expect(String(error)).toMatch(/events\.get_task_events.*404.*too old/s);
});

it("gives addresses that an iframe may show", () => {
  expect(
    widgetUrl("http://web:8080/", { type: "scalar", objects: ["a", "b"], metrics: ["loss & more"], xAxis: "timestamp", light: true }),
  ).toBe("http://web:8080/widgets/?type=scalar&objectType=task&objects=a&objects=b&metrics=loss+%26+more&xaxis=timestamp&light=true");
});
