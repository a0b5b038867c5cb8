/** Models on their way: linked, without a version, read by runs, of one name in one run; and what an export and a rollback leave. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Task, type ClearML } from "../../../src/clearml/index.js";
import type { MlflowClient } from "../../../src/migrate/index.js";
import {
  exportMigration,
  openMlflowSource,
  planMigration,
  rollbackMigration,
  runMigration,
  verifyMigration,
} from "../../../src/migrate/index.js";
import { history, holding, type MlflowStandIn } from "../../support/mlflow-stand-in.js";
import { migrationBench, type MigrationBench } from "../../support/migration-bench.js";

const MLMODEL = "artifact_path: net\nflavors:\n  python_function:\n    loader_module: mlflow.pytorch\n  pytorch:\n    model_data: data\n";
let bench: MigrationBench;
let standIn: MlflowStandIn;
let clearml: ClearML;
let mlflow: MlflowClient;
let folder: string;

beforeEach(async () => {
  bench = await migrationBench();
  ({ standIn, clearml, mlflow, folder } = bench);
  standIn.answers = holding(["a", "b"], { [history("a")]: "{}", [history("b")]: "{}" });
});
afterEach(() => bench[Symbol.asyncDispose]());

/** Two logged models of run `a` that share a name; run `b` has read the first; a registered model without a version. */
function withModels(): void {
  const logged = (id: string): object => ({
    info: { model_id: id, experiment_id: "1", name: "net", artifact_uri: `mlflow-artifacts:/1/models/${id}/artifacts`, source_run_id: "a" },
  });
  const reader = JSON.parse(standIn.answers["runs/get?run_id=b"] ?? "") as { run: Record<string, unknown> };
  reader.run["inputs"] = { model_inputs: [{ model_id: "m-1" }] };
  const registered = { name: "empty one", description: "To come.", tags: [{ key: "sha256", value: "a tag" }] };
  Object.assign(standIn.answers, {
    "runs/get?run_id=b": JSON.stringify(reader),
    "logged-models/search": JSON.stringify({ models: [logged("m-1"), logged("m-2")] }),
    "registered-models/search?max_results=100": JSON.stringify({ registered_models: [{ name: "empty one" }] }),
    "registered-models/get?name=empty%20one": JSON.stringify({ registered_model: registered }),
    "model-versions/search?filter=name%20%3D%20%27empty%20one%27&max_results=1000": "{}",
  });
  for (const id of ["m-1", "m-2"]) {
    const files = [
      { path: "MLmodel", is_dir: false, file_size: MLMODEL.length },
      { path: "w.pt", is_dir: false, file_size: 2 },
    ];
    standIn.answers[`logged-models/${id}/artifacts/directories`] = JSON.stringify({ files });
    standIn.answers[`/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files?artifact_file_path=MLmodel`] = MLMODEL;
    standIn.answers[`/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files?artifact_file_path=w.pt`] = id.slice(1);
  }
}

const allModels = async () => (await clearml.models.getPage({ tags: ["mlflow"], search_hidden: true })).models;
const taskOf = async (name: string) => {
  const { tasks } = await clearml.tasks.getPage({ name, search_hidden: true });
  return (await clearml.tasks.getById({ task: tasks[0]?.id ?? "" })).task;
};

