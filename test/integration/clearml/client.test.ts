/** The whole client against the embedded server over real sockets, faults included. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClosedError, ConnectionError } from "../../../src/base/errors.js";
import {
  CLEARML_ERRORS,
  artifactObjectPath,
  createClearML,
  isClearMLError,
  type ClearML,
  type RequestOf,
} from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";

let server: DevServer;
let clearml: ClearML;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "clearml-client-"));
  server = await startDevServer();
  clearml = createClearML({}, { ...server.env });
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

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("it was expected to fail");
    },
    (error: unknown) => error,
  );
}

/** Answered requests to an endpoint, by the server's own count. */
function arrived(endpoint: string): number {
  return server.requests.entries({ channel: "api" }).filter(({ path }) => path.endsWith(endpoint)).length;
}

const point = (task: string, iter: number, value = iter / 10): RequestOf<"events.add_batch"> => ({
  type: "training_stats_scalar",
  task,
  metric: "loss",
  variant: "train",
  iter,
  value,
  timestamp: 1_700_000_000_000 + iter,
});
const line = (task: string, index: number): RequestOf<"events.add_batch"> => ({
  type: "log",
  task,
  level: "info",
  msg: `line ${String(index)}`,
  timestamp: 1_700_000_000_000 + Math.floor(index / 3),
});

it("follows a task through its whole life", async () => {
  const { id: project, created } = await clearml.projects.findOrCreate("Vision/Cats");
  expect(created).toBe(true);
  const { id: task } = await clearml.tasks.create({ name: "run 1", type: "training", project, tags: ["nightly"] });
  await clearml.tasks.started({ task });
  await clearml.tasks.editHyperParams({ task, force: true, hyperparams: [{ section: "Args", name: "lr", value: "0.1", type: "float" }] });
  expect(await clearml.events.addBatch([...Array.from({ length: 20 }, (_, iter) => point(task, iter)), line(task, 0)])).toMatchObject({
    added: 21,
    errors: 0,
  });

  const content = "weights";
  const source = join(folder, "best.pt");
  await writeFile(source, content);
  const objectPath = artifactObjectPath({ projectName: "Vision/Cats", taskName: "run 1", taskId: task }, "checkpoint best", "best.pt");
  const uri = await clearml.files.upload(objectPath, source, { sizeBytes: content.length });
  await clearml.tasks.addOrUpdateArtifacts({
    task,
    artifacts: [{ key: "checkpoint best", type: "custom", mode: "output", uri, content_size: content.length, timestamp: 1_700_000_000 }],
  });
  const { id: model } = await clearml.models.create({ name: "detector", uri, task, project, framework: "PyTorch", labels: { cat: 1 } });
  await clearml.tasks.addOrUpdateModel({ task, name: "detector", model, type: "output" });
  await clearml.models.setReady({ model, publish_task: false });
  await clearml.tasks.completed({ task });

  const { task: document } = await clearml.tasks.getById({ task });
  expect(document).toMatchObject({ name: "run 1", project, status: "completed", last_iteration: 19, tags: ["nightly"] });
  expect(document.hyperparams?.["Args"]?.["lr"]).toMatchObject({ value: "0.1", type: "float" });
  expect(document.execution?.artifacts).toMatchObject([{ key: "checkpoint best", uri }]);
  expect(document.models?.output).toMatchObject([{ name: "detector", model }]);
  expect((await clearml.models.getById({ model })).model).toMatchObject({ ready: true, uri, labels: { cat: 1 } });
  const curves = await clearml.events.scalarMetricsIterHistogram({ task });
  expect(curves["loss"]?.["train"]?.x).toHaveLength(20);

  const target = join(folder, "copy.pt");
  expect(await clearml.files.download(uri, target)).toMatchObject({ sizeBytes: content.length });
  expect(await readFile(target, "utf8")).toBe(content);
  expect(clearml.session.serverInfo?.apiVersion).toBe("2.34");
  expect(await clearml.server.info()).toHaveProperty("version");
  expect((await clearml.auth.getCurrentUser()).user.id).not.toBe("");
});

it("reads everything, past pages, shared milliseconds and cut lists", async () => {
  const { id: task } = await clearml.tasks.create({ name: "run 1", type: "training" });
  await clearml.events.addBatch(Array.from({ length: 250 }, (_, index) => line(task, index)));
  await clearml.events.addBatch(Array.from({ length: 250 }, (_, iter) => point(task, iter)));
  const console = await all(clearml.events.iterateLog({ task, pageSize: 20 }));
  expect(console.map(({ msg }) => msg)).toEqual(Array.from({ length: 250 }, (_, index) => `line ${String(index)}`));
  const newest = await all(clearml.events.iterateLog({ task, pageSize: 20, newestFirst: true }));
  expect(newest).toHaveLength(250);
  const points = await all(clearml.events.iterateScalars({ task, metric: "loss", pageSize: 30 }));
  expect(points.map(({ iteration, value }) => [iteration, value])).toEqual(Array.from({ length: 250 }, (_, iter) => [iter, iter / 10]));

  const names = Array.from({ length: 505 }, (_, index) => `batch ${String(index)}`);
  await Promise.all(names.map((name) => clearml.tasks.create({ name, type: "testing" })));
  const found = await all(clearml.tasks.getAll({ type: ["testing"], only_fields: ["id", "name"] }));
  expect(found.map(({ name }) => name).sort()).toEqual([...names].sort());
});

