/** The client's logger against the embedded server over real sockets, faults included. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ValidationError } from "../../../src/base/errors.js";
import {
  captureConsole,
  createClearML,
  Logger,
  monitorResources,
  type ClearML,
  type EventDocument,
  type LoggerOptions,
} from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { FakeClock } from "../../support/fake-clock.js";

let server: DevServer;
let clearml: ClearML;
let folder: string;
let task: string;
let warnings: string[];
const loggers: Logger[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "clearml-logger-"));
  server = await startDevServer();
  clearml = createClearML({}, { ...server.env });
  const project = await clearml.projects.findOrCreate("Some project");
  ({ id: task } = await clearml.tasks.create({ name: "a task", type: "training", project: project.id }));
  warnings = [];
});
afterEach(async () => {
  await clearml.close();
  await Promise.all(loggers.splice(0).map((logger) => logger.close({ retry: false })));
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A logger that sends nothing before it is told to, unless asked otherwise. */
function aLogger(options: LoggerOptions = {}): Logger {
  const note = (message: string): void => void warnings.push(message);
  const logger = new Logger(clearml, task, { gatherMs: 60_000, logger: { debug() {}, info() {}, warn: note, error: note }, ...options });
  loggers.push(logger);
  return logger;
}

async function lines(): Promise<EventDocument[]> {
  const read: EventDocument[] = [];
  for await (const line of clearml.events.iterateLog({ task })) read.push(line);
  return read;
}

async function points(metric: string, variant: string): Promise<[number, number | null][]> {
  const read: [number, number | null][] = [];
  for await (const { iteration, value } of clearml.events.iterateScalars({ task, metric, variants: [variant] }))
    read.push([iteration, value]);
  return read;
}

const plots = async (): Promise<readonly EventDocument[]> => (await clearml.events.getTaskPlots({ task, iters: 10 })).plots;
const images = async (): Promise<readonly EventDocument[]> =>
  (await clearml.events.getTaskEvents({ task, event_type: "training_debug_image" })).events;
const batches = (): number => server.requests.entries({ channel: "api" }).filter(({ path }) => path.endsWith("events.add_batch")).length;

