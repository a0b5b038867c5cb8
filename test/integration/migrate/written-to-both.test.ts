/**
 * Runs that a trainer wrote to both are compared with the trainer's own task. The trainer is a real one with both destinations; MLflow is
 * the double that the suites against a real server hold to it, ClearML the embedded one.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { TrainerSDK, type TrainerOptions } from "../../../src/index.js";
import { MlflowClient, runMigration, verifyMigration, type VerificationReport } from "../../../src/migrate/index.js";
import { verdictOf } from "../../../src/migrate/verdict.js";
import { MlflowDouble, type DoubleRun } from "../../support/mlflow-double.js";
import { serveWire, type WireServer } from "../../support/wire-server.js";

let server: DevServer;
let clearml: ClearML;
let double: MlflowDouble;
let wire: WireServer;
let mlflow: MlflowClient;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "written-to-both-"));
  server = await startDevServer();
  clearml = createClearML({}, { ...server.env });
  double = new MlflowDouble();
  wire = await serveWire(double.handler);
  mlflow = new MlflowClient({ trackingUri: wire.url }, {});
});
afterEach(async () => {
  await mlflow.close();
  await wire.close();
  double.faults.close();
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

function aTrainer(env: Record<string, string> = {}, options: TrainerOptions = {}): Promise<TrainerSDK> {
  const { CALLBACK_URL: _, ...clearmlEnv } = server.env;
  const all = {
    ...clearmlEnv,
    ...{ JOB_ID: "42", PROJECT_ID: "7", TRAINER_SINKS: "clearml,mlflow", MLFLOW_TRACKING_URI: wire.url },
    ...{ CHECKPOINT_URI: `file://${join(folder, "store")}`, TRAINER_JOURNAL_DIR: join(folder, "journal") },
    ...env,
  };
  return TrainerSDK.init({ env: all, batchAgeMs: 5, ...options });
}

/** All kinds of points under names of all kinds, and an end. */
async function train(sdk: TrainerSDK): Promise<void> {
  const { logger } = sdk.currentTask();
  for (let epoch = 1; epoch <= 4; epoch++) {
    const metrics = { train_loss: 1 / epoch, "val/größe": epoch === 2 ? Number.NaN : epoch, "map@50": epoch / 100, "2024-01-31": epoch };
    await sdk.reportProgress({ epoch, totalEpochs: 4, metrics });
    await logger.reportScalar({ title: "lr", series: "group 0", value: 0.1 / epoch, iteration: epoch });
  }
  // One line for both in ClearML, unless they are told apart.
  await sdk.reportProgress({ epoch: 5, metrics: { "train/acc": 0.5, train_acc: 0.25 } });
  await logger.reportSingleValue({ name: "size", value: 7 });
  await sdk.currentTask().addTags("candidate", "team blue");
}

async function end(sdk: TrainerSDK): Promise<void> {
  await sdk.reportCompleted({ finalMetrics: { map: 0.9 } });
  expect((await sdk.close()).complete).toBe(true);
}

/** Its one run. */
function theRun(): DoubleRun {
  const [run] = double.activeRuns();
  if (!run) throw new Error("there is no run");
  return run;
}

async function verify(more: { acceptReported?: boolean } = {}): Promise<VerificationReport> {
  // MLflow has an experiment without runs, too.
  await runMigration({ mlflow, clearml });
  return verifyMigration({ mlflow, clearml, ...more });
}