describe("a migration", () => {
  it("names framework and design of models, lists them by names of their own, and the one that a run has read", async () => {
    withModels();
    expect((await runMigration({ mlflow, clearml })).models).toMatchObject({ migrated: 3, withoutFiles: 0, failures: [] });
    const models = await allModels();
    const nets = models.filter(({ name }) => name === "net");
    expect(nets.map(({ framework, design }) => [framework, design])).toEqual([
      ["PyTorch", { design: MLMODEL }],
      ["PyTorch", { design: MLMODEL }],
    ]);
    const output = (await taskOf("run a")).models?.output?.map(({ name, model }) => [name, model]) ?? [];
    expect(output.map(([name]) => name).sort()).toEqual(["net", "net (m-2)"]);
    const first = output.find(([name]) => name === "net")?.[1];
    expect((await taskOf("run b")).models?.input).toMatchObject([{ name: "net", model: first }]);
    expect(await verifyMigration({ mlflow, clearml })).toMatchObject({ ok: true, differences: [], compared: { models: 3, files: 4 } });
  });

  it.each([
    ["framework", (id: string) => clearml.models.edit({ model: id, framework: "Keras" }), /: framework$/],
    ["design", (id: string) => clearml.models.edit({ model: id, design: { design: "other" } }), /MLmodel as its design/],
    ["description", (id: string) => clearml.models.edit({ model: id, comment: "other" }), /: description$/],
    [
      "copy of MLflow's answer",
      (id: string) => clearml.models.addOrUpdateMetadata({ model: id, metadata: [{ key: "mlflow_document", type: "str", value: "{}" }] }),
      /mlflow_document/,
    ],
    [
      "list of facts",
      (id: string) => clearml.models.addOrUpdateMetadata({ model: id, metadata: [{ key: "another", type: "str", value: "x" }] }),
      /metadata another/,
    ],
  ])("sees that a model's %s was changed in ClearML", async (_what, spoil, words) => {
    withModels();
    await runMigration({ mlflow, clearml });
    const [net] = (await allModels()).filter(({ name }) => name === "net");
    await spoil(net?.id ?? "");
    const { ok, differences } = await verifyMigration({ mlflow, clearml });
    expect([ok, differences.length]).toEqual([false, 1]);
    expect(differences[0]?.what).toMatch(words);
  });

  it("sees that a task no longer lists the model that its run has read", async () => {
    withModels();
    await runMigration({ mlflow, clearml });
    const reader = await taskOf("run b");
    await clearml.tasks.edit({ task: reader.id, force: true, models: { input: [], output: [] } });
    const proof = await verifyMigration({ mlflow, clearml });
    expect(proof.differences.map(({ what }) => what)).toEqual(["input model m-1, listed by its task"]);
    await runMigration({ mlflow, clearml });
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(true);
  });

  it("links files of models with their addresses, counts them as linked, and copies them when it is told to", async () => {
    withModels();
    const plan = await planMigration({ mlflow, clearml, artifacts: "link" });
    expect(plan.lossy.find(({ what }) => what === "linked-model")?.count).toBe(2);
    expect(plan.models).toMatchObject({ logged: 2, versions: 0, registered: 1, files: 4, withoutFiles: 0 });
    expect((await runMigration({ mlflow, clearml, artifacts: "link" })).models).toMatchObject({ migrated: 3, failures: [] });
    const [net] = (await allModels()).filter(({ name }) => name === "net");
    expect(net?.system_tags).not.toContain("package");
    const listed = JSON.parse(net?.metadata?.["mlflow_files"]?.value ?? "[]") as { path: string; uri: string }[];
    expect(listed.map(({ path }) => path)).toEqual(["MLmodel", "w.pt"]);
    expect(await (await fetch(listed[1]?.uri ?? "")).text()).toMatch(/^-\d$/);
    const proof = await verifyMigration({ mlflow, clearml });
    expect([proof.ok, proof.differences, proof.compared.linkedFiles]).toEqual([false, [], 4]);
    expect((await verifyMigration({ mlflow, clearml, acceptLinks: true })).ok).toBe(true);
    await runMigration({ mlflow, clearml });
    expect(await verifyMigration({ mlflow, clearml })).toMatchObject({ ok: true, compared: { linkedFiles: 0, files: 4 } });
    expect((await runMigration({ mlflow, clearml, artifacts: "link" })).models).toMatchObject({ migrated: 0, unchanged: 3 });
  });

  it("writes no file of a model outside its own folder, whatever a server calls it", async () => {
    withModels();
    const escaped = `${basename(folder)}-escaped`;
    const path = `../../${escaped}`;
    standIn.answers["logged-models/m-1/artifacts/directories"] = JSON.stringify({ files: [{ path, is_dir: false, file_size: 2 }] });
    standIn.answers[`/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=${encodeURIComponent(path)}`] = "no";
    const { models } = await runMigration({ mlflow, clearml });
    expect(models).toMatchObject({ migrated: 2, failures: [{ model: "logged model m-1" }] });
    expect(models.failures[0]?.reason).toMatch(/"\.\.\/\.\.\/.*-escaped".*leads out of its folder/);
    expect(await readdir(tmpdir())).not.toContain(escaped);
  });

  it("moves models that belong to no run though deleted experiments are left out", async () => {
    withModels();
    const experiments = [
      { experiment_id: "1", name: "vision", lifecycle_stage: "active" },
      { experiment_id: "2", name: "old", lifecycle_stage: "deleted" },
    ];
    standIn.answers["experiments/search"] = JSON.stringify({ experiments });
    const report = await runMigration({ mlflow, clearml, skipDeleted: true });
    expect(report).toMatchObject({ skipped: { experiments: 1 }, models: { migrated: 3, failures: [] } });
    expect(await verifyMigration({ mlflow, clearml, skipDeleted: true })).toMatchObject({ ok: true, compared: { models: 3 } });
  });

  it("moves a registered model without a version, and gives its place up once there is one", async () => {
    withModels();
    await runMigration({ mlflow, clearml });
    const stand = (await allModels()).filter(({ name }) => name === "empty one");
    expect(stand).toMatchObject([{ comment: "To come.", tags: ["mlflow", "registered-model"] }]);
    const version = { name: "empty one", version: "1", current_stage: "None", source: "models:/m-1", run_id: "a", model_id: "m-1" };
    Object.assign(standIn.answers, {
      "model-versions/search?filter=name%20%3D%20%27empty%20one%27&max_results=1000": JSON.stringify({ model_versions: [version] }),
      "model-versions/get-download-uri?name=empty%20one&version=1": JSON.stringify({ artifact_uri: "models:/m-1" }),
    });
    await runMigration({ mlflow, clearml });
    const after = (await allModels()).filter(({ name }) => name === "empty one");
    expect(after.map(({ tags, framework }) => [tags?.includes("v1"), framework])).toEqual([[true, "PyTorch"]]);
    expect((await verifyMigration({ mlflow, clearml })).differences).toEqual([]);
  });
});