describe("a logger", () => {
  it("delivers points, single values, console lines and plots with one request", async () => {
    const logger = aLogger();
    for (let iteration = 0; iteration < 100; iteration++)
      logger.reportScalar({ title: "loss", series: "train", value: iteration, iteration });
    logger.reportSingleValue({ name: "best", value: 0.5 });
    logger.reportText("hello");
    logger.reportText("careful", { level: "warn" });
    logger.reportHistogram({ title: "weights", series: "layer 1", values: new Float32Array([1, 2]), iteration: 3 });
    logger.reportLine({ title: "curves", series: [{ name: "a", data: [[0, 1]] }] });
    expect(logger.stats().pending).toBe(105);
    expect(await logger.flush()).toEqual({ pending: 0, refused: [] });
    expect(batches()).toBe(1);
    expect(await points("loss", "train")).toHaveLength(100);
    const { tasks } = await clearml.events.getTaskSingleValueMetrics({ tasks: [task] });
    expect(tasks?.[0]?.values).toMatchObject([{ metric: "Summary", variant: "best", value: 0.5 }]);
    expect((await lines()).map(({ level, msg }) => `${level ?? ""} ${msg ?? ""}`)).toEqual(["info hello", "warning careful"]);
    expect((await plots()).map(({ metric, variant, iter }) => [metric, variant, iter]).sort()).toEqual([
      ["curves", "", 0],
      ["weights", "layer 1", 3],
    ]);
    expect(logger.stats()).toMatchObject({ delivered: 105, pending: 0, refused: 0, dropped: 0 });
  });

  it("delivers by itself after a moment", async () => {
    const logger = aLogger({ gatherMs: 5 });
    logger.reportText("hello");
    await expect.poll(async () => (await lines()).length).toBe(1);
    expect(logger.stats().pending).toBe(0);
  });

  it.each(["drop-answer", "reset-mid-body"] as const)("leaves each console line once after %s, in order", async (mode) => {
    const logger = aLogger();
    server.faults.set("api", { mode, match: "events.add_batch", times: 1 });
    for (const text of ["one", "two", "three"]) logger.reportText(text);
    expect((await logger.flush({ retry: false })).pending).toBe(3);
    logger.reportText("four");
    expect((await logger.flush()).pending).toBe(0);
    expect((await lines()).map(({ msg }) => msg)).toEqual(["one", "two", "three", "four"]);
    expect(logger.stats().delivered).toBe(4);
  });

  it("keeps what the server cannot take now, says so once, and delivers it when it can", async () => {
    const logger = aLogger({ gatherMs: 5 });
    server.faults.set("api", { mode: "status", status: 503, body: "away", match: "events.add_batch" });
    logger.reportScalar({ title: "loss", series: "train", value: 1, iteration: 1 });
    await expect.poll(() => warnings).toEqual([expect.stringContaining("they wait")]);
    expect(logger.stats().pending).toBe(1);
    server.faults.clear("api");
    await expect.poll(() => points("loss", "train")).toEqual([[1, 1]]);
    expect(warnings).toHaveLength(1);
  });

  it("finds the one event that the server refuses and delivers its neighbours", async () => {
    const logger = aLogger({ worker: "x".repeat(40_000) });
    for (let at = 0; at < 20; at++) {
      if (at === 13) logger.reportText("from a machine whose name the index does not take");
      logger.reportScalar({ title: "loss", series: "train", value: at, iteration: at });
    }
    expect(await logger.flush()).toMatchObject({ pending: 0, refused: [{ count: 1, reason: expect.stringContaining("500/100") }] });
    expect(await points("loss", "train")).toHaveLength(20);
    expect(logger.stats()).toMatchObject({ delivered: 20, refused: 1 });
    expect(warnings).toEqual([expect.stringContaining("500/100")]);
  });

  it("gives up everything at once for a task that is not there, with the reason", async () => {
    const logger = new Logger(clearml, "0123456789abcdef0123456789abcdef", { gatherMs: 60_000 });
    for (let at = 0; at < 50; at++) logger.reportScalar({ title: "loss", series: "train", value: at, iteration: at });
    expect(await logger.close()).toMatchObject({ pending: 0, refused: [{ count: 50, reason: expect.stringContaining("400/131") }] });
    expect(batches()).toBe(1);
  });

  it("gives up at once what a published task does not take, with the reason, and says so once", async () => {
    await clearml.tasks.started({ task });
    await clearml.tasks.completed({ task });
    await clearml.tasks.publish({ task, publish_model: false });
    const logger = aLogger();
    for (let at = 0; at < 10; at++) logger.reportScalar({ title: "loss", series: "train", value: at, iteration: at });
    logger.reportText("too late");
    expect(await logger.flush()).toMatchObject({ pending: 0, refused: [{ count: 11, reason: expect.stringContaining("400/131") }] });
    expect(await points("loss", "train")).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining("400/131")]);
  });

  it("holds no more than it may, gives up lines first, then the oldest points, and counts them", async () => {
    const logger = aLogger({ maxPendingEvents: 100 });
    logger.reportHistogram({ title: "t", series: "s", values: [1] });
    for (let at = 0; at < 60; at++) logger.reportText(`line ${String(at)}`);
    for (let at = 0; at < 400; at++) logger.reportScalar({ title: "loss", series: "train", value: at, iteration: at });
    const { pending, dropped } = logger.stats();
    expect(pending).toBeLessThanOrEqual(100);
    expect(pending + dropped).toBe(461);
    expect(warnings).toEqual([expect.stringContaining("too many events wait")]);
    await logger.flush();
    expect(await lines()).toEqual([]);
    expect(await plots()).toHaveLength(1);
    expect((await points("loss", "train")).at(-1)).toEqual([399, 399]);
  });

  it("never sends a number for what is not one: a companion point stands for it, and it is counted", async () => {
    const logger = aLogger();
    for (const [iteration, value] of [NaN, Infinity, 1e39, 0].entries())
      logger.reportScalar({ title: "loss", series: "train", value, iteration });
    logger.reportHistogram({ title: "weights", series: "s", values: [1, NaN] });
    await logger.flush();
    expect(await points("loss", "train")).toEqual([[3, 0]]);
    expect((await points("nonfinite", "loss/train")).map(([iteration]) => iteration)).toEqual([0, 1, 2]);
    expect(logger.stats().nonFinite).toBe(4);
    expect(warnings).toHaveLength(2);
  });

  it("tells names apart that the server would take for one, and takes names for no dates", async () => {
    const logger = aLogger();
    logger.reportScalar({ title: "a-b", series: "c", value: 1, iteration: 1 });
    logger.reportScalar({ title: "a", series: "b-c", value: 2, iteration: 1 });
    logger.reportScalar({ title: "2024-01-31", series: "12:30", value: 3, iteration: 1 });
    logger.reportText("2024-01-31");
    expect(await logger.flush()).toMatchObject({ pending: 0, refused: [] });
    expect(await points("a-b", "c")).toEqual([[1, 1]]);
    expect(await points("a", "b-c (2)")).toEqual([[1, 2]]);
    expect(await points("2024-01-31_", "12:30_")).toEqual([[1, 3]]);
    expect((await lines()).map(({ msg }) => msg?.trim())).toEqual(["2024-01-31"]);
  });

  it("takes names of 32,766 bytes and rejects longer ones, and iterations that are none, without a throw", async () => {
    const logger = aLogger();
    logger.reportScalar({ title: "é".repeat(16_383), series: "s", value: 1, iteration: 1 });
    logger.reportScalar({ title: "é".repeat(16_384), series: "s", value: 1, iteration: 1 });
    logger.reportScalar({ title: "t", series: "s", value: 1, iteration: 1.5 });
    logger.reportHistogram({ title: "t", series: "s", values: [1], iteration: -1 });
    expect(await logger.reportHtml({ title: "t", series: " ", html: "" })).toBeUndefined();
    expect(logger.stats()).toMatchObject({ pending: 1, rejected: 4 });
    expect(await logger.flush()).toEqual({ pending: 0, refused: [] });
  });

  it("delivers 2,500 pairs of title and series, of which the task's summary holds 2,000", async () => {
    const logger = aLogger();
    for (let at = 0; at < 2_500; at++)
      logger.reportScalar({ title: `chart ${String(at % 50)}`, series: `line ${String(at)}`, value: at, iteration: 1 });
    expect(await logger.flush()).toEqual({ pending: 0, refused: [] });
    const { metrics } = await clearml.events.getScalarMetricsAndVariants({ task });
    expect(Object.values(metrics).flat()).toHaveLength(2_500);
  });

  it("delivers a plot of more characters than the server packs away", async () => {
    const logger = aLogger();
    const x = Float64Array.from({ length: 20_000 }, (_, at) => at / 7);
    logger.reportScatter2d({ title: "t", series: "s", scatter: { x, y: x } });
    await logger.flush();
    const [plot] = await plots();
    expect(plot?.plot_str?.length).toBeGreaterThan(100_000);
    expect((JSON.parse(plot?.plot_str ?? "") as { data: { x: number[] }[] }).data[0]?.x).toEqual([...x]);
  });

  it("throws at once for an argument of the wrong type", () => {
    const logger = aLogger() as any;
    expect(() => logger.reportScalar({ title: "t", series: "s", value: "1", iteration: 1 })).toThrow(ValidationError);
    expect(() => logger.reportText(5)).toThrow("reportText: message must be a text");
    expect(() => logger.reportTable({ title: "t", series: "s", table: 5 })).toThrow("reportTable: table must be");
    expect(() => logger.reportImage({ title: "t", series: "s" })).toThrow("reportImage: path must be");
  });

  it("ends a flush with the reason of the caller's signal, and keeps the events", async () => {
    const logger = aLogger();
    server.faults.set("api", { mode: "hang", match: "events.add_batch" });
    logger.reportText("hello");
    const enough = new AbortController();
    const flushed = logger.flush({ signal: enough.signal });
    enough.abort(new Error("enough"));
    await expect(flushed).rejects.toThrow("enough");
    server.faults.clear("api");
    expect((await logger.flush()).pending).toBe(0);
    expect(await lines()).toHaveLength(1);
  });

  it("takes nothing after close, counts it, and leaves no timer", async () => {
    const logger = aLogger();
    logger.reportText("hello");
    await logger.close();
    logger.reportText("late");
    expect(logger.stats()).toMatchObject({ delivered: 1, pending: 0, dropped: 1 });
  });

  it("takes what captureConsole hears", async () => {
    const logger = aLogger();
    const streams = { stdout: { write: (_text: string) => true }, stderr: { write: (_text: string) => true } };
    const capture = captureConsole(logger, { streams });
    streams.stdout.write("\r10%\r100%\n");
    streams.stderr.write("oh\n");
    capture.restore();
    await logger.flush();
    expect((await lines()).map(({ level, msg }) => `${level ?? ""} ${msg ?? ""}`)).toEqual(["info 100%", "error oh"]);
  });
});