describe("a run that a trainer wrote to both", () => {
  it("is proved by the trainer's own task, point by point, and nothing has to be accepted", async () => {
    const sdk = await aTrainer({ CONFIG: JSON.stringify({ lr: 0.1, day: "2024-01-31", net: { layers: 3 }, long: "x".repeat(7000) }) });
    await train(sdk);
    await end(sdk);
    // MLflow keeps in files of its own what is too long for it.
    double.files.clear();
    const proof = await verify();
    expect(proof.differences).toEqual([]);
    expect(proof.uncompared).toEqual([]);
    expect([proof.ok, verdictOf(proof)]).toEqual([true, "All of it is in ClearML, and equal."]);
    expect(theRun().points).toHaveLength(24);
    expect(proof.compared).toMatchObject({ runs: 0, reportedRuns: 1, points: 24, events: 23, collapsed: 0, notChartable: 1 });
    // Status, parameters, tags; the names of the experiments in the descriptions of the projects that the migration made.
    expect(proof.compared.values).toBe(1 + 4 + 2 + 1);
    expect(proof.runs).toMatchObject([{ runId: theRun().info.run_id, isReported: true, differences: 0 }]);
    expect(proof.lossy.map(({ what }) => what)).toContain("reported-not-finite");
  });

  it.each<[string, (run: DoubleRun) => unknown, RegExp, string, string]>([
    [
      "a point that ClearML lacks",
      ({ points }) => points.push({ key: "train_loss", value: 0.5, timestamp: 1, step: 9 }),
      /^train_loss at step 9 /,
      "1 0.5",
      "nothing",
    ],
    [
      "a metric that ClearML lacks",
      ({ points }) => points.push({ key: "extra", value: 0.5, timestamp: 1, step: 0 }),
      /^extra at step 0 /,
      "1 0.5",
      "nothing",
    ],
    [
      "a newer value of a step",
      ({ points }) => points.push({ key: "train_loss", value: 1, timestamp: 9e12, step: 1 }),
      /^train_loss at step 1 /,
      "9000000000000 1",
      expect.stringMatching(/^\d+ 1$/) as string,
    ],
    [
      "a point that is no number, and that nobody marked",
      ({ points }) => points.push({ key: "val/größe", value: "NaN", timestamp: 1, step: 3 }),
      /^val\/größe at step 3, marked/,
      "NaN",
      "nothing",
    ],
    ["a parameter", ({ params }) => params.set("momentum", "0.9"), /^parameter momentum$/, "0.9", "nothing"],
    ["another value of a parameter", ({ params }) => params.set("lr", "0.2"), /^parameter lr$/, "0.2", "0.1"],
    ["another end", ({ info }) => (info.status = "FAILED"), /^status$/, "failed", "completed"],
    ["a tag", ({ tags }) => tags.set("best", "true"), /^tag best$/, "true", "nothing"],
  ])("is no proof of what MLflow has beyond it: %s", async (_what, spoil, words, inMlflow, inClearML) => {
    const sdk = await aTrainer({ CONFIG: '{"lr":0.1}' });
    await train(sdk);
    await end(sdk);
    expect((await verify()).ok).toBe(true);
    spoil(theRun());
    const proof = await verify({ acceptReported: true });
    expect(proof.differences.map(({ what }) => what)).toEqual([expect.stringMatching(words)]);
    expect([proof.ok, proof.differences[0]?.inMlflow, proof.differences[0]?.inClearML]).toEqual([false, inMlflow, inClearML]);
  });

  it("is no proof where ClearML was off for a part of the job", async () => {
    const first = await aTrainer();
    await first.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await first.close();
    const alone = await aTrainer({ TRAINER_SINKS: "mlflow", TRAINER_JOURNAL_DIR: join(folder, "another") });
    await alone.reportProgress({ epoch: 2, metrics: { loss: 0.5 } });
    await alone.close();
    const last = await aTrainer();
    await last.reportProgress({ epoch: 3, metrics: { loss: 0.25 } });
    await end(last);
    const proof = await verify({ acceptReported: true });
    expect(proof.differences.map(({ what, inClearML }) => [what, inClearML])).toEqual([
      ["loss at step 2 in the trainer's task (time, value)", "nothing"],
    ]);
  });

  it("tells what no comparison covers, and is a proof once that is accepted", async () => {
    const sdk = await aTrainer({ CONFIG: '{"lr":0.1}' });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    const weights = join(folder, "weights.pt");
    for (const epoch of [1, 2]) {
      await writeFile(weights, `weights of epoch ${String(epoch)}`);
      await sdk.uploadCheckpoint(weights, { type: "last", epoch });
      await sdk.flush();
    }
    await sdk.close();
    // Another attempt reports a step again, and has another value of a parameter.
    const again = await aTrainer({ CONFIG: '{"lr":0.2}' });
    await again.reportProgress({ epoch: 1, metrics: { loss: 0.75 } });
    await end(again);
    theRun().tags.set("mlflow.note.content", "# A note");
    const proof = await verify();
    expect(proof.differences).toEqual([]);
    const runId = theRun().info.run_id;
    expect(proof.uncompared).toEqual([
      { runId, what: "tag mlflow.note.content: it is not one that a trainer sets" },
      { runId, what: "1 points of loss at steps that were reported again: ClearML keeps the last of a step" },
      { runId, what: "1 file in MLflow's store" },
    ]);
    expect(proof.ok).toBe(false);
    expect(verdictOf(proof)).toMatch(/in MLflow alone: that is not accepted/);
    const accepted = await verify({ acceptReported: true });
    expect(accepted.ok).toBe(true);
    expect(verdictOf(accepted)).toMatch(/, but for what MLflow alone has of runs that a trainer wrote to both, as accepted\.$/);
  });

  it.each(["results.json", "configuration/net.json"])("is compared with the texts that its trainer gave to both: %s", async (path) => {
    const sdk = await aTrainer();
    await sdk.currentTask().connectConfiguration({ layers: 3 }, { name: "net" });
    await sdk.reportCompleted({ results: { images: 3, größe: "weit" } });
    expect((await sdk.close()).complete).toBe(true);
    const proof = await verify();
    expect([proof.ok, proof.differences, proof.uncompared, proof.compared.files]).toEqual([true, [], [], 2]);
    const [name] = [...double.files.keys()].filter((key) => key.endsWith(path));
    double.files.set(name ?? "", Buffer.from("{}"));
    const spoiled = await verify({ acceptReported: true });
    expect([spoiled.ok, spoiled.differences.map(({ what }) => what)]).toEqual([false, [`the text of ${path}`]]);
  });

  it("is proved by the rule that its trainer was given for charts, to which migrated runs keep as well", async () => {
    const metricAddress = (name: string) => ({ title: name.includes("@") ? name : `by us: ${name}`, series: "here" });
    const sdk = await aTrainer({}, { metricAddress });
    await sdk.reportProgress({ epoch: 1, metrics: { train_loss: 1, "val/größe": 2, "map@50": 3, bad: Number.NaN } });
    await sdk.currentTask().logger.reportScalar({ title: "lr", series: "group 0", value: 0.1, iteration: 1 });
    await end(sdk);
    const given = { mlflow, clearml, metricAddress };
    expect((await verify()).ok).toBe(false);
    const proof = await verifyMigration(given);
    expect([proof.ok, proof.differences, proof.uncompared]).toEqual([true, [], []]);
    expect(proof.compared).toMatchObject({ runs: 0, reportedRuns: 1, points: 6, events: 5, notChartable: 1 });
    theRun().points.push({ key: "train_loss", value: 0.5, timestamp: 1, step: 9 });
    expect((await verifyMigration(given)).differences.map(({ what }) => what)).toEqual([expect.stringMatching(/^train_loss at step 9 /)]);
    await runMigration({ ...given, includeReported: true });
    const moved = await clearml.tasks.getPage({ tags: ["mlflow"] });
    const { metrics } = await clearml.events.getScalarMetricsAndVariants({ task: moved.tasks[0]?.id ?? "" });
    expect(metrics["by us: train_loss"]).toEqual(["here"]);
    expect(await verifyMigration({ ...given, includeReported: true })).toMatchObject({ ok: true, compared: { runs: 1 } });
  });

  it("differs where the newest checkpoint that MLflow names is not the one that ClearML has", async () => {
    const sdk = await aTrainer();
    const weights = join(folder, "weights.pt");
    await writeFile(weights, "weights");
    await sdk.uploadCheckpoint(weights, { type: "best", epoch: 1 });
    await end(sdk);
    expect((await verify()).ok).toBe(true);
    const tag = theRun().tags.get("trainer_sdk.checkpoint.best") ?? "";
    theRun().tags.set("trainer_sdk.checkpoint.best", tag.replace(/"sha256":"..../, '"sha256":"0000'));
    const proof = await verify();
    expect(proof.differences.map(({ what }) => what)).toEqual(["checkpoint best"]);
  });
});
