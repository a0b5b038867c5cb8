/** Faults on the way: runs that go, credentials that end, servers that are away, names and numbers that no one planned for. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import type { DevServer } from "../../../src/devserver/index.js";
import {
  exportMigration,
  MlflowClient,
  openMlflowSource,
  rollbackMigration,
  runMigration,
  verifyMigration,
} from "../../../src/migrate/index.js";
import { FakeClock } from "../../support/fake-clock.js";
import { verdictOf } from "../../../src/migrate/verdict.js";
import { history, holding, page, point, T, type MlflowStandIn } from "../../support/mlflow-stand-in.js";
import { migrationBench, type MigrationBench } from "../../support/migration-bench.js";
import { S3_ENV, startS3 } from "../../support/s3-server.js";
import { until } from "../../support/until.js";

let bench: MigrationBench;
let standIn: MlflowStandIn;
let server: DevServer;
let clearml: ClearML;
let mlflow: MlflowClient;
let folder: string;

beforeEach(async () => {
  bench = await migrationBench();
  ({ standIn, server, clearml, mlflow, folder } = bench);
});
afterEach(() => bench[Symbol.asyncDispose]());

const notFound = { status: 404, text: '{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Run not found"}' };
const refused = { status: 401, text: "You are not authenticated." };
const tasks = async (): Promise<number> => (await clearml.tasks.getPage({ tags: ["mlflow"], search_hidden: true })).tasks.length;

/** A run with these parameters and tags. */
function describeRun(id: string, more: { params?: object[]; tags?: object[] }): void {
  const name = `runs/get?run_id=${id}`;
  const answer = JSON.parse(standIn.answers[name] ?? "") as { run: { data: Record<string, unknown> } };
  Object.assign(answer.run.data, more);
  standIn.answers[name] = JSON.stringify(answer);
}

