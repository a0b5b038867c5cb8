/**
 * What a migration does when MLflow answers oddly. The server here is a stand-in that answers what a test prepared; that a
 * real one is understood is shown by `npm run test:interop -- mlflow`.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Task, type ClearML } from "../../../src/clearml/index.js";
import { exportMigration, MlflowClient, rollbackMigration, runMigration, verifyMigration } from "../../../src/migrate/index.js";
import { history, holding, page, point, T, type Answers, type MlflowStandIn } from "../../support/mlflow-stand-in.js";
import { migrationBench, type MigrationBench } from "../../support/migration-bench.js";

let bench: MigrationBench;
let standIn: MlflowStandIn;
let clearml: ClearML;
let mlflow: MlflowClient;
let folder: string;

beforeEach(async () => {
  bench = await migrationBench();
  ({ standIn, clearml, mlflow, folder } = bench);
});
afterEach(() => bench[Symbol.asyncDispose]());

/** A registered model with two versions of run `a`, whose files are the run's; the second is of a run that is gone. */
function withModels(): Answers {
  const registered = {
    name: "cat finder",
    description: "finds cats",
    tags: [{ key: "team", value: "blue" }],
    aliases: [{ alias: "champion", version: "1" }],
  };
  const first = {
    name: "cat finder",
    version: "1",
    current_stage: "Production",
    description: "good",
    source: "s3://b/a/model",
    run_id: "a",
    tags: [{ key: "day", value: "2024-01-31" }],
  };
  const second = { name: "cat finder", version: "7", current_stage: "None", source: "s3://b/gone/model", run_id: "gone" };
  const run = JSON.parse(standIn.answers["runs/get?run_id=a"] ?? "") as { run: { info: Record<string, unknown> } };
  run.run.info["artifact_uri"] = "s3://b/a";
  return {
    "runs/get?run_id=a": JSON.stringify(run),
    "runs/get?run_id=gone": JSON.stringify(run),
    "registered-models/search?max_results=100": JSON.stringify({ registered_models: [{ name: "cat finder" }] }),
    "registered-models/get?name=cat%20finder": JSON.stringify({ registered_model: registered }),
    "model-versions/search?filter=name%20%3D%20%27cat%20finder%27&max_results=1000": JSON.stringify({ model_versions: [first, second] }),
    "model-versions/get-download-uri?name=cat%20finder&version=1": JSON.stringify({ artifact_uri: first.source }),
    "model-versions/get-download-uri?name=cat%20finder&version=7": JSON.stringify({ artifact_uri: second.source }),
    "model-versions/get?name=cat%20finder&version=1": JSON.stringify({ model_version: first }),
    "model-versions/get?name=cat%20finder&version=7": JSON.stringify({ model_version: second }),
    "artifacts/list?run_id=a&path=model":
      '{"files":[{"path":"model/MLmodel","is_dir":false,"file_size":3},{"path":"model/data","is_dir":true}]}',
    "artifacts/list?run_id=a&path=model%2Fdata": '{"files":[{"path":"model/data/weights.bin","is_dir":false,"file_size":5}]}',
    "/get-artifact?run_uuid=a&path=model%2FMLmodel": "abc",
    "/get-artifact?run_uuid=a&path=model%2Fdata%2Fweights.bin": "01234",
  };
}

async function shown(): Promise<unknown[]> {
  const [task] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
  const points: unknown[] = [];
  for await (const { iter, timestamp, value } of clearml.events.iterateEvents({ task: task?.id ?? "", type: "training_stats_scalar" }))
    points.push([iter, timestamp, value]);
  return points;
}

