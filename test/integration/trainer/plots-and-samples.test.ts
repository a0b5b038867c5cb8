/** Plots and debug samples: from the trainer's verb through journal, storage and sink to what ClearML holds. */
import { describe, expect, it } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.js";
import type { TaskLogger } from "../../../src/trainer/task-logger.js";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();
const taskId = (): string => world.platform.tasks()[0]?.id ?? "";
const plots = (): ReturnType<TestPlatform["plots"]> => world.platform.plots(taskId());
const samples = (): ReturnType<TestPlatform["samples"]> => world.platform.samples(taskId());
const textAt = async (uri: string | undefined): Promise<string> =>
  Buffer.from((await world.platform.contentOf(uri ?? "")) ?? []).toString();

const pairs = [
  [0, 1],
  [1, 2],
];

describe("plots", () => {
  const verbs: [verb: string, traceType: string, call: (logger: TaskLogger) => Promise<{ status: string }>][] = [
    ["reportHistogram", "bar", (logger) => logger.reportHistogram({ title: "t", series: "s", values: [1, 2], iteration: 3 })],
    ["reportVector", "bar", (logger) => logger.reportVector({ title: "t", series: "s", values: new Float32Array([1, 2]), iteration: 3 })],
    ["reportTable", "table", (logger) => logger.reportTable({ title: "t", series: "s", table: [{ a: 1 }], iteration: 3 })],
    ["reportScatter2d", "scatter", (logger) => logger.reportScatter2d({ title: "t", series: "s", scatter: pairs, iteration: 3 })],
    ["reportScatter3d", "scatter3d", (logger) => logger.reportScatter3d({ title: "t", series: "s", scatter: [[1, 2, 3]], iteration: 3 })],
    ["reportSurface", "surface", (logger) => logger.reportSurface({ title: "t", series: "s", matrix: pairs, iteration: 3 })],
    [
      "reportConfusionMatrix",
      "heatmap",
      (logger) => logger.reportConfusionMatrix({ title: "t", series: "s", matrix: pairs, iteration: 3 }),
    ],
    ["reportMatrix", "heatmap", (logger) => logger.reportMatrix({ title: "t", series: "s", matrix: pairs, iteration: 3 })],
    [
      "reportPlotly",
      "pie",
      (logger) => logger.reportPlotly({ title: "t", series: "s", figure: { data: [{ type: "pie" }] }, iteration: 3 }),
    ],
  ];

  it.each(verbs)("of %s arrive as a figure of type %s", async (_verb, type, call) => {
    const sdk = await world.start();
    expect(await call(sdk.currentTask().logger)).toMatchObject({ status: "durable" });
    await sdk.close();
    expect(plots()["t/s"]).toMatchObject([{ iteration: 3, figure: { data: [{ type }] } }]);
    expect(world.platform.callbacks()).toEqual([]);
  });

  it("of several lines arrive without a series", async () => {
    const sdk = await world.start();
    await sdk.currentTask().logger.reportLine({
      title: "curves",
      series: [
        { name: "one", data: pairs },
        { name: "two", data: pairs },
      ],
    });
    await sdk.close();
    expect(plots()).toMatchObject({ "curves/": [{ iteration: 0, figure: { data: [{ name: "one" }, { name: "two" }] } }] });
  });

  it("show what the arrays held at the call, whatever the caller does with them then", async () => {
    const sdk = await world.start();
    const values = new Float64Array([1, 2, 3]);
    const reported = sdk.currentTask().logger.reportHistogram({ title: "t", series: "s", values });
    values.fill(9);
    await reported;
    await sdk.close();
    expect(plots()["t/s"]?.[0]?.figure.data[0]?.["y"]).toEqual([1, 2, 3]);
  });

  it("overwrite each other at one iteration, stand side by side at two, and are there once after a lost answer", async () => {
    const sdk = await world.start();
    const { logger } = sdk.currentTask();
    world.platform.faults.set("api", { mode: "drop-answer", match: "events.add_batch", times: 1 });
    for (const [iteration, value] of [
      [1, 1],
      [2, 2],
      [1, 3],
    ] as const)
      await logger.reportHistogram({ title: "t", series: "s", values: [value], iteration });
    expect((await sdk.flush()).complete).toBe(true);
    expect(plots()["t/s"]?.map(({ iteration, figure }) => [iteration, figure.data[0]?.["y"]])).toEqual([
      [1, [3]],
      [2, [2]],
    ]);
  });

  it("are told apart where the server would take two names for one, and where it would read a date", async () => {
    const sdk = await world.start();
    const { logger } = sdk.currentTask();
    for (const [title, series] of [
      ["a-b", "c"],
      ["a", "b-c"],
      ["2024-01-31", "12:30"],
    ] as const)
      await logger.reportHistogram({ title, series, values: [1] });
    expect((await sdk.close()).complete).toBe(true);
    expect(Object.keys(plots()).sort()).toEqual(["2024-01-31_/12:30_", "a-b/c", "a/b-c (2)"]);
  });

  it("leave out what is not finite, count it, and say so once, in the log and on the console", async () => {
    const sdk = await world.start();
    const { logger } = sdk.currentTask();
    await logger.reportHistogram({ title: "weights", series: "layer 1", values: [1, NaN, Infinity], iteration: 1 });
    await logger.reportHistogram({ title: "weights", series: "layer 1", values: [NaN], iteration: 2 });
    await sdk.close();
    expect(plots()["weights/layer 1"]?.map(({ figure }) => figure.data[0]?.["y"])).toEqual([[1, null, null], [null]]);
    expect(sdk.stats().nonFinite).toEqual({ "weights/layer 1": 3 });
    const said = "plot weights/layer 1 had 2 values that were not finite at iteration 1";
    expect(world.warnings.filter((line) => line.includes("layer 1"))).toEqual([expect.stringContaining(said)]);
    expect(world.platform.lines(taskId()).map(({ message }) => message)).toEqual([expect.stringContaining(said)]);
  });

  it("of more characters than the server packs away come back as they were", async () => {
    const sdk = await world.start();
    const x = Float64Array.from({ length: 20_000 }, (_, at) => at / 7);
    await sdk.currentTask().logger.reportScatter2d({ title: "t", series: "long", scatter: { x, y: x } });
    expect((await sdk.close()).complete).toBe(true);
    const figure = plots()["t/long"]?.[0]?.figure;
    expect(JSON.stringify(figure).length).toBeGreaterThan(100_000);
    expect(figure?.data[0]?.["x"]).toEqual([...x]);
  });

  it("do not move with a plot that is too long to travel: it alone is rejected", async () => {
    const sdk = await world.start();
    const { logger } = sdk.currentTask();
    const text = "x".repeat(10_000_000);
    expect(await logger.reportPlotly({ title: "t", series: "huge", figure: { data: [{ text }] } })).toMatchObject({
      status: "rejected",
      reason: expect.stringMatching(/at most 10000000 characters/),
    });
    await logger.reportHistogram({ title: "t", series: "s", values: [1] });
    expect((await sdk.close()).complete).toBe(true);
    expect(Object.keys(plots())).toEqual(["t/s"]);
  });

  it("cost a silent rank nothing, not even the drawing", async () => {
    const sdk = await world.start({}, { RANK: "1" });
    const untouchable = new Proxy([1], {
      get: () => {
        throw new Error("drawn");
      },
    });
    const receipt = await sdk.currentTask().logger.reportHistogram({ title: "t", series: "s", values: untouchable });
    expect(receipt).toMatchObject({ status: "ignored" });
  });
});

