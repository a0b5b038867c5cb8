/** Models against the embedded server over real sockets: weights out and in, lineage, what is refused. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiError, UploadError, ValidationError } from "../../../src/base/errors.js";
import {
  Dataset,
  InputModel,
  Model,
  OutputModel,
  createClearML,
  removeTaskModel,
  taskModels,
  type ClearML,
} from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { S3_ENV, startS3 } from "../../support/s3-server.js";
import { failureOf } from "../../unit/clearml/fake-api.js";

let server: DevServer;
let clearml: ClearML;
let folder: string;
let weights: string;
const content = randomBytes(50_000);
const sha256 = createHash("sha256").update(content).digest("hex");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "clearml-models-"));
  weights = join(folder, "best model.pt");
  await writeFile(weights, content);
  server = await startDevServer();
  clearml = createClearML({}, { ...server.env, ...S3_ENV });
});
afterEach(async () => {
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const row of rows) read.push(row);
  return read;
}

async function aTask(fields: object = {}, name = "run 1"): Promise<string> {
  const { id: project } = await clearml.projects.findOrCreate("Vision/Cats");
  const { id } = await clearml.tasks.create({ name, type: "training", project, ...fields });
  await clearml.tasks.started({ task: id });
  return id;
}

describe("an output model", () => {
  it("is a draft of its task until weights are stored, and then names them", async () => {
    const task = await aTask({ execution: { model_labels: { cat: 0, dog: 1 } } });
    const model = await OutputModel.create(clearml, { name: "detector", task, tags: ["nightly"], metadata: { size: 3, exact: true } });
    expect(model).toMatchObject({ name: "detector", taskId: task, isPublished: false, hasWeights: false, labels: { cat: 0, dog: 1 } });
    expect(model.comment).toBe(`Created by task id: ${task}`);

    const uri = await model.updateWeights({ path: weights, iteration: 7 });
    expect(uri).toBe(`${clearml.session.filesHost ?? ""}/Vision/Cats/run%201.${task}/models/best%20model.pt`);
    expect(model).toMatchObject({ uri, hasWeights: true, framework: "PyTorch" });
    expect(model.getAllMetadataCasted()).toMatchObject({ size: 3, exact: true, sha256, size_bytes: String(content.length) });
    expect((await clearml.tasks.getById({ task })).task.last_iteration).toBe(7);

    const read = await Model.get(clearml, { id: model.id });
    expect((await read.getWeights(join(folder, "back.pt"))).sha256).toBe(sha256);
    expect((await readFile(join(folder, "back.pt"))).equals(content)).toBe(true);
    expect([...(await taskModels(clearml, task)).output.keys()]).toEqual(["detector"]);
    expect(read.webUrl).toBe(`${clearml.session.webHost ?? ""}/projects/${model.projectId ?? ""}/models/${model.id}/general`);
  });

  it("goes where its task's output goes, else its project's", async () => {
    await using s3 = await startS3();
    const host = new URL(s3.server.url).host;
    const task = await aTask({ output_dest: `s3://${host}/models/tasks` });
    const model = await OutputModel.create(clearml, { name: "detector", task });
    expect(model.uri).toBe(`s3://${host}/models/tasks/uploading_file`);
    const uri = await model.updateWeights({ path: weights, targetFileName: "a b.pt" });
    expect(uri).toBe(`s3://${host}/models/tasks/Vision/Cats/run 1.${task}/models/a b.pt`);
    expect(s3.s3.objects().map(({ key }) => key)).toEqual([`tasks/Vision/Cats/run 1.${task}/models/a b.pt`]);
    expect(await readFile(await model.getLocalCopy({ directory: join(folder, "copies") }))).toEqual(content);

    const { id: project } = await clearml.projects.create({ name: "Elsewhere", default_output_destination: `file://${folder}/out` });
    const { id: other } = await clearml.tasks.create({ name: "run 2", type: "training", project });
    const second = await OutputModel.create(clearml, { name: "second", task: other });
    expect(await second.updateWeights({ path: weights })).toBe(`file://${folder}/out/Elsewhere/run 2.${other}/models/best model.pt`);
    // Nothing to fetch: it lies on this machine's disk.
    expect(await second.getLocalCopy()).toBe(`${folder}/out/Elsewhere/run 2.${other}/models/best model.pt`);
  });

  it("is made once for a key, whatever became of the first answer", async () => {
    const task = await aTask();
    server.faults.set("api", { mode: "drop-answer", match: "models.create", times: 1 });
    const [first, second] = [
      await OutputModel.create(clearml, { name: "detector", task, key: "job 1" }),
      await OutputModel.create(clearml, { name: "detector", task, key: "job 1" }),
    ];
    expect(second.id).toBe(first.id);
    expect(await all(Model.query(clearml, { name: "detector" }))).toHaveLength(1);
  });

  it("holds a folder as a zip, which comes back as a folder", async () => {
    const source = join(folder, "saved");
    await mkdir(join(source, "variables"), { recursive: true });
    await writeFile(join(source, "model.json"), "{}");
    await writeFile(join(source, "variables", "data é.bin"), content);
    const model = await OutputModel.create(clearml, { name: "saved model", task: await aTask() });
    expect(await model.updateWeights({ path: source })).toMatch(/\/models\/saved\.zip$/);
    expect(model.isPackage).toBe(true);
    const copy = await model.getLocalCopy({ directory: join(folder, "copies") });
    expect(await readFile(join(copy, "variables", "data é.bin"))).toEqual(content);
    expect(await readFile(join(copy, "model.json"), "utf8")).toBe("{}");
    await writeFile(join(copy, "model.json"), "changed here");
    expect(await model.getLocalCopy({ directory: join(folder, "copies") })).toBe(copy);
    expect(await readFile(join(copy, "model.json"), "utf8")).toBe("{}");
    const single = await model.updateWeights({ path: weights });
    expect(single).toMatch(/best%20model\.pt$/);
    expect(model.isPackage).toBe(false);
  });

  it("takes an address of what is stored already, of any store, and forgets what was recorded of the old weights", async () => {
    const model = await OutputModel.create(clearml, { name: "detector", task: await aTask() });
    await model.updateWeights({ path: weights });
    await model.setMetadata("kept", "yes");
    expect(await model.updateWeights({ registerUri: "gs://bucket/weights.onnx" })).toBe("gs://bucket/weights.onnx");
    expect(Object.keys(model.getAllMetadata())).toEqual(["kept"]);
  });

  it("is left as it is when its weights cannot be stored, and says so when it never had any", async () => {
    const model = await OutputModel.create(clearml, { name: "detector", task: await aTask() });
    expect(await failureOf(model.updateWeights({ path: join(folder, "none.pt") }))).toBeInstanceOf(UploadError);
    expect(model.uri).toBe("file:///failed_uploading");
    expect(await failureOf(model.getWeights(join(folder, "x")))).toBeInstanceOf(ValidationError);
    const uri = await model.updateWeights({ path: weights });
    await failureOf(model.updateWeights({ path: join(folder, "none.pt") }));
    expect((await Model.get(clearml, { id: model.id })).uri).toBe(uri);
  });

  it("is not changed any more once it is published, also by a process that does not know of it", async () => {
    const model = await OutputModel.create(clearml, { name: "detector", task: await aTask(), uri: "s3://b/k" });
    await (await Model.get(clearml, { id: model.id })).publish();
    for (const change of [
      () => model.updateWeights({ path: weights }),
      () => model.updateDesign("x"),
      () => model.updateLabels({ cat: 1 }),
    ]) {
      const error = await failureOf(change());
      expect(error).toBeInstanceOf(ValidationError);
      expect(String(error)).toContain(`parent: "${model.id}"`);
    }
    expect((await Model.get(clearml, { id: model.id })).uri).toBe("s3://b/k");
    await model.publish();
    expect(model.isPublished).toBe(true);
  });

  it("keeps design, labels and metadata, dates and odd names included", async () => {
    const model = await OutputModel.create(clearml, {
      name: "2024-01-31",
      design: { layers: [3, 5] },
      metadata: { trained: "2024-01-31", "a.b$__c": 1.5, list: [1, "x"], deep: { a: { b: 1 } } },
    });
    expect(model.name).toBe("2024-01-31_");
    expect(JSON.parse(model.design)).toEqual({ layers: [3, 5] });
    expect(model.getMetadata("trained")?.trim()).toBe("2024-01-31");
    expect(model.getMetadataCasted("a.b$__c")).toBe(1.5);
    expect(model.getMetadataCasted("list")).toEqual([1, "x"]);
    expect(model.getMetadataCasted("deep")).toEqual({ a: { b: 1 } });
    await model.updateDesign("layers = 3");
    await model.updateLabels({ cat: 1 });
    await model.setAllMetadata({ only: true });
    expect(model).toMatchObject({ design: "layers = 3", labels: { cat: 1 } });
    expect(model.getAllMetadataCasted()).toEqual({ only: true });
    await model.setAllMetadata({ more: 1 }, { replace: false });
    await model.deleteMetadata(["only"]);
    expect(model.getAllMetadataCasted()).toEqual({ more: 1 });
  });

  it.each([
    [{ name: "ab" }, "at least 3 characters"],
    [{ name: "abc", labels: { cat: 1.5 } }, "labels.cat must be a whole number"],
  ])("is refused before anything is sent: %j", async (input, words) => {
    const error = await failureOf(OutputModel.create(clearml, input));
    expect(error).toBeInstanceOf(ValidationError);
    expect(String(error)).toContain(words);
  });
});

describe("weights that were recorded", () => {
  it("are not given out when they are others", async () => {
    const model = await OutputModel.create(clearml, { name: "detector", task: await aTask() });
    const uri = await model.updateWeights({ path: weights });
    const path = clearml.files.pathOf(uri) ?? "";
    await writeFile(join(folder, "other"), randomBytes(content.length));
    await clearml.files.upload(path, join(folder, "other"), { sizeBytes: content.length });
    const fetched = (): number => server.requests.entries({ channel: "files" }).filter(({ method }) => method === "GET").length;
    const before = fetched();
    const error = await failureOf(model.getLocalCopy({ directory: folder }));
    expect(error).toBeInstanceOf(UploadError);
    expect(String(error)).toContain(sha256);
    // What is stored stays what it is: asking again for a minute would help nobody.
    expect(fetched() - before).toBe(1);
    await model.getLocalCopy({ directory: folder, verify: false });
  });

  it("are fetched once", async () => {
    const model = await OutputModel.create(clearml, { name: "detector", task: await aTask() });
    await model.updateWeights({ path: weights });
    const copy = await model.getLocalCopy({ directory: folder });
    const before = await stat(copy);
    expect(await model.getLocalCopy({ directory: folder })).toBe(copy);
    expect((await stat(copy)).ino).toBe(before.ino);
    await writeFile(copy, "damaged");
    await model.getLocalCopy({ directory: folder });
    expect((await readFile(copy)).equals(content)).toBe(true);
  });
});

describe("an input model", () => {
  it("is registered by its address once, on no task's list of output models", async () => {
    const input = { weightsUrl: "https://models.example/resnet50.onnx", name: "resnet", labels: { cat: 1 }, project: "Imported" };
    const model = await InputModel.import(clearml, input);
    expect(model).toMatchObject({ name: "resnet", framework: "ONNX", taskId: undefined, isPublished: false, uri: input.weightsUrl });
    expect((await InputModel.import(clearml, { ...input, name: "other" })).id).toBe(model.id);
    await model.archive();
    expect((await InputModel.import(clearml, input)).id).not.toBe(model.id);
    expect(await failureOf(InputModel.import(clearml, { weightsUrl: "resnet50.onnx" }))).toBeInstanceOf(ValidationError);
  });

  it("gives its labels and design to a task that has none, and becomes the parent of what the task makes of it", async () => {
    const base = await InputModel.import(clearml, {
      weightsUrl: "s3://b/base.pt",
      labels: { cat: 1 },
      design: "layers = 3",
      publish: true,
    });
    const task = await aTask();
    await base.connect(task, { name: "detector" });
    const { task: document } = await clearml.tasks.getById({ task });
    expect(document.execution?.model_labels).toEqual({ cat: 1 });
    expect(document.configuration?.["General"]?.value).toBe("layers = 3");
    const made = await OutputModel.create(clearml, { name: "detector", task });
    expect(made.parentId).toBe(base.id);
    const models = await taskModels(clearml, task);
    expect([models.input.get("detector")?.id, models.output.get("detector")?.id]).toEqual([base.id, made.id]);
    await removeTaskModel(clearml, task, { type: "input", name: "detector" });
    expect((await taskModels(clearml, task)).input.size).toBe(0);
  });

  it("is connected to a task that has ended, and not to a published one", async () => {
    const base = await InputModel.import(clearml, { weightsUrl: "s3://b/base.pt" });
    const task = await aTask();
    await clearml.tasks.completed({ task });
    await base.connect(task);
    expect([...(await taskModels(clearml, { id: task })).input.keys()]).toEqual([base.name]);
    await clearml.tasks.publish({ task, publish_model: false });
    expect(await failureOf(base.connect(task, { name: "late" }))).toBeInstanceOf(ApiError);
  });

  it("names what was deleted under a task", async () => {
    const base = await InputModel.import(clearml, { weightsUrl: "s3://b/base.pt" });
    const task = await aTask();
    await base.connect(task, { name: "base" });
    expect(String(await failureOf(base.delete()))).toContain("400/205");
    await base.delete({ force: true });
    expect(await taskModels(clearml, task)).toMatchObject({ missing: [{ type: "input", name: "base", modelId: base.id }] });
    expect(String(await failureOf(base.reload()))).toContain("400/201");
  });
});

describe("a search for models", () => {
  it("finds by name, project, tags and metadata, newest first, beyond 500", async () => {
    const { id: project } = await clearml.projects.findOrCreate("Big/One");
    for (let index = 0; index < 503; index++) await clearml.models.create({ name: `model ${String(index)}`, uri: "u", project });
    expect(await all(Model.query(clearml, { project: "Big/One" }))).toHaveLength(503);
    expect(await all(Model.query(clearml, { project: "Big" }))).toHaveLength(0);
    expect(await all(Model.query(clearml, { project: "Big", includeSubprojects: true, maxResults: 7 }))).toHaveLength(7);
    expect(await all(Model.query(clearml, { project: "None" }))).toHaveLength(0);

    const odd = await OutputModel.create(clearml, { name: "odd (v1.0) [x]", tags: ["prod", "v2"], metadata: { "a.b": "c" } });
    await OutputModel.create(clearml, { name: "odd (v1x0) [x]", tags: ["prod"] });
    const names = async (query: object): Promise<string[]> => (await all(Model.query(clearml, query))).map(({ name }) => name);
    expect(await names({ name: "odd (v1.0) [x]" })).toEqual(["odd (v1.0) [x]"]);
    expect(await names({ tags: ["prod"] })).toEqual(["odd (v1x0) [x]", "odd (v1.0) [x]"]);
    expect(await names({ tags: ["__$all", "prod", "v2"] })).toEqual(["odd (v1.0) [x]"]);
    expect(await names({ metadata: { "a.b": "c" } })).toEqual(["odd (v1.0) [x]"]);
    expect(await names({ namePattern: "^odd" })).toHaveLength(2);
    expect(await names({ name: "odd (v1.0) [x]", onlyPublished: true })).toEqual([]);
    await odd.archive();
    expect(await names({ tags: ["v2"] })).toEqual([]);
    expect(await names({ tags: ["v2"], includeArchived: true })).toHaveLength(1);
    await odd.unarchive();
    expect((await Model.get(clearml, { name: "odd (v1.0) [x]" })).id).toBe(odd.id);
    expect(String(await failureOf(Model.get(clearml, { name: "none" })))).toContain("no model fits");
    expect(await failureOf(Model.get(clearml, {}))).toBeInstanceOf(ValidationError);
  });
});

describe("lineage", () => {
  it("tells the task, its data sets, the parents, and what came of the model", async () => {
    const { id: hidden } = await clearml.projects.create({ name: "Data/.datasets/photos", system_tags: ["hidden", "dataset"] });
    const version = async (text: string): Promise<string> => {
      const fields = { name: "photos", type: "data_processing" as const, project: hidden, system_tags: ["dataset"] };
      const runtime = { version: text, ds_file_count: "12", ds_total_size: "3400" };
      return (await clearml.tasks.create({ ...fields, runtime })).id;
    };
    await version("1.9");
    const newest = await version("1.10");
    const photos = await Dataset.get(clearml, { project: "Data", name: "photos" });
    expect(photos).toMatchObject({ id: newest, version: "1.10", project: "Data", fileCount: 12, sizeBytes: 3400 });
    expect((await Dataset.get(clearml, { name: "photos", version: "1.9" })).version).toBe("1.9");
    expect(String(await failureOf(Dataset.get(clearml, { name: "none" })))).toContain("no data set fits");

    const task = await aTask({ runtime: { progress: "10" } });
    await photos.connect(task, { alias: "train set" });
    await photos.connect(task, { alias: "train set" });
    const { task: document } = await clearml.tasks.getById({ task });
    expect(document.hyperparams?.["Datasets"]?.["train set"]?.value).toBe(newest);
    expect(document.runtime).toMatchObject({ progress: "10", datasets: [newest], "orig_datasets.photos/1.10": newest });

    const grandparent = await OutputModel.create(clearml, { name: "first", uri: "s3://b/1" });
    const parent = await OutputModel.create(clearml, { name: "second", uri: "s3://b/2", parent: grandparent.id });
    const model = await OutputModel.create(clearml, { name: "third", task, parent: parent.id });
    const child = await OutputModel.create(clearml, { name: "fourth", parent: model.id });
    const user = await aTask({}, "run 2");
    await (await InputModel.get(clearml, { id: model.id })).connect(user);

    expect(await model.lineage()).toMatchObject({
      task: { id: task, name: "run 1", status: "in_progress" },
      datasets: [{ alias: "train set", id: newest }],
      parents: [{ id: parent.id }, { id: grandparent.id }],
      children: [{ id: child.id, name: "fourth" }],
      usedBy: [{ id: user, name: "run 2" }],
    });
    await clearml.models.edit({ model: grandparent.id, parent: model.id });
    expect((await model.lineage()).parents.map(({ name }) => name)).toEqual(["second", "first"]);
    await clearml.models.delete({ model: grandparent.id, force: true });
    await clearml.tasks.delete({ task, force: true, delete_output_models: false });
    expect(await (await model.reload()).lineage()).toMatchObject({ task: undefined, datasets: [], parents: [{ id: parent.id }] });
  });
});
