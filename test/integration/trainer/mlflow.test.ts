/** MLflow beside ClearML: on by name alone, off without a trace, owed what it missed, delivered by whoever finds the journal. */
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { drainJournal } from "../../../src/trainer/drain-journal.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { createS3Double } from "../../../src/testing/s3.js";
import { MlflowDouble } from "../../support/mlflow-double.js";
import { released } from "../../support/released.js";
import { S3_ENV, startS3 } from "../../support/s3-server.js";
import { serveWire, type WireServer } from "../../support/wire-server.js";

let folder: string;
let clearml: DevServer;
let double: MlflowDouble;
let mlflow: WireServer;
const started: TrainerSDK[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-both-"));
  clearml = await startDevServer();
  double = new MlflowDouble();
  mlflow = await serveWire(double.handler);
});
afterEach(async () => {
  double.faults.close();
  for (const sdk of started.splice(0)) await sdk.close({ deadlineMs: 0 });
  await mlflow.close();
  await clearml.close();
  await rm(folder, { recursive: true, force: true });
});

const journal = (): string => path.join(folder, "journal");
const environment = (given: Record<string, string> = {}): Record<string, string> => {
  const { CALLBACK_URL: _unused, ...servers } = clearml.env;
  return {
    ...servers,
    JOB_ID: "42",
    PROJECT_ID: "7",
    TRAINER_JOURNAL_DIR: journal(),
    CHECKPOINT_URI: pathToFileURL(path.join(folder, "store")).href,
    MLFLOW_TRACKING_URI: mlflow.url,
    TRAINER_SINKS: "clearml,mlflow",
    ...given,
  };
};
const start = async (given: Record<string, string> = {}): Promise<TrainerSDK> => {
  const sdk = await TrainerSDK.init({ env: environment(given), batchAgeMs: 1, config: { lr: 0.1 } });
  started.push(sdk);
  return sdk;
};

async function train(sdk: TrainerSDK): Promise<void> {
  await sdk.reportProgress({ epoch: 1, metrics: { train_loss: 0.5, odd: Number.NaN } });
  await writeFile(path.join(folder, "w.pt"), "weights");
  await sdk.uploadCheckpoint(path.join(folder, "w.pt"), { type: "best", isBest: true, epoch: 1 });
  await sdk.log("info", "a line");
  await sdk.reportCompleted({ finalMetrics: { map: 0.9 } });
}

const journalText = async (): Promise<string> => {
  const names = await readdir(journal(), { recursive: true });
  const texts = await Promise.all(names.map((name) => readFile(path.join(journal(), name), "latin1").catch(() => "")));
  return texts.join("\n");
};