describe("a migration", () => {
  it("names a run that was removed for good meanwhile, moves the others, and ends in order when it is gone from the list, too", async () => {
    standIn.answers = holding(["a", "b"], { [history("a")]: page(point("1", T, "0")), [history("b")]: page(point("2", T, "0")) });
    // Listed, then gone between its document and its points.
    standIn.refuse = (path) => (path.startsWith(history("a")) ? notFound : undefined);
    const first = await runMigration({ mlflow, clearml });
    expect(first).toMatchObject({ migrated: 1, failures: [{ runId: "a", experiment: "vision" }] });
    expect(first.failures[0]?.reason).toContain("404");
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(false);
    standIn.answers["runs/search"] = JSON.stringify({
      runs: [(JSON.parse(standIn.answers["runs/get?run_id=b"] ?? "") as { run: object }).run],
    });
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ unchanged: 1, failures: [] });
    expect(await verifyMigration({ mlflow, clearml })).toMatchObject({ ok: true, runsInMlflow: 1 });
    // The half that was moved is known, and goes with a rollback.
    expect(await tasks()).toBe(2);
    expect(await rollbackMigration({ clearml, confirmed: true })).toMatchObject({ ok: true, tasks: 2 });
  });

  it("says that credentials have ended and of which runs, and goes on with new ones without doing anything twice", async () => {
    const ids = ["a", "b", "c", "d"];
    standIn.answers = holding(ids, Object.fromEntries(ids.map((id) => [history(id), page(point("1", T, "0"))])));
    let asked = 0;
    standIn.refuse = (path) => (path.startsWith("runs/get") && ++asked > 2 ? refused : undefined);
    const first = await runMigration({ mlflow, clearml, concurrency: 1 });
    expect(first).toMatchObject({ migrated: 2, failures: [{ runId: "c" }, { runId: "d" }] });
    expect(first.failures[0]?.reason).toMatch(/401.*MLFLOW_TRACKING/s);
    standIn.refuse = undefined;
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 2, unchanged: 2, failures: [] });
    expect(await tasks()).toBe(4);
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(true);
  });

  it.each(["MLflow", "ClearML"])("waits for %s when that is away for minutes, and loses and doubles nothing", async (away) => {
    const clock = new FakeClock();
    standIn.answers = holding(["a", "b"], {
      [history("a")]: page(`${point("1", T, "0")},${point("2", T + 1, "1")}`, "next"),
      [history("a", "&page_token=next")]: page(point("3", T + 2, "2")),
      [history("b")]: page(point("4", T, "0")),
    });
    const client = createClearML({ clock, retry: { budgetMs: 300_000 } }, { ...server.env });
    const source = new MlflowClient({ trackingUri: standIn.url, historyPageSize: 2, clock, retryBudgetMs: 300_000 }, {});
    let isAway = false;
    if (away === "MLflow") standIn.refuse = (path) => (path.includes("page_token") || isAway ? ((isAway = true), "drop") : undefined);
    else server.faults.set("api", { mode: "status", status: 503, match: "events.add_batch" });
    let report: unknown;
    const moving = runMigration({ mlflow: source, clearml: client, concurrency: 1 }).then((found) => (report = found));
    // Three minutes, in the steps in which they are waited for.
    const endMs = clock.monotonic() + 180_000;
    await until(async () => {
      await clock.advance(1000);
      return clock.monotonic() >= endMs;
    });
    expect(report).toBeUndefined();
    standIn.refuse = undefined;
    server.faults.clear();
    await until(async () => {
      await clock.advance(1000);
      return report !== undefined;
    });
    await moving;
    expect(report).toMatchObject({ migrated: 2, points: 4, failures: [] });
    await source.close();
    await client.close();
    expect(await tasks()).toBe(2);
    expect(await verifyMigration({ mlflow, clearml })).toMatchObject({ ok: true, compared: { points: 4, events: 4 } });
  });

  it("carries 10,000 parameters, and names that ClearML would take for one", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    const many = Array.from({ length: 10_000 }, (_, at) => ({ key: `layer.${String(at)}/size`, value: String(at) }));
    const folding = ["x", " x", "x ", "  x ", "", " ", "2024-01-31", "2024-01-31 ", "x (2)"].map((key, at) => ({
      key,
      value: `value ${String(at)}`,
    }));
    describeRun("a", { params: [...many, ...folding], tags: folding });
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 1, failures: [] });
    const proof = await verifyMigration({ mlflow, clearml });
    expect(proof.differences).toEqual([]);
    expect(proof.ok).toBe(true);
    expect(proof.compared.values).toBeGreaterThan(10_000 + 2 * folding.length);
    const [task] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
    const { task: full } = await clearml.tasks.getById({ task: task?.id ?? "" });
    expect(Object.keys(full.hyperparams?.["General"] ?? {})).toHaveLength(many.length + folding.length);
    // Out of ClearML alone, each under the name that MLflow knew.
    const target = join(folder, "mlruns");
    const report = await exportMigration({ clearml, folder: target });
    expect(report.failures).toEqual([]);
    expect(await readFile(join(target, "1/a/params/layer.9999/size"), "utf8")).toBe("9999");
    expect(await readFile(join(target, "1/a/params/ x"), "utf8")).toBe("value 1");
  });

  it("that is stopped before it has begun says so, and throws nothing", async () => {
    standIn.answers = holding(["a"], { [history("a")]: page(point("1", T, "0")) });
    const stop = new AbortController();
    standIn.refuse = (path) => {
      if (path === "/version") stop.abort();
      return undefined;
    };
    expect(await runMigration({ mlflow, clearml, signal: stop.signal })).toMatchObject({ interrupted: true, runs: 0, migrated: 0 });
    expect(await verifyMigration({ mlflow, clearml, signal: stop.signal })).toMatchObject({ ok: false, interrupted: true });
    expect(await rollbackMigration({ clearml, signal: stop.signal })).toMatchObject({ ok: false, interrupted: true, tasks: 0 });
  });

  it("moves files that have the name of the run's own copy", async () => {
    standIn.answers = holding(["a"], { [history("a")]: page(point("1", T, "0")) });
    const paths = ["mlflow-run.jsonl.gz", "deep/mlflow-run.jsonl.gz", "mlflow-run"];
    standIn.answers["artifacts/list?run_id=a"] = JSON.stringify({ files: paths.map((path) => ({ path, file_size: path.length })) });
    for (const path of paths) standIn.answers[`/get-artifact?run_uuid=a&path=${encodeURIComponent(path)}`] = path;
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 1, files: 3, failures: [] });
    expect(await verifyMigration({ mlflow, clearml })).toMatchObject({ ok: true, compared: { files: 3 } });
  });

  it("takes the address of a model without listed files for no proof, until somebody accepts it", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    const version = { name: "cat", version: "1", current_stage: "None", source: "gs://gone/model", run_id: "gone" };
    Object.assign(standIn.answers, {
      "registered-models/search?max_results=100": JSON.stringify({ registered_models: [{ name: "cat" }] }),
      "registered-models/get?name=cat": JSON.stringify({ registered_model: { name: "cat" } }),
      "model-versions/search?filter=name%20%3D%20%27cat%27&max_results=1000": JSON.stringify({ model_versions: [version] }),
      "model-versions/get-download-uri?name=cat&version=1": JSON.stringify({ artifact_uri: version.source }),
      "model-versions/get?name=cat&version=1": JSON.stringify({ model_version: { ...version, run_id: "" } }),
    });
    expect((await runMigration({ mlflow, clearml })).models).toMatchObject({ migrated: 1, withoutFiles: 1, failures: [] });
    const proof = await verifyMigration({ mlflow, clearml });
    expect([proof.ok, proof.differences, proof.compared.modelsWithoutFiles]).toEqual([false, [], 1]);
    expect((await verifyMigration({ mlflow, clearml, acceptLinks: true })).ok).toBe(true);
  });
});