describe("a project", () => {
  it("is made once by ten processes that want it at the same time", async () => {
    const others = Array.from({ length: 10 }, () => createClearML({}, { ...server.env }));
    const made = await Promise.all(others.map(({ projects }) => projects.findOrCreate("Team (A+B)/Vision [v1.0]")));
    await Promise.all(others.map((other) => other.close()));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(made.filter(({ created }) => created)).toHaveLength(1);
  });

  it("is found although the answer to its making was lost", async () => {
    server.faults.set("api", { mode: "drop-answer", match: "projects.create", times: 1 });
    const first = await clearml.projects.findOrCreate("Vision/Dogs");
    expect(await clearml.projects.findOrCreate("Vision/Dogs")).toEqual({ id: first.id, created: false });
    expect(await all(clearml.projects.getAll({ name: "Dogs" }))).toHaveLength(1);
  });
});

describe("refusals", () => {
  it("are told apart by their numbers", async () => {
    const { id: task } = await clearml.tasks.create({ name: "run 1", type: "training" });
    const { INVALID_TASK_ID, INVALID_TASK_STATUS, STORED_DATA_INVALID } = CLEARML_ERRORS;
    expect(
      isClearMLError(await failureOf(clearml.tasks.getById({ task: "0".repeat(32) })), INVALID_TASK_ID.status, INVALID_TASK_ID.subcode),
    ).toBe(true);
    expect(
      isClearMLError(await failureOf(clearml.tasks.completed({ task })), INVALID_TASK_STATUS.status, INVALID_TASK_STATUS.subcode),
    ).toBe(true);
    expect(
      isClearMLError(
        await failureOf(clearml.tasks.create({ name: "ab", type: "training" })),
        STORED_DATA_INVALID.status,
        STORED_DATA_INVALID.subcode,
      ),
    ).toBe(true);
    expect(isClearMLError(await failureOf(clearml.session.callUntyped("tasks.no_such_thing", {})), 404)).toBe(true);
  });

  it("of a part of a batch come back as a count in an answer that says yes", async () => {
    const { id: task } = await clearml.tasks.create({ name: "run 1", type: "training" });
    const outcome = await clearml.events.addBatch([point(task, 1), point("0".repeat(32), 1)]);
    expect(outcome).toMatchObject({ added: 1, errors: 1 });
    expect(Object.values(outcome.errorsInfo)).toEqual([1]);
  });

  it("of wrong keys name the variables", async () => {
    const stranger = createClearML({}, { ...server.env, CLEARML_API_SECRET_KEY: "wrong-secret" });
    const error = await failureOf(stranger.server.info());
    expect(isClearMLError(error, 401, 22)).toBe(true);
    expect(String(error)).toContain("CLEARML_API_SECRET_KEY");
    expect(String(error)).not.toContain("wrong-secret");
    await stranger.close();
  });

  it("of tokens that became void cost one login for all and lose no call", async () => {
    await clearml.server.info();
    server.faults.set("api", { mode: "expire-tokens" });
    await Promise.all(Array.from({ length: 50 }, () => clearml.server.info()));
    expect(arrived("auth.login")).toBe(2);
  });
});

describe("a server in trouble", () => {
  it.each([
    ["refuses", { mode: "refuse" }],
    ["answers 503", { mode: "status", status: 503, retryAfter: "0" }],
    ["answers 502 with a proxy's page", { mode: "status", status: 502, body: "<html>Bad Gateway</html>" }],
    ["breaks off in the middle of its answer", { mode: "reset-mid-body" }],
    ["loses its answer", { mode: "drop-answer" }],
  ] as const)("that %s is asked again", async (_what, fault) => {
    await clearml.server.info();
    server.faults.set("api", { ...fault, times: 2 });
    expect(await clearml.server.info()).toHaveProperty("version");
  });

  it("that answers garbage or 500 is an error at once", async () => {
    await clearml.server.info();
    server.faults.set("api", { mode: "garbage", times: 1 });
    expect(await failureOf(clearml.server.info())).toMatchObject({ code: "API_ERROR", status: 200 });
    server.faults.set("api", { mode: "status", status: 500, body: "Internal Server Error", times: 1 });
    expect(await failureOf(clearml.server.info())).toMatchObject({ code: "API_ERROR", status: 500, subcode: undefined });
    expect(await clearml.server.info()).toHaveProperty("version");
  });

  it("never gets a second task for an answer that it lost", async () => {
    await clearml.server.info();
    server.faults.set("api", { mode: "drop-answer", match: "tasks.create", times: 1 });
    const error = await failureOf(clearml.tasks.create({ name: "run 1", type: "training" }));
    expect(ConnectionError.isInstance(error) && error.ambiguous).toBe(true);
    expect(await all(clearml.tasks.getAll())).toHaveLength(1);
  });

  it("that hangs costs no more than the call's limit", async () => {
    await clearml.server.info();
    server.faults.set("api", { mode: "hang" });
    expect(await failureOf(clearml.server.info({ timeoutMs: 50, retry: false }))).toMatchObject({ code: "TIMEOUT", ambiguous: true });
  });

  it("that hangs does not hold up a caller who gives up, nor a session that is closed", async () => {
    await clearml.server.info();
    server.faults.set("api", { mode: "hang" });
    const reason = new Error("enough");
    const controller = new AbortController();
    const given = failureOf(clearml.server.info({ signal: controller.signal }));
    controller.abort(reason);
    expect(await given).toBe(reason);
    const left = failureOf(clearml.server.info());
    await clearml.close();
    expect(ClosedError.isInstance(await left)).toBe(true);
  });

  it("that is down is told apart from one that may have done the work", async () => {
    await server.close();
    expect(await failureOf(clearml.tasks.create({ name: "run 1", type: "training" }, { retry: false }))).toMatchObject({
      code: "CONNECTION_FAILED",
      ambiguous: false,
    });
  });
});
