/** A job's whole story as an offline session: written from one server, read by another, and nothing is other than it was. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ZipFile } from "yazl";
import {
  createClearML,
  exportOfflineSession,
  importOfflineSession,
  type ClearML,
  type ImportedSession,
  type TaskDocument,
} from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";

let folder: string;
let recorded: DevServer;
let target: DevServer;
let source: ClearML;
let clearml: ClearML;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "offline-session-"));
  [recorded, target] = await Promise.all([startDevServer(), startDevServer()]);
  source = createClearML({}, { ...recorded.env });
  clearml = createClearML({}, { ...target.env });
});
afterEach(async () => {
  await Promise.all([source.close(), clearml.close()]);
  await Promise.all([recorded.close(), target.close()]);
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A short training on the first server; answers its task's id. */
async function train(): Promise<string> {
  const weights = path.join(folder, "best.pt");
  await writeFile(weights, Buffer.alloc(300_000, 7));
  const sdk = await TrainerSDK.init({
    env: {
      ...recorded.env,
      CALLBACK_URL: "",
      JOB_ID: "42",
      PROJECT_ID: "7",
      CHECKPOINT_URI: "clearml",
      CONFIG: '{"lr":0.1,"layers":[1,2]}',
    },
    journalDir: path.join(folder, "journal"),
  });
  await sdk.reportStarted({ totalEpochs: 3 });
  for (let epoch = 1; epoch <= 3; epoch++)
    await sdk.reportProgress({ epoch, totalEpochs: 3, metrics: { train_loss: 1 / epoch, "val/accuracy": epoch / 4 } });
  for (const line of ["first", "second", "third ünïcode"]) await sdk.log("info", line);
  await sdk.uploadCheckpoint(weights, { type: "best", epoch: 3, isBest: true });
  await sdk.registerModel({ name: "detector", path: weights, framework: "PyTorch", labels: { cat: 0 }, tags: ["candidate"] });
  await sdk.currentTask().logger.reportSingleValue({ name: "final", value: 0.75 });
  await sdk.reportFailed(new Error("the last batch was bad"));
  const { complete } = await sdk.close();
  expect(complete).toBe(true);
  return sdk.currentTask().id ?? "";
}

async function linesOf(client: ClearML, task: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { msg } of client.events.iterateLog({ task })) lines.push(msg ?? "");
  return lines;
}

async function pointsOf(client: ClearML, task: string): Promise<unknown> {
  const { events } = await client.events.getTaskEvents({ task, event_type: "training_stats_scalar", batch_size: 500 });
  return events
    .map(({ metric, variant, iter, value, timestamp }) => ({ metric, variant, iter, value, timestamp }))
    .sort((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)));
}

async function bytesAt(client: ClearML, uri: string): Promise<string> {
  const file = path.join(folder, "downloaded");
  await client.files.download(uri, file);
  return sha256(await readFile(file));
}

async function taskOf(client: ClearML, task: string): Promise<TaskDocument> {
  return (await client.tasks.getById({ task })).task;
}

const exported = (taskId: string) => exportOfflineSession(source, taskId, { file: path.join(folder, "session.zip") });
const imported = (): Promise<ImportedSession> => importOfflineSession(clearml, path.join(folder, "session.zip"));