describe("a proof", () => {
  it("is none of a server that shows experiments and no run of them", async () => {
    standIn.answers = holding([], {});
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ experiments: 1, runs: 0, failures: [] });
    const proof = await verifyMigration({ mlflow, clearml });
    expect([proof.ok, verdictOf(proof)]).toEqual([false, "Nothing was there to compare: this proves nothing."]);
  });

  it("is none of a server that knows the latest point of a metric and answers no history of it", async () => {
    standIn.answers = holding(["a"], { [history("a")]: page(point("1", 1, "0")) });
    await runMigration({ mlflow, clearml });
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(true);
    standIn.answers[history("a")] = "{}";
    expect(await runMigration({ mlflow, clearml, redo: true })).toMatchObject({ migrated: 1, failures: [] });
    const proof = await verifyMigration({ mlflow, clearml });
    expect([proof.ok, proof.differences.map(({ what, inMlflow }) => `${what}: ${inMlflow}`)]).toEqual([
      false,
      ["points of loss: a latest one, and an empty history"],
    ]);
  });

  it("is none of what MLflow alone has of runs that a trainer wrote to both, unless that is accepted", async () => {
    standIn.answers = holding(["a", "b"], { [history("a")]: "{}", [history("b")]: "{}" });
    const { id } = await clearml.tasks.create({ name: "run b", type: "training" });
    const { runs } = JSON.parse(standIn.answers["runs/search"] ?? "") as { runs: { data: Record<string, unknown> }[] };
    if (runs[1]) runs[1].data["tags"] = [{ key: "trainer_sdk.task_id", value: id }];
    standIn.answers["runs/search"] = JSON.stringify({ runs });
    standIn.answers["artifacts/list?run_id=b"] = '{"files":[{"path":"weights.bin","is_dir":false,"file_size":3}]}';
    await runMigration({ mlflow, clearml });
    // Its trainer has not told ClearML of the end.
    const unended = await verifyMigration({ mlflow, clearml, acceptReported: true });
    expect(unended.differences).toMatchObject([{ runId: "b", what: "status", inMlflow: "completed", inClearML: "created" }]);
    await clearml.tasks.completed({ task: id, force: true });
    const proof = await verifyMigration({ mlflow, clearml });
    expect(proof).toMatchObject({ ok: false, differences: [], runsInMlflow: 1, skipped: { reported: 1 } });
    expect(verdictOf(proof)).toContain("that a trainer wrote to both is in MLflow alone: that is not accepted");
    const accepted = await verifyMigration({ mlflow, clearml, acceptReported: true });
    expect(accepted.ok).toBe(true);
    expect(verdictOf(accepted)).toContain("a trainer wrote to both, as accepted");
  });
});

