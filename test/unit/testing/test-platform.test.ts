import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { createTestPlatform, type TestPlatform } from "../../../src/testing/test-platform.js";
import { setupTestNetwork, type TestNetwork } from "../../../src/testing/test-network.js";

let platform: TestPlatform;
let network: TestNetwork;
let clearml: ClearML;

beforeEach(async () => {
  platform = createTestPlatform();
  network = setupTestNetwork(platform.handlers);
  await network.listen();
  clearml = createClearML({}, platform.env);
});
afterEach(async () => {
  await clearml.close();
  await platform.close();
  await network.close();
});

async function createTask(): Promise<string> {
  return (await clearml.tasks.create({ name: "a task", type: "training" })).id;
}

describe("createTestPlatform", () => {
  it("reads back what a client reported: task, points, single values, lines, models", async () => {
    const task = await createTask();
    const lines = [
      { type: "training_stats_scalar", task, metric: "loss", variant: "train", iter: 2, value: 0.25 },
      { type: "training_stats_scalar", task, metric: "loss", variant: "train", iter: 1, value: 0.5 },
      { type: "training_stats_scalar", task, metric: "Summary", variant: "accuracy", iter: -2_147_483_648, value: 0.75 },
      { type: "log", task, level: "info", msg: "hello", metric: "", variant: "" },
    ] as const;
    await clearml.events.addBatch(lines);
    await clearml.models.create({ uri: "s3://s3.test:9000/checkpoints/a", name: "a model", task });
    expect(platform.tasks().map(({ id, name }) => ({ id, name }))).toEqual([{ id: task, name: "a task" }]);
    expect(platform.scalars(task)).toEqual({
      "loss/train": [
        { iteration: 1, value: 0.5 },
        { iteration: 2, value: 0.25 },
      ],
    });
    expect(platform.singleValues(task)).toEqual({ accuracy: 0.75 });
    expect(platform.lines(task)).toEqual([{ level: "info", message: "hello" }]);
    expect(platform.models(task).map(({ name }) => name)).toEqual(["a model"]);
    expect(platform.models("another")).toEqual([]);
  });

  it("keeps callbacks by path and asks for a stop in their answers", async () => {
    const send = (path: string): Promise<unknown> =>
      fetch(platform.env.CALLBACK_URL + path, { method: "POST", body: JSON.stringify({ job_id: "7" }) }).then((answer) => answer.json());
    expect(await send("/started")).toEqual({});
    platform.askToStop("7", "enough");
    expect(await send("/progress")).toEqual({ action: "stop", reason: "enough" });
    expect(platform.callbacks().map(({ path }) => path)).toEqual(["/started", "/progress"]);
    expect(platform.callbacks("/progress")).toMatchObject([{ job_id: "7" }]);
  });

  it("finds the bytes behind addresses on S3 and on the file server", async () => {
    const client = new S3Client({
      endpoint: platform.env["INTERNAL_STORAGE_ENDPOINT"]!,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: "a", secretAccessKey: "s" },
    });
    await client.send(new PutObjectCommand({ Bucket: "checkpoints", Key: "a b/c.bin", Body: "weights" }));
    expect(platform.objects().map(({ key }) => key)).toEqual(["a b/c.bin"]);
    expect(textOf(await platform.contentOf("s3://s3.test:9000/checkpoints/a b/c.bin"))).toBe("weights");

    const form = new FormData();
    form.set("folder/file.bin", new Blob(["bytes"]), "file.bin");
    const { token } = (await platform.call("auth.login")) as { token: string };
    const answer = await fetch(platform.env.CLEARML_FILES_HOST, {
      method: "POST",
      body: form,
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
    expect(textOf(await platform.contentOf(`${platform.env.CLEARML_FILES_HOST}/folder/file.bin`))).toBe("bytes");
    expect(await platform.contentOf("s3://s3.test:9000/checkpoints/none")).toBeUndefined();
    expect(await platform.contentOf("http://elsewhere.test/a")).toBeUndefined();
  });

  it("spoils what a fault switch says, channel by channel, and counts it", async () => {
    platform.faults.set("api", { mode: "refuse" });
    await expect(clearml.session.call("tasks.get_all", {}, { retry: false })).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
    expect((await fetch(`${platform.env.CALLBACK_URL}/log`, { method: "POST", body: "{}" })).status).toBe(200);
    platform.faults.clear("api");
    await clearml.session.call("tasks.get_all", {}, { retry: false });
    platform.faults.set("s3", { mode: "status", status: 503, times: 1 });
    expect((await fetch(`${platform.env["INTERNAL_STORAGE_ENDPOINT"]!}/checkpoints/a`, { method: "PUT", body: "x" })).status).toBe(503);
    expect(platform.requests.entries({ channel: "s3" }).map(({ status }) => status)).toEqual([503]);
  });

  it("lets a request go that hangs, when it is closed", async () => {
    platform.faults.set("callbacks", { mode: "hang" });
    const answer = fetch(platform.env.CALLBACK_URL, { method: "POST", body: "{}" }).catch(() => "torn down");
    while (platform.faults.hits("callbacks") === 0) await new Promise((resolve) => setImmediate(resolve));
    await platform.close();
    expect(await answer).toBe("torn down");
  });

  it("answers calls of the test's own, and passes on a refusal", async () => {
    const task = await createTask();
    await clearml.tasks.started({ task });
    expect(await platform.call("tasks.stop", { task })).toMatchObject({ updated: 1 });
    await expect(platform.call("tasks.get_by_id", { task: "none" })).rejects.toThrow(/tasks\.get_by_id was refused with 400/);
    platform.faults.set("api", { mode: "refuse" });
    await expect(platform.call("debug.ping")).rejects.toThrow(/fault/);
  });

  it("sends checkpoints to the file server when that was asked for", () => {
    expect(platform.env.CHECKPOINT_URI).toBe("s3://s3.test:9000/checkpoints");
    expect(createTestPlatform({ storage: "clearml" }).env.CHECKPOINT_URI).toBe("clearml");
  });
});

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}
