/** Table 2.1 of the design, row by row. */
import { mkdir, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ConfigError, JournalError, ValidationError } from "../../../src/base/errors.js";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();
const logger = (sdk: any): any => sdk.currentTask().logger;

describe("an argument of the wrong type", () => {
  it.each([
    ["reportProgress", "epoch", (sdk: any) => sdk.reportProgress({ epoch: "3" })],
    ["reportProgress", "input", (sdk: any) => sdk.reportProgress()],
    ["reportProgress", 'metrics["loss"]', (sdk: any) => sdk.reportProgress({ epoch: 1, metrics: { loss: "low" } })],
    ["reportValidation", "metrics", (sdk: any) => sdk.reportValidation({ epoch: 1 })],
    ["uploadCheckpoint", "path", (sdk: any) => sdk.uploadCheckpoint(undefined)],
    ["registerModel", "name", (sdk: any) => sdk.registerModel({ path: "x" })],
    ["registerModel", "path", (sdk: any) => sdk.registerModel({ name: "x" })],
    ["log", "level", (sdk: any) => sdk.log("loud", "x")],
    ["log", "message", (sdk: any) => sdk.log("info", 5)],
    ["reportStopped", "reason", (sdk: any) => sdk.reportStopped()],
    ["reportScalar", "value", (sdk: any) => logger(sdk).reportScalar({ title: "a", series: "b", iteration: 1 })],
    ["reportHistogram", "values", (sdk: any) => logger(sdk).reportHistogram({ title: "a", series: "b", values: "1" })],
    ["reportTable", "table", (sdk: any) => logger(sdk).reportTable({ title: "a", series: "b" })],
    ["reportLine", "series[0].data", (sdk: any) => logger(sdk).reportLine({ title: "a", series: [{ name: "b" }] })],
    ["reportPlotly", "figure", (sdk: any) => logger(sdk).reportPlotly({ title: "a", series: "b", figure: 5 })],
    ["reportImage", "path", (sdk: any) => logger(sdk).reportImage({ title: "a", series: "b" })],
    ["reportImage", "path", (sdk: any) => logger(sdk).reportImage({ title: "a", series: "b", path: "x", url: "http://y" })],
    [
      "reportImage",
      "pixels.data",
      (sdk: any) => logger(sdk).reportImage({ title: "a", series: "b", pixels: { data: [1, 2, 3], width: 2, height: 1 } }),
    ],
    ["reportMedia", "fileName", (sdk: any) => logger(sdk).reportMedia({ title: "a", series: "b", content: "x" })],
    ["reportMedia", "url", (sdk: any) => logger(sdk).reportMedia({ title: "a", series: "b", url: "not one" })],
    ["reportHtml", "html", (sdk: any) => logger(sdk).reportHtml({ title: "a", series: "b", html: 5 })],
  ])("throws at once from %s and names %s", async (verb, field, call) => {
    const sdk = await world.start();
    expect(() => {
      call(sdk);
    }).toThrow(ValidationError);
    expect(() => {
      call(sdk);
    }).toThrow(`${verb}: ${field} must be`);
  });
});