describe("a migration", () => {
  it("shows the latest point of a step though pages come in no order, and keeps what no chart can hold", async () => {
    standIn.answers = holding(["a"], {
      [history("a")]: page(`${point("2", T + 20, "5")},${point('"NaN"', T + 30, "6")}`, "next"),
      [history("a", "&page_token=next")]: page(`${point("1", T + 10, "5")},${point("3", T, "9007199254740993")}`),
    });
    const report = await runMigration({ mlflow, clearml });
    expect(report).toMatchObject({ migrated: 1, points: 4, notChartable: 2, failures: [] });
    expect(await shown()).toEqual([[5, T + 20, 2]]);
    const proof = await verifyMigration({ mlflow, clearml });
    expect(proof.differences).toEqual([]);
    expect(proof.ok).toBe(true);
    expect(proof.compared).toMatchObject({ runs: 1, points: 4, events: 1, collapsed: 1, notChartable: 2 });
  });

  it("takes a whole history at once from a server that knows no pages", async () => {
    standIn.answers = holding(["a"], {
      [history("a")]: page([0, 1, 2, 3, 4].map((step) => point("0.5", T + step, String(step))).join(",")),
    });
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 1, points: 5 });
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(true);
  });

  it("names the run whose file is gone, moves the others, and takes the run up once the file is back", async () => {
    standIn.answers = holding(["a", "b"], { [history("a")]: "{}", [history("b")]: "{}" });
    standIn.answers["artifacts/list?run_id=a"] = '{"files":[{"path":"weights.bin","is_dir":false,"file_size":3}]}';
    const ledger = join(folder, "ledger.jsonl");
    const first = await runMigration({ mlflow, clearml, ledger });
    expect(first).toMatchObject({ migrated: 1, failures: [{ runId: "a", experiment: "vision" }] });
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(false);
    standIn.answers["/get-artifact?run_uuid=a&path=weights.bin"] = "abc";
    expect(await runMigration({ mlflow, clearml, ledger })).toMatchObject({ migrated: 1, unchanged: 1, failures: [] });
    expect((await verifyMigration({ mlflow, clearml })).differences).toEqual([]);
    const lines = (await readFile(ledger, "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { kind: string; runId?: string }).runId ?? "project")).toEqual(["project", "b", "a"]);
    expect((await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks).toHaveLength(2);
  });

  it("links files where they lie, says so, and copies them later when it is told to", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    standIn.answers["artifacts/list?run_id=a"] = '{"files":[{"path":"weights.bin","is_dir":false,"file_size":3}]}';
    // Nothing standIn.answers for the file's bytes: a link must not need them.
    expect(await runMigration({ mlflow, clearml, artifacts: "link" })).toMatchObject({ migrated: 1, files: 1, failures: [] });
    const [task] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
    const uris = async (): Promise<(string | null | undefined)[]> =>
      (await clearml.tasks.getById({ task: task?.id ?? "" })).task.execution?.artifacts?.map(({ uri }) => uri) ?? [];
    expect(await uris()).toContain(`${mlflow.address}/get-artifact?run_uuid=a&path=weights.bin`);
    const proof = await verifyMigration({ mlflow, clearml });
    expect([proof.ok, proof.differences, proof.compared.linkedFiles]).toEqual([false, [], 1]);
    expect((await verifyMigration({ mlflow, clearml, acceptLinks: true })).ok).toBe(true);
    expect(await runMigration({ mlflow, clearml, artifacts: "link" })).toMatchObject({ migrated: 0, unchanged: 1 });

    standIn.answers["/get-artifact?run_uuid=a&path=weights.bin"] = "abc";
    expect(await runMigration({ mlflow, clearml, artifacts: "copy" })).toMatchObject({ migrated: 1, failures: [] });
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(true);
    // Copies are not given up for links.
    expect(await runMigration({ mlflow, clearml, artifacts: "link" })).toMatchObject({ migrated: 0, unchanged: 1 });
  });

  it("moves a run again when MLflow says something new of it", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    await runMigration({ mlflow, clearml });
    const run = JSON.parse(standIn.answers["runs/get?run_id=a"] ?? "") as {
      run: { info: Record<string, unknown>; data: Record<string, unknown> };
    };
    run.run.info["status"] = "FAILED";
    run.run.data["params"] = [{ key: "lr", value: "0.1" }];
    standIn.answers["runs/get?run_id=a"] = JSON.stringify(run);
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(false);
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 1, unchanged: 0 });
    expect((await verifyMigration({ mlflow, clearml })).differences).toEqual([]);
    const [task] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
    expect(task?.status).toBe("failed");
  });

  it("makes a model of each version, with its files, tags and task, and one without a task where the run is gone", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    Object.assign(standIn.answers, withModels());
    const ledger = join(folder, "ledger.jsonl");
    const report = await runMigration({ mlflow, clearml, ledger });
    expect(report.models).toEqual({ migrated: 2, unchanged: 0, withoutFiles: 1, failures: [] });
    const models = (await clearml.models.getPage({ search_hidden: true })).models;
    const of = (tag: string) => models.find((model) => model.tags?.includes(tag));
    const [task] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
    expect(of("v1")).toMatchObject({ name: "cat finder", task: task?.id, project: task?.project, comment: "good\n\nfinds cats" });
    expect(of("v1")?.tags).toEqual(expect.arrayContaining(["alias:champion", "stage:Production"]));
    expect(of("v7")).toMatchObject({ uri: "s3://b/gone/model" });
    expect(of("v7")?.task ?? undefined).toBeUndefined();
    const proof = await verifyMigration({ mlflow, clearml });
    expect(proof.differences).toEqual([]);
    expect(proof.compared).toMatchObject({ models: 2, files: 2 });
    expect((await runMigration({ mlflow, clearml, ledger })).models).toMatchObject({ migrated: 0, unchanged: 2 });
    expect((await clearml.models.getPage({ search_hidden: true })).models).toHaveLength(2);

    const { id: theirs } = await clearml.models.create({ name: "theirs", uri: "s3://b/theirs", tags: ["v1"] });
    const undone = await rollbackMigration({ clearml, confirmed: true });
    // The version without files of its own names a place that was never ClearML's.
    expect(undone).toMatchObject({ ok: true, tasks: 1, models: 2, projects: 1, leftFiles: [], links: ["s3://b/gone/model"], failures: [] });
    expect((await clearml.models.getPage({ search_hidden: true })).models.map(({ id }) => id)).toEqual([theirs]);
  });

  it.each([
    ["a tag", (model: string) => clearml.models.updateTags({ ids: [model], remove_tags: ["alias:champion"] }), /: tags$/],
    ["its task", (model: string) => clearml.models.edit({ model, task: "" }), /: task$/],
    ["its weights", (model: string) => clearml.models.edit({ model, uri: "s3://b/other" }), /version 1/],
  ])("notices that %s of a model was changed, and repairs it when it is told to", async (_what, spoil, words) => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    Object.assign(standIn.answers, withModels());
    await runMigration({ mlflow, clearml });
    const [model] = (await clearml.models.getPage({ tags: ["v1"], search_hidden: true })).models;
    await spoil(model?.id ?? "");
    const proof = await verifyMigration({ mlflow, clearml });
    expect(proof.ok).toBe(false);
    expect(proof.differences[0]?.what).toMatch(words);
    await runMigration({ mlflow, clearml, redo: true });
    expect((await verifyMigration({ mlflow, clearml })).differences).toEqual([]);
  });

  it("takes a moved alias along when it runs again", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    Object.assign(standIn.answers, withModels());
    await runMigration({ mlflow, clearml });
    const name = "registered-models/get?name=cat%20finder";
    standIn.answers[name] = standIn.answers[name]?.replace('"version":"1"', '"version":"7"') ?? "";
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(false);
    expect((await runMigration({ mlflow, clearml })).models).toMatchObject({ migrated: 2 });
    expect((await verifyMigration({ mlflow, clearml })).differences).toEqual([]);
  });
});