describe("a job that writes to ClearML and MLflow", () => {
  it("has the same facts in both, and a tag that leads from the one to the other", async () => {
    const sdk = await start();
    const task = await sdk.currentTask().bound();
    await train(sdk);
    expect((await sdk.close()).complete).toBe(true);
    const [run, ...others] = double.activeRuns();
    expect(others).toEqual([]);
    expect(run?.info).toMatchObject({ run_name: "Training Job 42", status: "FINISHED" });
    expect(Object.fromEntries(run?.params ?? [])).toEqual({ lr: "0.1" });
    expect(run?.points.map(({ key, value, step }) => [key, value, step])).toEqual([
      ["train_loss", 0.5, 1],
      ["odd", "NaN", 1],
      ["Summary/map", 0.9, 0],
    ]);
    expect([...double.files.values()].map(String)).toEqual(["weights"]);
    expect(run?.tags.get("trainer_sdk.task_id")).toBe(task?.id);
    expect(double.experiments.map(({ name }) => name)).toEqual(["Default", "Project 7"]);
  });

  it("goes on in ClearML while MLflow hangs, and owes MLflow everything", async () => {
    double.faults.set("mlflow", { mode: "hang" });
    const sdk = await start();
    await train(sdk);
    const receipt = await sdk.close({ deadlineMs: 2_000 });
    expect(receipt.sinks["clearml"]).toMatchObject({ pending: 0 });
    expect(receipt.sinks["mlflow"]?.pending).toBeGreaterThan(0);
    double.faults.clear();
    await released(journal());
    // By somebody who knows the addresses alone: whose run it is stands in the journal.
    const { TRAINER_SINKS: _sinks, JOB_ID: _job, PROJECT_ID: _project, ...env } = environment();
    const report = await drainJournal({ directory: journal(), env, deadlineMs: 10_000, signal: new AbortController().signal });
    expect(report).toMatchObject({ complete: true, unreachable: {} });
    expect(double.activeRuns()).toHaveLength(1);
    expect(double.activeRuns()[0]?.info).toMatchObject({ run_name: "Training Job 42", status: "FINISHED" });
    expect(double.activeRuns()[0]?.points).toHaveLength(3);
  });

  it("says what is missing where MLflow cannot be reached from, and still delivers to ClearML", async () => {
    const sdk = await start({ MLFLOW_TRACKING_URI: "" });
    expect(sdk.stats().issues.map(({ path: at }) => at)).toContain("MLFLOW_TRACKING_URI");
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    expect((await sdk.flush()).complete).toBe(true);
  });

  it("goes on with the same run when it is started again", async () => {
    const first = await start();
    await first.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await first.close();
    const second = await start({ TRAINER_JOURNAL_DIR: path.join(folder, "another-journal") });
    await second.reportProgress({ epoch: 2, metrics: { loss: 0.5 } });
    expect((await second.close()).complete).toBe(true);
    expect(double.runs).toHaveLength(1);
    expect(double.runs[0]?.points.map(({ step }) => step)).toEqual([1, 2]);
  });
});

describe("the files of such a job", () => {
  const held = (): string[] => [...double.files.values()].map(String);
  const tag = (): string => double.activeRuns()[0]?.tags.get("trainer_sdk.checkpoint.best") ?? "";

  it("come to MLflow from ClearML's file server, which asks for a token", async () => {
    const sdk = await start({ CHECKPOINT_URI: "clearml" });
    await train(sdk);
    expect((await sdk.close()).complete).toBe(true);
    expect(held()).toEqual(["weights"]);
    expect(tag()).toContain(clearml.filesUrl);
  });

  it("come to MLflow from a bucket, with the credentials that put them there", async () => {
    await using s3 = await startS3();
    const sdk = await start({ ...S3_ENV, CHECKPOINT_URI: `s3://${s3.server.host}/models/runs` });
    await train(sdk);
    expect((await sdk.close()).complete).toBe(true);
    expect(held()).toEqual(["weights"]);
  });

  it("leave their address where the bucket may be written and not read", async () => {
    await using s3 = await startS3();
    const narrow = createS3Double({ buckets: ["models"], rights: ["s3:PutObject", "s3:AbortMultipartUpload"] });
    s3.intercept((_pass, request) => narrow.handler(request));
    const sdk = await start({ ...S3_ENV, CHECKPOINT_URI: `s3://${s3.server.host}/models/runs` });
    await train(sdk);
    expect((await sdk.close()).complete).toBe(true);
    expect(held()).toEqual([]);
    expect(JSON.parse(tag())).toMatchObject({ uri: expect.stringMatching(/^s3:/) as string, size_bytes: 7 });
  });
});

describe("a job that does not name MLflow", () => {
  it.each([{}, { TRAINER_SINKS: "clearml" }])("leaves no trace of it, whatever MLflow's variables say", async (sinks) => {
    const { TRAINER_SINKS: _sinks, ...rest } = environment({ MLFLOW_EXPERIMENT_NAME: "x", MLFLOW_TRACKING_TOKEN: "t" });
    const sdk = await TrainerSDK.init({ env: { ...rest, ...sinks }, batchAgeMs: 1 });
    started.push(sdk);
    await train(sdk);
    const receipt = await sdk.close();
    expect(receipt.complete).toBe(true);
    expect(Object.keys(receipt.sinks)).toEqual(["clearml"]);
    expect(double.requests).toEqual([]);
    expect(await journalText()).not.toMatch(/mlflow/i);
  });
});