describe("monitorResources", () => {
  it("draws the machine's load at the logger's newest iteration, under ClearML's names, until it is stopped", async () => {
    const logger = aLogger();
    const clock = new FakeClock();
    let looks = 0;
    const reader = {
      read: () => Promise.resolve({ cpuBusyMs: ++looks * 250, cpuTotalMs: looks * 1_000, gpus: [{ index: 0, temperature: 61 }] }),
    };
    const watch = monitorResources(logger, { clock, reader });
    logger.reportScalar({ title: "loss", series: "train", value: 1, iteration: 7 });
    await clock.advance(30_000);
    watch.stop();
    await clock.advance(60_000);
    await logger.flush();
    expect(await points(":monitor:machine", "cpu_usage")).toEqual([[7, 25]]);
    expect(await points(":monitor:gpu", "gpu_0_temperature")).toEqual([[7, 61]]);
    expect(logger.lastIteration).toBe(7);
    expect((await clearml.tasks.getById({ task })).task.last_iteration).toBe(7);
  });
});

describe("a logger's debug samples", () => {
  it("are stored under the task's folder before their event, by the names of ClearML's own client", async () => {
    const logger = aLogger();
    await writeFile(join(folder, "mask.png"), "an image");
    const url = await logger.reportImage({ title: "masks/all", series: "val", iteration: 4, path: join(folder, "mask.png") });
    const path = `Some project/a task.${task}/metrics/masks.slash.all/val/masks.slash.all_val_00000000.png`;
    expect(url).toBe(clearml.files.urlOf(path));
    await logger.flush();
    expect(await images()).toMatchObject([{ metric: "masks/all", variant: "val", iter: 4, url, key: path }]);
    const { sizeBytes } = await clearml.files.download(url ?? "", join(folder, "back.png"));
    expect(sizeBytes).toBe(8);
  });

  it.each([
    { kind: "a video", fileName: "epoch.mp4" },
    { kind: "a sound", fileName: "speech.wav" },
  ])("may be $kind, whose bytes come back under its ending", async ({ fileName }) => {
    const logger = aLogger();
    const content = Buffer.from([0, 1, 2, 253, 254, 255]);
    await writeFile(join(folder, fileName), content);
    const fromFile = await logger.reportMedia({ title: "media", series: "file", iteration: 2, path: join(folder, fileName) });
    const fromMemory = await logger.reportMedia({ title: "media", series: "memory", iteration: 2, content, fileName });
    await logger.flush();
    expect(await images()).toMatchObject([
      { metric: "media", variant: "file", iter: 2, url: fromFile },
      { metric: "media", variant: "memory", iter: 2, url: fromMemory },
    ]);
    for (const url of [fromFile, fromMemory]) {
      expect(url?.endsWith(extname(fileName))).toBe(true);
      await clearml.files.download(url ?? "", join(folder, "back"));
      expect(await readFile(join(folder, "back"))).toEqual(content);
    }
  });

  it("use names again after so many, so that a long job does not fill the store", async () => {
    const logger = aLogger({ maxSampleHistory: 2 });
    const urls: (string | undefined)[] = [];
    for (let iteration = 0; iteration < 3; iteration++)
      urls.push(await logger.reportHtml({ title: "t", series: "s", html: `<p>${String(iteration)}`, iteration }));
    expect(urls[2]).toBe(urls[0]);
    expect(urls[1]).not.toBe(urls[0]);
  });

  it("are waited for by flush", async () => {
    const logger = aLogger();
    void logger.reportImage({ title: "t", series: "s", pixels: { data: new Uint8Array(12), width: 2, height: 2 } });
    await logger.flush();
    expect((await images()).map(({ url }) => url)).toEqual([expect.stringMatching(/_00000000\.png$/)]);
  });

  it("go to the task's output destination when it has one", async () => {
    const { id } = await clearml.tasks.create({ name: "with a destination", type: "training", output_dest: `file://${folder}/out` });
    const logger = new Logger(clearml, id, { gatherMs: 60_000 });
    const url = await logger.reportMedia({ title: "t", series: "s", content: "sound", fileName: "a.wav" });
    expect(url).toContain(`file://${folder}/out/`);
    await logger.close();
  });

  it("leave no event behind when their bytes cannot be stored", async () => {
    const logger = aLogger();
    server.faults.set("files", { mode: "status", status: 413, body: "too large" });
    await expect(logger.reportMedia({ title: "t", series: "s", content: "film", fileName: "a.mp4" })).rejects.toThrow("413");
    await expect(logger.reportImage({ title: "t", series: "s", path: join(folder, "none.png") })).rejects.toThrow(ValidationError);
    expect(await logger.flush()).toEqual({ pending: 0, refused: [] });
    expect(await images()).toEqual([]);
  });

  it("may lie elsewhere already", async () => {
    const logger = aLogger();
    const url = "https://example.org/a.webm?start=5";
    expect(await logger.reportMedia({ title: "t", series: "s", url })).toBe(url);
    await logger.flush();
    expect(await images()).toMatchObject([{ url, key: "/a.webm?start=5" }]);
  });
});