describe("an export", () => {
  const files = (...paths: string[]): string => JSON.stringify({ files: paths.map((path) => ({ path, is_dir: false, file_size: 3 })) });

  it("writes what ClearML has kept, without MLflow, and no file outside its folder", async () => {
    standIn.answers = holding(["a", "b"], {
      [history("a")]: page(`${point('"NaN"', T, "0")},${point("-0.0", T + 1, "9007199254740993")}`),
      [history("b")]: "{}",
    });
    standIn.answers["artifacts/list?run_id=a"] = files("x.bin", "../escape");
    standIn.answers["/get-artifact?run_uuid=a&path=x.bin"] = "abc";
    standIn.answers["/get-artifact?run_uuid=a&path=..%2Fescape"] = "abc";
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 2, failures: [] });
    standIn.answers = {};
    const target = join(folder, "mlruns");
    const report = await exportMigration({ clearml, folder: target });
    expect(report).toMatchObject({
      ok: false,
      runs: 2,
      points: 2,
      files: 1,
      failures: [],
      notFiled: [{ runId: "a", what: "file ../escape" }],
    });
    expect(await readFile(join(target, "1/a/metrics/loss"), "utf8")).toBe(`${String(T)} nan 0\n${String(T + 1)} -0 9007199254740993\n`);
    expect(await readFile(join(target, "1/a/artifacts/x.bin"), "utf8")).toBe("abc");
    expect((await readdir(join(target, "1/a"))).includes("escape")).toBe(false);
    expect((await readdir(target)).sort()).toEqual([".trainer-sdk-export", "1"]);
    await expect(exportMigration({ clearml, folder: join(target, "1") })).rejects.toThrow(/holds something/);
  });

  it("names a run whose file was changed in ClearML since", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    standIn.answers["artifacts/list?run_id=a"] = files("x.bin");
    standIn.answers["/get-artifact?run_uuid=a&path=x.bin"] = "abc";
    await runMigration({ mlflow, clearml });
    const [found] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
    const task = await Task.get(clearml, { id: found?.id ?? "" });
    await writeFile(join(folder, "x.bin"), "abd");
    await task.uploadArtifact("x.bin", { path: join(folder, "x.bin") }, { force: true });
    const report = await exportMigration({ clearml, folder: join(folder, "mlruns") });
    expect(report).toMatchObject({ ok: false, runs: 0, failures: [{ runId: "a" }] });
    expect(report.failures[0]?.reason).toMatch(/another than the one that was moved/);
  });
});