describe("a database whose server is gone", () => {
  it("gives data sets, and files from S3 that are copied and proved", async () => {
    await using s3 = await startS3();
    const env = { ...S3_ENV, AWS_ENDPOINT_URL_S3: s3.server.url, AWS_REGION: "us-east-1" };
    const path = join(folder, "mlflow.db");
    const made = new DatabaseSync(path);
    made.exec(`CREATE TABLE experiments (experiment_id INTEGER, name TEXT, artifact_location TEXT, lifecycle_stage TEXT, creation_time BIGINT);
      CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INT, end_time INT, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INT);
      CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
      CREATE TABLE latest_metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
      CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INT);
      CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT); CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
      CREATE TABLE registered_models (name TEXT);
      CREATE TABLE model_versions (name TEXT, version INT, current_stage TEXT, source TEXT, run_id TEXT);
      CREATE TABLE datasets (dataset_uuid TEXT, experiment_id INT, name TEXT, digest TEXT, dataset_source_type TEXT, dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
      CREATE TABLE inputs (input_uuid TEXT, source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT);
      CREATE TABLE input_tags (input_uuid TEXT, name TEXT, value TEXT);
      INSERT INTO experiments VALUES (1, 'vision', 's3://models/1', 'active', 1);
      INSERT INTO runs VALUES ('a', 'one', 'FINISHED', 1, 2, 'active', 's3://models/1/a/artifacts', 1);
      INSERT INTO datasets VALUES ('d', 1, 'cats', '1234e567', 'local', '{"uri":"cats.csv"}', NULL, '{"rows":2}');
      INSERT INTO inputs VALUES ('i', 'DATASET', 'd', 'RUN', 'a'); INSERT INTO input_tags VALUES ('i', 'mlflow.data.context', 'training');`);
    made.close();
    const client = new S3Client({
      ...{ endpoint: s3.server.url, region: "us-east-1", forcePathStyle: true },
      credentials: { accessKeyId: S3_ENV.AWS_ACCESS_KEY_ID, secretAccessKey: S3_ENV.AWS_SECRET_ACCESS_KEY },
    });
    await client.send(new PutObjectCommand({ Bucket: "models", Key: "1/a/artifacts/deep/weights.bin", Body: "bytes of S3" }));
    client.destroy();
    await using source = await openMlflowSource({ trackingUri: path }, env);
    const moved = await runMigration({ mlflow: source, clearml });
    expect(moved).toMatchObject({ migrated: 1, files: 1, failures: [] });
    const proof = await verifyMigration({ mlflow: source, clearml });
    expect(proof.differences).toEqual([]);
    expect(proof).toMatchObject({ ok: true, compared: { files: 1, fileBytes: 11 } });
    expect(proof.lossy.map(({ what }) => what)).toContain("datasets");
    const target = join(folder, "mlruns");
    await exportMigration({ clearml, folder: target });
    expect(await readFile(join(target, "1/a/artifacts/deep/weights.bin"), "utf8")).toBe("bytes of S3");
    const inputs = await readFile(join(target, "1/a/mlflow-run.jsonl.gz"));
    expect(inputs.length).toBeGreaterThan(100);
  });
});