describe("an address with user and password", () => {
  const SECRET = "s3cret";
  const repository = `https://ada:${SECRET}@host.example/team/repo.git`;

  function withPasswords(): void {
    withModels();
    const run = JSON.parse(standIn.answers["runs/get?run_id=a"] ?? "") as { run: { info: object; data: object } };
    Object.assign(run.run.data, {
      params: [{ key: "data", value: `postgresql://ada:${SECRET}@db/x` }],
      tags: [
        { key: "mlflow.source.git.repoURL", value: repository },
        { key: "mlflow.source.name", value: repository },
        { key: "mlflow.note.content", value: `From ${repository}.` },
      ],
    });
    standIn.answers["runs/get?run_id=a"] = JSON.stringify(run);
    standIn.answers["registered-models/get?name=empty%20one"] = JSON.stringify({
      registered_model: { name: "empty one", description: `See ${repository}`, tags: [{ key: "from", value: repository }] },
    });
    const experiment = { experiment_id: "1", name: "vision", lifecycle_stage: "active", tags: [{ key: "from", value: repository }] };
    standIn.answers["experiments/search"] = JSON.stringify({ experiments: [experiment] });
  }

  it("loses them wherever ClearML shows it; the proof knows, the plan says so, and the copy of the run gives them back", async () => {
    withPasswords();
    expect((await planMigration({ mlflow, clearml })).lossy.find(({ what }) => what === "credentials")).toMatchObject({ count: 1 });
    await runMigration({ mlflow, clearml });
    const task = await taskOf("run a");
    const { projects } = await clearml.projects.getPage({ search_hidden: true });
    expect(JSON.stringify([task, await allModels(), projects])).not.toContain(SECRET);
    expect(task.script).toMatchObject({
      repository: "https://host.example/team/repo.git",
      entry_point: "https://host.example/team/repo.git",
    });
    expect(task.comment).toBe("From https://host.example/team/repo.git.");
    expect(task.hyperparams?.["General"]?.["data"]?.value).toBe("postgresql://db/x");
    expect(await verifyMigration({ mlflow, clearml })).toMatchObject({ ok: true, differences: [] });
    const target = join(folder, "mlruns");
    await exportMigration({ clearml, folder: target });
    expect(await readFile(join(target, "1/a/tags/mlflow.source.git.repoURL"), "utf8")).toBe(repository);
  });

  it("in a task that an earlier release has moved is found by the proof, and taken out by the next run", async () => {
    withPasswords();
    await runMigration({ mlflow, clearml });
    const { id, runtime } = await taskOf("run a");
    const marker = String(runtime?.["trainer_sdk_mlflow"]);
    expect(marker).toMatch(/^2:/);
    await clearml.tasks.started({ task: id, force: true });
    await clearml.tasks.editRuntime({ task: id, force: true, add_or_update: { trainer_sdk_mlflow: marker.replace("2:", "1:") } });
    const hyperparams = [{ section: "properties", name: "mlflow.source.git.repoURL", value: repository }];
    await clearml.tasks.editHyperParams({ task: id, force: true, hyperparams });
    await clearml.tasks.completed({ task: id, force: true });
    const before = await verifyMigration({ mlflow, clearml });
    expect(before.differences.map(({ what }) => what)).toEqual(["property mlflow.source.git.repoURL"]);
    expect(await runMigration({ mlflow, clearml })).toMatchObject({ migrated: 1, unchanged: 1 });
    expect(JSON.stringify(await taskOf("run a"))).not.toContain(SECRET);
    expect((await verifyMigration({ mlflow, clearml })).ok).toBe(true);
  });
});