describe("a rollback", () => {
  const projects = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of clearml.projects.getAll({ search_hidden: true })) names.push(name ?? "");
    return names.sort();
  };
  const tasks = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of clearml.tasks.getAll({ search_hidden: true })) names.push(name ?? "");
    return names.sort();
  };

  it("removes what the migration made, and nothing of others in the same projects", async () => {
    standIn.answers = holding(["a", "b"], { [history("a")]: page(point("1", T, "0")), [history("b")]: "{}" });
    standIn.answers["artifacts/list?run_id=a"] = '{"files":[{"path":"x.bin","is_dir":false,"file_size":3}]}';
    standIn.answers["/get-artifact?run_uuid=a&path=x.bin"] = "abc";
    await clearml.projects.create({ name: "moved" });
    await runMigration({ mlflow, clearml, into: "moved/from mlflow" });
    const other = new MlflowClient({ trackingUri: mlflow.address }, {});
    await runMigration({ mlflow: other, clearml, into: "elsewhere", sourceId: "other" });
    await other.close();
    const project = await clearml.projects.find("moved/from mlflow/vision");
    // Somebody's own, in the project of the migration and by its tag.
    await clearml.tasks.create({ name: "theirs", type: "training", project: project?.id, tags: ["mlflow"] });
    const [before, found] = [await tasks(), await projects()];
    await expect(rollbackMigration({ clearml })).rejects.toThrow(/several sources/);
    const sourceId = mlflow.defaultSourceId;

    const trial = await rollbackMigration({ clearml, sourceId });
    expect(trial).toMatchObject({ ok: true, isDryRun: true, tasks: 2, projects: 0, failures: [] });
    expect([await tasks(), await projects()]).toEqual([before, found]);

    const [file] = await artifactUris();
    const done = await rollbackMigration({ clearml, sourceId, confirmed: true });
    expect(done).toMatchObject({ ok: true, isDryRun: false, tasks: 2, projects: 0, leftFiles: [], failures: [] });
    expect(await tasks()).toEqual(["run a", "run b", "theirs"]);
    expect(await projects()).toEqual(found);
    await expect(clearml.objects.fetch(file ?? "", join(folder, "gone"), {})).rejects.toThrow();

    expect(await rollbackMigration({ clearml, sourceId: "other" })).toMatchObject({ tasks: 2, projects: 2 });
    expect(await rollbackMigration({ clearml, sourceId: "other", confirmed: true })).toMatchObject({ ok: true, tasks: 2, projects: 2 });
    expect(await tasks()).toEqual(["theirs"]);
    expect(await projects()).toEqual(["moved", "moved/from mlflow", "moved/from mlflow/vision"]);
  });

  it("leaves a task alone that was published, and names its run once that has changed", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    await runMigration({ mlflow, clearml });
    const [found] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
    await clearml.tasks.publish({ task: found?.id ?? "" });
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 0, unchanged: 1, failures: [] });
    const run = JSON.parse(standIn.answers["runs/get?run_id=a"] ?? "") as { run: { data: Record<string, unknown> } };
    run.run.data["params"] = [{ key: "lr", value: "0.5" }];
    standIn.answers["runs/get?run_id=a"] = JSON.stringify(run);
    const again = await runMigration({ mlflow, clearml });
    expect(again).toMatchObject({ migrated: 0, unchanged: 0, failures: [{ runId: "a" }] });
    expect(again.failures[0]?.reason).toMatch(/was published and can no longer be written to/);
  });

  it("leaves a task that was published since, and says so", async () => {
    standIn.answers = holding(["a"], { [history("a")]: "{}" });
    await runMigration({ mlflow, clearml });
    const [found] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
    await clearml.tasks.publish({ task: found?.id ?? "" });
    const report = await rollbackMigration({ clearml, confirmed: true });
    expect(report).toMatchObject({ ok: false, tasks: 0, projects: 0, kept: [{ why: "it was published" }, { what: "project vision" }] });
    expect((await rollbackMigration({ clearml, confirmed: true, acceptLeftovers: true })).ok).toBe(true);
    expect(await tasks()).toEqual(["run a"]);
  });

  async function artifactUris(): Promise<string[]> {
    const uris: string[] = [];
    for await (const task of clearml.tasks.getAll({ system_tags: [`trainer-sdk:mlflow:${encodeURIComponent(mlflow.defaultSourceId)}:a`] }))
      uris.push(...(task.execution?.artifacts ?? []).map(({ uri }) => uri ?? ""));
    return uris;
  }
});