describe("a value that a computation produced", () => {
  it.each([
    ["an epoch of 1.5", (sdk: any) => sdk.reportProgress({ epoch: 1.5, metrics: { loss: 1 } }), /whole number/],
    ["an epoch of -1", (sdk: any) => sdk.reportProgress({ epoch: -1, metrics: { loss: 1 } }), /0 or more/],
    ["an epoch of NaN", (sdk: any) => sdk.reportProgress({ epoch: NaN, metrics: { loss: 1 } }), /whole number/],
    [
      "10,000 metrics",
      (sdk: any) =>
        sdk.reportProgress({ epoch: 1, metrics: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`m${String(i)}`, i])) }),
      /at most 2000/,
    ],
    ["an over-long name", (sdk: any) => sdk.reportProgress({ epoch: 1, metrics: { ["x".repeat(2000)]: 1 } }), /longer than 1024/],
    ["a reserved name", (sdk: any) => sdk.reportProgress({ epoch: 1, metrics: { ":monitor:gpu/load": 1 } }), /reserved/],
    [
      "a plot's iteration of 1.5",
      (sdk: any) => logger(sdk).reportHistogram({ title: "a", series: "b", values: [1], iteration: 1.5 }),
      /whole number/,
    ],
    ["a plot's reserved title", (sdk: any) => logger(sdk).reportHistogram({ title: ":monitor:gpu", series: "b", values: [1] }), /reserved/],
    [
      "a sample's over-long series",
      (sdk: any) => logger(sdk).reportHtml({ title: "a", series: "x".repeat(2000), html: "" }),
      /longer than 1024/,
    ],
    ["a sample's iteration of -1", (sdk: any) => logger(sdk).reportHtml({ title: "a", series: "b", html: "", iteration: -1 }), /0 or more/],
    [
      "a sample's over-long address",
      (sdk: any) => logger(sdk).reportMedia({ title: "a", series: "b", url: `https://a/${"x".repeat(40_000)}` }),
      /longer than 32766/,
    ],
    ["a checkpoint that is missing", (sdk: any) => sdk.uploadCheckpoint("/no/such/file.pt"), /no\/such\/file/],
  ])("never throws for %s: it resolves rejected, is counted and warned of once", async (_what, call, reason) => {
    const sdk = await world.start();
    const receipt = await call(sdk);
    expect(receipt).toMatchObject({ status: "rejected", reason: expect.stringMatching(reason) });
    await call(sdk);
    expect(sdk.stats().rejected).toBeGreaterThanOrEqual(2);
    expect(world.warnings.filter((line) => reason.test(line))).toHaveLength(1);
  });

  it("never throws for an empty checkpoint or a folder", async () => {
    const sdk = await world.start();
    await mkdir(`${world.folder}/dir.pt`);
    expect(await sdk.uploadCheckpoint(await world.file("empty.pt", ""))).toMatchObject({
      status: "rejected",
      reason: expect.stringContaining("empty"),
    });
    expect(await sdk.uploadCheckpoint(`${world.folder}/dir.pt`)).toMatchObject({
      status: "rejected",
      reason: expect.stringContaining("folder"),
    });
  });

  it("rejects the bad metric alone and delivers its neighbours", async () => {
    const sdk = await world.start();
    const receipt = await sdk.reportProgress({ epoch: 1, metrics: { good: 1, [":monitor:x"]: 2 } });
    expect(receipt).toMatchObject({ status: "durable", rejectedItems: [{ item: ":monitor:x" }] });
    await sdk.close();
    expect(Object.keys(world.platform.scalars(world.platform.tasks()[0]?.id ?? ""))).toContain("good/metrics");
  });

  it("leaves NaN and infinities out of the chart, counts them beside it, and sends null to the backend; never 0", async () => {
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { train_loss: 0.5, accuracy: 1 } });
    await sdk.reportProgress({ epoch: 2, metrics: { train_loss: NaN, accuracy: Infinity } });
    await sdk.reportProgress({ epoch: 3, metrics: { train_loss: NaN, accuracy: 0 } });
    await sdk.close();
    const id = world.platform.tasks()[0]?.id ?? "";
    const scalars = world.platform.scalars(id);
    expect(scalars["loss/train"]).toEqual(
      [{ iteration: 1, value: 0.5, timestamp: expect.anything() }].map(({ iteration, value }) =>
        expect.objectContaining({ iteration, value }),
      ),
    );
    expect(scalars["accuracy/metrics"]).toMatchObject([
      { iteration: 1, value: 1 },
      { iteration: 3, value: 0 },
    ]);
    expect(scalars["nonfinite/loss/train"]?.map(({ iteration }) => iteration)).toEqual([2, 3]);
    expect(world.platform.callbacks("/progress").map(({ body }) => (body as any).metrics)).toEqual([
      { train_loss: 0.5, accuracy: 1 },
      { train_loss: null, accuracy: null },
      { train_loss: null, accuracy: 0 },
    ]);
    expect(sdk.stats().nonFinite).toEqual({ train_loss: 2, accuracy: 1 });
    expect(world.platform.lines(id).filter(({ message }) => message.includes("train_loss was NaN at iteration 2"))).toHaveLength(1);
  });

  it("counts two values for one point and says so once", async () => {
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 2 } });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 3 } });
    expect(sdk.stats().conflicts).toBe(2);
    expect(world.warnings.filter((line) => line.includes("reported twice"))).toHaveLength(1);
  });
});