describe("a session", () => {
  it("brings points, lines, parameters, files and models from one server to another, with the way the job ended", async () => {
    const taskId = await train();
    const written = await exported(taskId);
    expect(written).toMatchObject({ offlineId: `offline-${taskId}`, models: 2 });
    const result = await imported();
    expect(result).toMatchObject({ wasThere: false, problems: [], models: 2, events: written.events });
    expect(result.webUrl).toContain(result.taskId);

    const [before, after] = [await taskOf(source, taskId), await taskOf(clearml, result.taskId)];
    expect(after).toMatchObject({ name: before.name, type: before.type, status: "failed", hyperparams: before.hyperparams });
    expect(after.status_reason).toBe(before.status_reason);
    expect((await clearml.projects.getById({ project: after.project ?? "" })).project.name).toBe("Project 7");
    expect(await pointsOf(clearml, result.taskId)).toEqual(await pointsOf(source, taskId));
    expect(await linesOf(clearml, result.taskId)).toEqual(await linesOf(source, taskId));

    const artifacts = after.execution?.artifacts ?? [];
    expect(artifacts.map(({ key, hash, content_size }) => ({ key, hash, content_size }))).toEqual(
      (before.execution?.artifacts ?? []).map(({ key, hash, content_size }) => ({ key, hash, content_size })),
    );
    for (const { uri, hash } of artifacts) {
      expect(uri).toContain(target.filesUrl);
      expect(await bytesAt(clearml, uri ?? "")).toBe(hash);
    }
    const models = after.models?.output ?? [];
    expect(models.map(({ name }) => name).sort()).toEqual((before.models?.output ?? []).map(({ name }) => name).sort());
    for (const { model } of models) {
      const { model: document } = await clearml.models.getById({ model: model ?? "" });
      expect(document.ready).toBe(false);
      expect(await bytesAt(clearml, document.uri ?? "")).toBe(sha256(Buffer.alloc(300_000, 7)));
    }
  });

  it("is imported once, however often it is asked for", async () => {
    const taskId = await train();
    await exported(taskId);
    const first = await imported();
    const lines = await linesOf(clearml, first.taskId);
    const again = await imported();
    expect(again).toMatchObject({ taskId: first.taskId, wasThere: true, events: 0, files: 0 });
    expect(await linesOf(clearml, first.taskId)).toEqual(lines);
  });

  it("that was cut off in the middle is whole after the next import, with no line twice", async () => {
    const taskId = await train();
    await exported(taskId);
    let batches = 0;
    target.faults.set("api", {
      mode: "status",
      status: 500,
      times: 1,
      match: ({ url }) => url.pathname.endsWith("events.add_batch") && batches++ > 0,
    });
    await expect(imported()).rejects.toThrow(/500/);
    const result = await imported();
    expect(result).toMatchObject({ wasThere: false, problems: [] });
    expect(await linesOf(clearml, result.taskId)).toEqual(await linesOf(source, taskId));
    const tasks: string[] = [];
    for await (const { id } of clearml.tasks.getAll({ search_hidden: true })) tasks.push(id);
    expect(tasks).toEqual([result.taskId]);
  });

  it("tells what is missing or damaged in it, and brings the rest", async () => {
    const zip = new ZipFile();
    const id = `offline-${"a".repeat(32)}`;
    const add = (name: string, text: string): void => zip.addBuffer(Buffer.from(text), name);
    add(
      "task.json",
      JSON.stringify({
        id,
        name: "by hand",
        type: "no such type",
        project_name: "Somewhere",
        offline_folder: "/gone",
        execution: {
          artifacts: [
            { key: "lost", type: "custom", uri: "/gone/data/lost.bin" },
            { key: "evil", type: "custom", uri: "/gone/data/../../etc/passwd" },
          ],
        },
        offline_output_models: [{ id: "offline-m", init: { name: "no weights" }, weights: { weights_filename: "/gone/w.pt" } }],
      }),
    );
    add("log.jsonl", `[{"timestamp":1700000000000,"level":"INFO","msg":"a line"}]\n{"torn\n`);
    add(
      "metrics.jsonl",
      `[{"type":"training_stats_scalar","task":"${id}","metric":"m","variant":"v","iter":1,"value":2,"timestamp":1700000000000},{"type":"training_stats_scalar","task":"another","metric":"m","variant":"v","iter":1,"value":2}]\n`,
    );
    zip.end();
    await pipeline(zip.outputStream, createWriteStream(path.join(folder, "session.zip")));
    const result = await imported();
    expect(result.problems).toEqual([
      expect.stringContaining("the artifact lost"),
      expect.stringContaining("no weights"),
      "line 2 of log.jsonl is damaged",
    ]);
    expect(await pointsOf(clearml, result.taskId)).toEqual([
      { metric: "m", variant: "v", iter: 1, value: 2, timestamp: 1_700_000_000_000 },
    ]);
    expect(await linesOf(clearml, result.taskId)).toEqual(["a line"]);
    expect(await taskOf(clearml, result.taskId)).toMatchObject({ status: "completed", type: "training" });
  });

  it("is refused in words when it is none", async () => {
    const file = path.join(folder, "session.zip");
    await expect(importOfflineSession(clearml, path.join(folder, "nowhere.zip"))).rejects.toThrow(/there is nothing there/);
    await writeFile(file, "not a zip");
    await expect(imported()).rejects.toThrow(/no zip that can be read/);
    const taskId = await train();
    await exported(taskId);
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length / 2));
    await expect(imported()).rejects.toThrow(/no zip that can be read/);
  });
});
