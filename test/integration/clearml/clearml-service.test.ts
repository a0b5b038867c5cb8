/** The facade against the embedded server over real sockets: a platform's day in its own words. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ApiError, TaskStatusError, ValidationError } from "../../../src/base/errors.js";
import { ClearMLService, createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { failureOf } from "../../unit/clearml/fake-api.js";

let server: DevServer;
let clearml: ClearML;
let service: ClearMLService;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "clearml-service-"));
  server = await startDevServer();
  clearml = createClearML({}, { ...server.env });
  service = new ClearMLService(clearml);
});
afterEach(async () => {
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

it("follows a job from its project to its model", async () => {
  const project = await service.createProject("Project 7", { description: "cats" });
  const config = { epochs: 3, optimizer: { name: "adam", lr: 1e-3 }, since: "2024-01-31" };
  const { id, created, webUrl } = await service.createTask({ name: "Training Job 12", project: "Project 7", config, tags: ["nightly"] });
  expect([created, webUrl]).toEqual([true, `${clearml.session.webHost ?? ""}/projects/${project.id}/experiments/${id}/output/log`]);
  const task = await service.getTask(id);
  expect(task).toMatchObject({ status: "created", project: project.id, tags: ["nightly"] });
  expect(task.hyperparams?.["General"]?.["optimizer/lr"]).toMatchObject({ value: "0.001", type: "float" });

  expect(
    await service.logMetrics(id, { iteration: 1, metrics: { train_loss: 0.5, "val/accuracy": 0.25, "a-b/c": 1, "b/c-a": Number.NaN } }),
  ).toEqual({
    added: 3,
    nonFinite: ["b/c-a"],
  });
  await service.logMetrics({ id }, { iteration: 2, metrics: { train_loss: 0.25 }, timestampMs: 1_700_000_000_000 });
  expect(await service.logMetrics(id, { iteration: 3, metrics: { train_loss: Number.POSITIVE_INFINITY } })).toEqual({
    added: 0,
    nonFinite: ["train_loss"],
  });

  const file = join(folder, "report.txt");
  await writeFile(file, "fine");
  const uri = await service.uploadArtifact(id, { path: file, name: "the report", metadata: { rows: "3" }, contentType: "text/plain" });
  await clearml.objects.fetch(uri, join(folder, "back.txt"));
  expect(await readFile(join(folder, "back.txt"), "utf8")).toBe("fine");
  expect((await service.getTask(id)).execution?.artifacts).toMatchObject([
    { key: "the report", uri, content_size: 4, display_data: [["rows", "3"]], type_data: { content_type: "text/plain" } },
  ]);

  const model = await service.registerModel({ name: "detector", task: id, path: file, publish: true, key: "detector of 12" });
  expect(model).toMatchObject({ isPublished: true, taskId: id, hasWeights: true });
  const again = await service.registerModel({ name: "detector", task: id, path: file, publish: true, key: "detector of 12" });
  expect(again.id).toBe(model.id);

  await service.markCompleted(id, { message: "well done" });
  const done = await service.getTask(id);
  await service.markCompleted(id);
  expect(done).toMatchObject({ status: "completed", status_message: "well done" });
  expect((await service.getTask(id)).completed).toBe(done.completed);
  const read = await service.getTaskMetrics(id);
  expect(read.metrics).toMatchObject({ loss: { train: { last: 0.25, max: 0.5 } }, accuracy: { val: { last: 0.25 } } });
});

it("makes a task once for a key, whatever became of the first answer", async () => {
  server.faults.set("api", { mode: "drop-answer", match: "tasks.create", times: 1 });
  const input = { name: "Training Job 12", key: "12" };
  const made = [await service.createTask(input), await service.createTask(input)];
  expect(made.map(({ id }) => id)).toEqual([made[0]?.id, made[0]?.id]);
  expect(made[1]?.created).toBe(false);
});

it("never puts two metrics on one line, in whatever order they come", async () => {
  const { id } = await service.createTask({ name: "Training Job 15" });
  await service.logMetrics(id, { iteration: 1, metrics: { train_loss: 1, "train/loss": 2 } });
  await service.logMetrics(id, { iteration: 2, metrics: { "train/loss": 4, train_loss: 3 } });
  expect((await service.getTaskMetrics(id)).metrics).toMatchObject({
    loss: { train: { min: 2, max: 4 }, "train (2)": { min: 1, max: 3 } },
  });
});

it("ends a task that was never started, as failed with its reason", async () => {
  const { id } = await service.createTask({ name: "Training Job 13" });
  await service.markFailed(id, { reason: "out of memory", message: "2024-01-31" });
  const task = await service.getTask(id);
  expect(task).toMatchObject({ status: "failed", status_reason: "out of memory" });
  expect(task.status_message?.trim()).toBe("2024-01-31");
});

it("says what cannot be", async () => {
  const { id } = await service.createTask({ name: "Training Job 14" });
  expect(await failureOf(service.createTask({ name: "ab" }))).toBeInstanceOf(ValidationError);
  expect(await failureOf(service.logMetrics(id, { iteration: 1.5, metrics: {} }))).toBeInstanceOf(ValidationError);
  expect(await failureOf(service.uploadArtifact(id, { path: join(folder, "none") }))).toBeInstanceOf(ValidationError);
  expect(await failureOf(service.registerModel({ name: "detector" }))).toBeInstanceOf(ValidationError);
  expect(await failureOf(service.getTask("0".repeat(32)))).toBeInstanceOf(ApiError);
  expect(String(await failureOf(service.markCompleted("0".repeat(32))))).toContain("400/101");
  await service.markCompleted(id);
  await clearml.tasks.publish({ task: id, publish_model: false });
  expect(String(await failureOf(service.logMetrics(id, { iteration: 1, metrics: { loss: 1 } })))).toContain("400/131");
  const file = join(folder, "late.txt");
  await writeFile(file, "late");
  expect(await failureOf(service.uploadArtifact(id, { path: file }))).toBeInstanceOf(TaskStatusError);
});
