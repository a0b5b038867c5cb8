/** A trainer that writes to ClearML and to a real MLflow server at once, read back by MLflow's own client. */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import { MlflowClient, runMigration, verifyMigration } from "../../../src/migrate/index.js";
import { openServer, type PeerServer } from "../clearml/server.js";
import { startMlflow, type MlflowServer } from "./mlflow-server.js";
import { startSinkTrainer, type SinkTrainer } from "./sink-trainers.js";
import { MLFLOW_LINES, pythonOf } from "./tools.js";

let mlflow: MlflowServer;
let server: PeerServer;
let clearml: ClearML;
let folder: string;
const trainers: ChildProcess[] = [];

beforeAll(async () => {
  server = await openServer();
  clearml = server.client();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "interop-sink-"));
});
afterEach(async () => {
  for (const child of trainers.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await clearml.close();
  await server.close();
});

async function aTrainer(jobId: string, given: Record<string, string> = {}): Promise<SinkTrainer> {
  const trainer = await startSinkTrainer(jobId, folder, { ...server.env, MLFLOW_TRACKING_URI: mlflow.trackingUri, ...given });
  trainers.push(trainer.child);
  return trainer;
}

const epochs = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, index) => `epoch ${String(from + index)}`);
const key = (jobId: string): string => `trainer-sdk:training:7:${jobId}`;

interface RunReading {
  readonly info: readonly unknown[];
  readonly params: Record<string, string>;
  readonly tags: Record<string, string>;
  readonly points: Record<string, readonly (readonly [number, number, string])[]>;
  readonly files: Record<string, string>;
}

/** Ids of the runs of a job, active and deleted, by the server's own search. */
async function runIds(jobId: string): Promise<readonly string[]> {
  const experiments = await post("experiments/search", { max_results: 1000 });
  const ids = (experiments["experiments"] as { experiment_id: string }[]).map(({ experiment_id }) => experiment_id);
  const filter = `tags.\`trainer_sdk.key\` = '${key(jobId)}'`;
  const { runs = [] } = await post("runs/search", { experiment_ids: ids, filter, run_view_type: "ALL", max_results: 100 });
  return (runs as { info: { run_id: string } }[]).map(({ info }) => info.run_id);
}

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${mlflow.trackingUri}/api/2.0/mlflow/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, unknown>;
}