describe("debug samples", () => {
  it("are announced only once their bytes are stored", async () => {
    world.platform.faults.set("s3", { mode: "hang" });
    const sdk = await world.start();
    const { logger } = sdk.currentTask();
    const receipt = await logger.reportImage({ title: "masks", series: "val", iteration: 4, content: "an image", fileName: "mask.png" });
    await logger.reportScalar({ title: "loss", series: "train", value: 1, iteration: 5 });
    const points = (): unknown => world.platform.scalars(taskId())["loss/train"];
    await expect.poll(points).toHaveLength(1);
    expect(samples()).toEqual({});
    world.platform.faults.clear("s3");
    expect(await receipt.delivered).toEqual({ status: "delivered" });
    expect(samples()).toEqual({ "masks/val": [{ iteration: 4, url: receipt.uri }] });
    expect(await textAt(receipt.uri)).toBe("an image");
    expect(receipt.file?.key).toMatch(/^metrics\/42\/masks\/val-4-[0-9a-f]{8}\.png$/);
  });

  it("show a file as it was when the promise resolved, though it is overwritten then", async () => {
    const sdk = await world.start();
    const path = await world.file("out.mp4", "first");
    const receipt = await sdk.currentTask().logger.reportMedia({ title: "t", series: "s", path });
    await world.file("out.mp4", "second");
    await sdk.close();
    expect(await textAt(receipt.uri)).toBe("first");
  });

  it("show bytes as they were at the call, though the caller's buffer changes then", async () => {
    const sdk = await world.start();
    const content = Buffer.from("first");
    const reported = sdk.currentTask().logger.reportMedia({ title: "t", series: "s", content, fileName: "a.wav" });
    content.write("other");
    const receipt = await reported;
    await sdk.close();
    expect(await textAt(receipt.uri)).toBe("first");
  });

  it("have an address of their own at each iteration, though they look the same: ClearML hides the older of two with one", async () => {
    const sdk = await world.start();
    const { logger } = sdk.currentTask();
    for (const iteration of [1, 2]) await logger.reportHtml({ title: "report", series: "page", html: "<p>the same</p>", iteration });
    await sdk.close();
    const urls = samples()["report/page"]?.map(({ url }) => url) ?? [];
    expect(new Set(urls).size).toBe(2);
    for (const url of urls) expect(await textAt(url)).toBe("<p>the same</p>");
  });

  it("may lie elsewhere already: then nothing is stored", async () => {
    const sdk = await world.start();
    const url = "https://example.org/films/1.webm?start=5";
    const receipt = await sdk.currentTask().logger.reportMedia({ title: "t", series: "film", url, iteration: 1 });
    expect(receipt).toMatchObject({ status: "durable", uri: url });
    expect((await sdk.close()).complete).toBe(true);
    expect(samples()["t/film"]).toEqual([{ iteration: 1, url }]);
    expect(world.platform.objects()).toEqual([]);
  });

  it("of pixels become a PNG that others can read, with what was not finite counted", async () => {
    const sdk = await world.start();
    const data = new Float32Array([0, 0.5, 1, NaN, 0.25, 1]);
    const receipt = await sdk.currentTask().logger.reportImage({ title: "t", series: "s", pixels: { data, width: 2, height: 1 } });
    await sdk.close();
    const bytes = (await world.platform.contentOf(receipt.uri ?? "")) ?? new Uint8Array();
    expect(Buffer.from(bytes.subarray(1, 4)).toString()).toBe("PNG");
    expect(sdk.stats().nonFinite).toEqual({ "t/s": 1 });
  });

  it("come before the job's end when they were called before it, awaited or not", async () => {
    const sdk = await world.start();
    void sdk.currentTask().logger.reportImage({ title: "t", series: "s", content: "late", fileName: "a.png" });
    void sdk.reportCompleted();
    expect((await sdk.close()).complete).toBe(true);
    expect(Object.keys(samples())).toEqual(["t/s"]);
    expect(world.platform.tasks()).toMatchObject([{ status: "completed" }]);
  });

  it("are there once after a lost answer", async () => {
    world.platform.faults.set("api", { mode: "drop-answer", match: "events.add_batch", times: 1 });
    const sdk = await world.start();
    await sdk.currentTask().logger.reportImage({ title: "t", series: "s", content: "image", fileName: "a.png" });
    expect((await sdk.flush()).complete).toBe(true);
    expect(samples()["t/s"]).toHaveLength(1);
  });

  it("that are missing are rejected and counted, and never throw", async () => {
    const sdk = await world.start();
    const receipt = await sdk.currentTask().logger.reportImage({ title: "t", series: "s", path: "/no/such/image.png" });
    expect(receipt).toMatchObject({ status: "rejected", reason: expect.stringContaining("/no/such/image.png") });
    expect(sdk.stats().rejected).toBe(1);
  });

  it("are rejected with words where there is no storage", async () => {
    const sdk = await world.start({}, { CHECKPOINT_URI: "", CLEARML_API_HOST: "", CLEARML_API_ACCESS_KEY: "", CLEARML_API_SECRET_KEY: "" });
    const receipt = await sdk.currentTask().logger.reportHtml({ title: "t", series: "s", html: "<p>" });
    expect(receipt).toMatchObject({ status: "rejected", reason: expect.stringContaining("CHECKPOINT_URI") });
  });
});