describe("a verb after the end or after close()", () => {
  it("resolves rejected and is counted", async () => {
    const sdk = await world.start();
    await sdk.reportCompleted();
    expect(await sdk.reportProgress({ epoch: 9, metrics: { loss: 1 } })).toMatchObject({
      status: "rejected",
      reason: expect.stringContaining("end (completed)"),
    });
    await sdk.close();
    expect(await sdk.log("info", "too late")).toMatchObject({ status: "rejected" });
    expect(await sdk.uploadCheckpoint(await world.file("late.pt", "x"))).toMatchObject({ status: "rejected" });
    expect(sdk.stats().rejected).toBe(3);
    expect(world.platform.callbacks("/progress")).toEqual([]);
  });
});

describe("an environment that is half wrong", () => {
  const env = { OPERATION_TYPE: "cooking", CALLBACK_URL: "not a url", TRAINER_SINKS: "platform,clearml" };

  it("starts with less, lists all of it in one warning, and works with the rest", async () => {
    const sdk = await world.start({}, env);
    expect(sdk.stats().issues.map(({ path }) => path)).toEqual(["OPERATION_TYPE", "CALLBACK_URL", "CALLBACK_URL"]);
    expect(world.warnings).toHaveLength(1);
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    expect(Object.keys((await sdk.close()).sinks)).toEqual(["clearml"]);
    expect(world.platform.tasks()).toHaveLength(1);
  });

  it("throws one ConfigError with all of it when strict, and leaves the journal unlocked", async () => {
    await expect(world.start({ strict: true }, env)).rejects.toThrow(ConfigError);
    await expect(world.start({ strict: true })).resolves.toBeDefined();
  });
});

describe("a journal folder that cannot be used", () => {
  it("goes to memory alone when a live process holds it, and says what is at risk", async () => {
    await world.start();
    const second = await world.start();
    expect(second.stats().outbox?.journal.mode).toBe("volatile");
    expect(world.warnings[0]).toMatch(/memory alone.*lost/);
    expect(await second.reportProgress({ epoch: 1, metrics: { loss: 1 } })).toMatchObject({ status: "volatile" });
    expect((await second.close()).complete).toBe(true);
    await expect(world.start({ strict: true })).rejects.toThrow(JournalError);
  });

  it("goes to the temporary folder when it cannot be written, and says so", async () => {
    await writeFile(`${world.folder}/file`, "a file where the folder should be");
    const sdk = await world.start({}, { TRAINER_JOURNAL_DIR: `${world.folder}/file/journal-${String(process.pid)}` });
    expect(sdk.stats().outbox?.journal.mode).toBe("durable");
    expect(world.warnings[0]).toMatch(/temporary files/);
    await expect(world.start({ strict: true }, { TRAINER_JOURNAL_DIR: `${world.folder}/file/journal` })).rejects.toThrow(JournalError);
  });
});

describe("a rank other than 0", () => {
  it("is silent, opens nothing and never fails", async () => {
    const sdk = await world.start({}, { RANK: "1" });
    expect(await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } })).toMatchObject({
      status: "ignored",
      reason: expect.stringContaining("rank 1"),
    });
    expect(await sdk.currentTask().bound()).toBeUndefined();
    expect(await sdk.close()).toMatchObject({ complete: true, journalPath: undefined });
    expect(world.platform.requests.counts().total).toBe(0);
  });
});

describe("a ClearML task that is not there", () => {
  it("turns the sink off loudly, keeps its records, and leaves nobody waiting for the task", async () => {
    const sdk = await world.start({}, { CLEARML_TASK_ID: "0123456789abcdef0123456789abcdef" });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    expect(await sdk.currentTask().bound()).toBeUndefined();
    const receipt = await sdk.close();
    expect(receipt).toMatchObject({ complete: false, sinks: { platform: { pending: 0 } } });
    expect(receipt.sinks["clearml"]?.pending).toBeGreaterThan(0);
    expect(world.warnings).toContain("The sink clearml is off: it refused to open. Its records stay in the journal.");
    expect(sdk.stats().outbox?.sinks["clearml"]).toMatchObject({
      state: "off",
      lastError: expect.stringContaining("CLEARML_TASK_ID") as unknown,
    });
  });
});

describe("two sinks of one name", () => {
  it("are a bug of the caller, thrown at once, and the journal is free again", async () => {
    const sink = (name: string) => ({
      name,
      limits: { maxRecords: 1, maxBytes: 1 },
      accepts: () => false,
      deliver: () => Promise.resolve([]),
    });
    await expect(world.start({ extraSinks: [sink("mine"), sink("mine")] })).rejects.toThrow(ValidationError);
    const next = await world.start({ extraSinks: [sink("mine")] });
    expect(next.stats().outbox?.journal.mode).toBe("durable");
  });
});