/** The job's one run, as MLflow's client sees it. */
async function theRun(jobId: string): Promise<RunReading> {
  const ids = await runIds(jobId);
  expect(ids).toHaveLength(1);
  return (await mlflow.read(ids)).runs[ids[0] ?? ""] as unknown as RunReading;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const steps = (run: RunReading, name: string): number[] =>
  (run.points[name] ?? []).map(([, step]) => step).sort((one, other) => one - other);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

/** Points of a line in ClearML, as the embedded server has them. */
async function clearmlSteps(
  jobId: string,
): Promise<{ readonly taskId: string; readonly status: string | undefined; readonly steps: readonly number[] }> {
  const { tasks } = await clearml.session.call("tasks.get_all", {
    system_tags: [key(jobId)],
    search_hidden: true,
    only_fields: ["id", "status"],
  });
  expect(tasks).toHaveLength(1);
  const [task] = tasks;
  const metric = { metric: "loss", variants: ["train"] };
  const answer = await clearml.session.call("events.scalar_metrics_iter_raw", { task: task?.id ?? "", metric });
  return { taskId: task?.id ?? "", status: task?.status ?? undefined, steps: answer.variants?.["train"]?.iter ?? [] };
}

describe.each(MLFLOW_LINES)("a trainer that writes to ClearML and MLflow $version", (line) => {
  /** Both lines write to one ClearML: their jobs are told apart. */
  const jobOf = (name: string): string => `${name}-${line.version}`;

  beforeAll(async () => {
    mlflow = await startMlflow(await pythonOf(line));
  });
  afterAll(() => mlflow.close());

  it("has everything in both, read back by MLflow's own client", async () => {
    const trainer = await aTrainer(jobOf("whole"));
    await trainer.tell(...epochs(1, 12), "extras");
    expect(await trainer.end()).toBe(true);
    const run = await theRun(jobOf("whole"));
    expect([run.info[2], run.info[3], run.info[6]]).toEqual([`Training Job ${jobOf("whole")}`, "FINISHED", "active"]);
    expect(run.params).toEqual({ lr: "0.1", "net/layers": "3" });
    expect(steps(run, "train_loss")).toEqual(upTo(12));
    expect((run.points["train_loss"] ?? []).map(([, step, value]) => [step, Number(value)])).toEqual(
      upTo(12).map((step) => [step, 1 / step]),
    );
    expect((run.points["val/größe"] ?? []).find(([, step]) => step === 2)?.[2]).toBe("nan");
    expect(steps(run, "lr/group 0")).toEqual(upTo(12));
    const renamed = Object.keys(run.points).find((name) => name.startsWith("map_50-"));
    expect(steps(run, renamed ?? "")).toEqual(upTo(12));
    expect(run.points["Summary/map"]).toMatchObject([[expect.any(Number), 0, "0.9"]]);
    expect(run.tags).toMatchObject({ candidate: "true", "team blue": "true", "mlflow.loggedImages": "True" });
    const files = Object.entries(run.files);
    const digestOf = (start: string): string | undefined => files.find(([path]) => path.startsWith(start))?.[1];
    expect(digestOf("checkpoints/last-10-")).toBe(sha256("weights of epoch 10"));
    expect(digestOf("checkpoints/last-5-")).toBe(sha256("weights of epoch 5"));
    expect(digestOf("artifacts/labels.json")).toBe(sha256('{\n  "cat": 0\n}\n'));
    expect(digestOf("results.json")).toBe(sha256('{\n  "images": 3\n}\n'));
    expect(
      files
        .map(([path]) => path)
        .filter((path) => /^(images\/masks - val\+step\+12\+timestamp|plots\/roc\/1\.html|configuration\/net)/.test(path)),
    ).toHaveLength(3);
    const there = await clearmlSteps(jobOf("whole"));
    expect(there).toMatchObject({ status: "completed", steps: upTo(12) });
    expect(run.tags["trainer_sdk.task_id"]).toBe(there.taskId);
  });

  it("goes on in ClearML while MLflow is killed, and MLflow has all of it once it is back", async () => {
    const trainer = await aTrainer(jobOf("outage"));
    await trainer.tell(...epochs(1, 10), "flush");
    await mlflow.kill();
    await trainer.tell(...epochs(11, 40));
    await expect.poll(async () => (await clearmlSteps(jobOf("outage"))).steps, { timeout: 30_000 }).toEqual(upTo(40));
    await mlflow.start();
    await trainer.tell(...epochs(41, 50));
    expect(await trainer.end()).toBe(true);
    const run = await theRun(jobOf("outage"));
    expect(steps(run, "train_loss")).toEqual(upTo(50));
    expect(Object.keys(run.files).filter((path) => path.startsWith("checkpoints/"))).toHaveLength(10);
    expect(run.info[3]).toBe("FINISHED");
  });

  it("is killed again and again and started again: nothing is lost, nothing is there twice, there is one run", async () => {
    for (let round = 0; round < 5; round++) {
      const trainer = await aTrainer(jobOf("killed"));
      // Killed with whatever is under way at that moment: what was said is durable.
      await trainer.tell(...epochs(round * 20 + 1, round * 20 + 20));
      const exited = once(trainer.child, "exit");
      trainer.child.kill("SIGKILL");
      await exited;
    }
    const last = await aTrainer(jobOf("killed"), { CONFIG: '{"lr":0.2,"net":{"layers":3}}' });
    expect(await last.end()).toBe(true);
    const run = await theRun(jobOf("killed"));
    for (const name of ["train_loss", "lr/group 0"]) expect(steps(run, name)).toEqual(upTo(100));
    expect(Object.keys(run.files).filter((path) => path.startsWith("checkpoints/")).length).toBeGreaterThanOrEqual(5);
    expect([run.params["lr"], run.tags["trainer_sdk.changed.lr"]]).toEqual(["0.1", "0.2"]);
    expect(await clearmlSteps(jobOf("killed"))).toMatchObject({ status: "completed", steps: upTo(100) });
  });

  it("is not brought to ClearML a second time by a migration, unless that is asked for", async () => {
    const trainer = await aTrainer(jobOf("both"), { MLFLOW_EXPERIMENT_NAME: "both" });
    await trainer.tell(...epochs(1, 3));
    expect(await trainer.end()).toBe(true);
    await using source = new MlflowClient({ trackingUri: mlflow.trackingUri }, {});
    const given = { mlflow: source, clearml, experiments: ["both"] };
    expect(await runMigration(given)).toMatchObject({ migrated: 0, failures: [], skipped: { reported: 1 } });
    // The trainer's own task has all of it, and that is proved, with the file that the sink itself puts into MLflow: `results.json`.
    const proof = await verifyMigration(given);
    expect([proof.differences, proof.uncompared]).toEqual([[], []]);
    expect(proof).toMatchObject({ ok: true, compared: { runs: 0, reportedRuns: 1, points: 13, events: 12, notChartable: 1, files: 1 } });
    expect(await runMigration({ ...given, includeReported: true })).toMatchObject({ migrated: 1, skipped: { reported: 0 } });
  });
});