describe("models of an export", () => {
  it("come with an experiment of which no run was moved, and once more only where they have changed", async () => {
    withModels();
    standIn.answers["runs/search"] = JSON.stringify({ runs: [] });
    standIn.answers["experiments/search"] = JSON.stringify({
      experiments: [
        { experiment_id: "1", name: "vision", lifecycle_stage: "active", creation_time: 5, tags: [{ key: "team", value: "blue" }] },
      ],
    });
    await runMigration({ mlflow, clearml, sourceId: "here" });
    expect(await verifyMigration({ mlflow, clearml, sourceId: "here" })).toMatchObject({ differences: [], compared: { models: 3 } });
    const target = join(folder, "mlruns");
    const report = await exportMigration({ clearml, folder: target, sourceId: "here" });
    // Without a run there is nothing to call whole.
    expect(report).toMatchObject({ ok: false, models: { registered: 1, versions: 0, logged: 2, files: 4, failures: [] } });
    await using source = await openMlflowSource({ trackingUri: target }, {});
    const call = { signal: new AbortController().signal };
    expect(await collected(source.experiments(call))).toMatchObject([{ creation_time: 5, tags: [{ key: "team", value: "blue" }] }]);
    const [logged] = await collected(source.loggedModels("1", call));
    expect(logged?.info).toMatchObject({ model_id: "m-1", name: "net", source_run_id: "a" });
    expect((await collected(source.artifacts({ modelId: "m-1" }, call))).map(({ path }) => path)).toEqual(["MLmodel", "w.pt"]);
    expect(await source.registeredModel("empty one", call)).toMatchObject({ description: "To come." });
    const again = await exportMigration({ clearml, folder: target, sourceId: "here" });
    expect(again.models).toMatchObject({ logged: 2, unchanged: 2 });
  });

  it("that an earlier release has moved, or somebody has changed, are named with what to do", async () => {
    withModels();
    await runMigration({ mlflow, clearml });
    const ofKey = async (key: string) => (await allModels()).find(({ system_tags }) => system_tags?.some((tag) => tag.endsWith(key)));
    const [first, second] = [await ofKey("logged:m-1"), await ofKey("logged:m-2")];
    await clearml.models.deleteMetadata({ model: first?.id ?? "", keys: ["mlflow_document"] });
    await clearml.models.addOrUpdateMetadata({ model: second?.id ?? "", metadata: [{ key: "mlflow_document", type: "str", value: "{" }] });
    const { ok, models } = await exportMigration({ clearml, folder: join(folder, "mlruns") });
    expect([ok, models.logged, models.registered]).toEqual([false, 0, 1]);
    const reasons = models.failures.map(({ model, reason }) => `${model} ${reason}`).sort();
    expect(reasons).toEqual([
      expect.stringMatching(/^logged:m-1 .*keeps no answers of MLflow.*migrate mlflow run` adds/) as string,
      expect.stringMatching(/^logged:m-2 .*has metadata that somebody has changed.*run --redo/) as string,
    ]);
  });
});

async function collected<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

describe("an export that was cut off", () => {
  it("goes on in its folder, leaves alone what is there, and writes anew what is another by now", async () => {
    const file = '{"files":[{"path":"x.bin","is_dir":false,"file_size":3}]}';
    for (const id of ["a", "b"]) {
      standIn.answers[`artifacts/list?run_id=${id}`] = file;
      standIn.answers[`/get-artifact?run_uuid=${id}&path=x.bin`] = "abc";
    }
    await runMigration({ mlflow, clearml });
    const target = join(folder, "mlruns");
    const stop = new AbortController();
    const cut = await exportMigration({
      ...{ clearml, folder: target, concurrency: 1, signal: stop.signal },
      onProgress: () => {
        stop.abort();
      },
    });
    expect(cut).toMatchObject({ ok: false, interrupted: true, runs: 1 });
    await writeFile(join(target, ".part-left"), "half");
    const done = await exportMigration({ clearml, folder: target });
    expect(done).toMatchObject({ ok: true, runs: 2, unchanged: 1, files: 2, failures: [] });
    expect((await readdir(target)).sort()).toEqual([".trainer-sdk-export", "1"]);
    standIn.answers["/get-artifact?run_uuid=a&path=x.bin"] = "abd";
    await runMigration({ mlflow, clearml, redo: true });
    expect(await exportMigration({ clearml, folder: target })).toMatchObject({ ok: true, runs: 2, files: 2 });
    expect(await readFile(join(target, "1/a/artifacts/x.bin"), "utf8")).toBe("abd");
    await rm(join(target, "1/b"), { recursive: true });
    await exportMigration({ clearml, folder: target });
    expect(await readFile(join(target, "1/b/artifacts/x.bin"), "utf8")).toBe("abc");
  });
});

describe("a rollback", () => {
  it("is not called done while files of the migration stay on stores that nothing is deleted from", async () => {
    await runMigration({ mlflow, clearml });
    const task = await Task.get(clearml, { id: (await taskOf("run a")).id });
    await task.uploadArtifact("moved to S3", { uri: "s3://bucket/moved.bin" }, { force: true });
    const trial = await rollbackMigration({ clearml });
    expect(trial).toMatchObject({ ok: false, isDryRun: true, tasks: 2, leftFiles: ["s3://bucket/moved.bin"], links: [] });
    expect(await rollbackMigration({ clearml, acceptLeftovers: true })).toMatchObject({ ok: true });
    const done = await rollbackMigration({ clearml, confirmed: true });
    expect(done).toMatchObject({ ok: false, tasks: 2, leftFiles: ["s3://bucket/moved.bin"], failures: [] });
  });

  it("takes links for MLflow's own, and is done without them", async () => {
    withModels();
    standIn.answers["artifacts/list?run_id=a"] = '{"files":[{"path":"x.bin","is_dir":false,"file_size":3}]}';
    await runMigration({ mlflow, clearml, artifacts: "link" });
    const done = await rollbackMigration({ clearml, confirmed: true });
    expect(done).toMatchObject({ ok: true, tasks: 2, models: 3, leftFiles: [] });
    expect(done.links).toContain(`${standIn.url}/get-artifact?run_uuid=a&path=x.bin`);
  });

  it("leaves a model that was published since, with its files, and says so", async () => {
    withModels();
    await runMigration({ mlflow, clearml });
    const [net] = (await allModels()).filter(({ name }) => name === "net");
    await clearml.models.setReady({ model: net?.id ?? "" });
    const done = await rollbackMigration({ clearml, confirmed: true });
    // ClearML publishes its task with it.
    expect(done).toMatchObject({ ok: false, tasks: 1, models: 2, failures: [] });
    expect(done.kept.map(({ why }) => why).slice(0, 2)).toEqual(["it was published", "it was published"]);
    expect((await allModels()).map(({ id }) => id)).toEqual([net?.id]);
    await clearml.objects.fetch(net?.uri ?? "", join(folder, "weights"));
  });
});
