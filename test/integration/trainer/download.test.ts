/** Data and weights through the SDK: what the platform names, what an earlier start left, and a stop in the middle. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { StopRequestedError } from "../../../src/base/errors.js";
import { createClearML } from "../../../src/clearml/index.js";
import { startDevServer } from "../../../src/devserver/index.js";
import { downloadDataset } from "../../../src/trainer/downloads.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { serveWire } from "../../support/wire-server.js";
import { bytes, startDownloadWorld, type DownloadWorld } from "../../support/download-world.js";

let world: DownloadWorld;
const started: TrainerSDK[] = [];
beforeEach(async () => {
  world = await startDownloadWorld();
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((sdk) => sdk.close({ deadlineMs: 0 })));
  await world[Symbol.asyncDispose]();
});

async function start(env: Record<string, string> = {}, signal?: AbortSignal): Promise<TrainerSDK> {
  const all = { ...world.env, JOB_ID: "42", TRAINER_JOURNAL_DIR: path.join(world.folder, "journal"), ...env };
  const sdk = await TrainerSDK.init({ env: all, ...(signal ? { signal } : {}) });
  started.push(sdk);
  return sdk;
}

/** The existing platform's variables for its external storage. */
const external = (): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: "",
  EXTERNAL_STORAGE_ENDPOINT: world.s3.server.url,
  EXTERNAL_STORAGE_ACCESS_KEY: "external-key",
  EXTERNAL_STORAGE_SECRET_KEY: "external-secret",
  EXTERNAL_BUCKET_DATASETS: "data",
});

it.each([
  ["an address without an endpoint", { DATASET_S3_URI: "s3://data/datasets/d-1/", DATASET_ID: "d-1" }],
  ["a bare id", { DATASET_S3_URI: "d-1" }],
  ["a path that ends with the id", { DATASET_S3_URI: "datasets/d-1" }],
])("without a source the data set that the platform names comes, by its own keys: %s", async (_what, named) => {
  await world.put("datasets/d-1/annotations.json", "{}");
  const sdk = await start({ ...external(), ...named });
  const told: number[] = [];
  sdk.on("downloadProgress", ({ receivedBytes }) => told.push(receivedBytes));
  const set = await sdk.downloadDataset();
  expect(set.files.map(({ name }) => name)).toEqual(["annotations.json"]);
  expect(told.at(-1)).toBe(2);
  const reads = world.s3.s3.calls().filter(({ operation }) => operation !== "PutObject");
  expect(reads.every(({ headers }) => headers["authorization"]?.includes("Credential=external-key/"))).toBe(true);
});

it("the newest checkpoint that an earlier start left is fetched by its type, and held against its digest", async () => {
  const storage = { CHECKPOINT_URI: world.uriOf("runs") };
  const first = await start(storage);
  const source = path.join(world.folder, "weights.pt");
  await writeFile(source, bytes(5000));
  const receipt = await first.uploadCheckpoint(source, { type: "last", epoch: 3 });
  await first.flush();
  await first.close();
  const second = await start(storage);
  const weights = await second.downloadCheckpoint({ type: "last" });
  expect(await readFile(weights.path)).toEqual(await readFile(source));
  expect(weights.uri).toBe(receipt.file?.uri);
  await expect(second.downloadCheckpoint({ type: "best" })).rejects.toMatchObject({
    code: "DOWNLOAD_FAILED",
    message: expect.stringContaining("there is only last") as string,
  });
  await world.put(new URL(weights.uri).pathname.slice("/data/".length), bytes(5000));
  await expect(second.downloadCheckpoint({ type: "last" })).rejects.toMatchObject({
    message: expect.stringContaining("SHA-256") as string,
  });
});

it("a stop that is asked for in the middle ends the download, and what has come stays", async () => {
  await world.put("set/a.bin", bytes(10));
  const stop = new AbortController();
  world.s3.intercept(async (pass, request) => {
    if (request.url.pathname.endsWith("/a.bin")) stop.abort();
    return pass(request);
  });
  const sdk = await start({}, stop.signal);
  await expect(sdk.downloadDataset(world.uriOf("set"))).rejects.toBeInstanceOf(StopRequestedError);
});

it("files on ClearML's file server come with its token, which no other host gets to see", async () => {
  const server = await startDevServer();
  const source = path.join(world.folder, "source.bin");
  const content = bytes(100_000);
  await writeFile(source, content);
  await using clearml = createClearML({}, { ...server.env });
  const url = await clearml.files.upload("project/task.1/artifacts/data set/a.bin", source, { sizeBytes: content.length });
  const others: (string | undefined)[] = [];
  await using other = await serveWire(({ headers }) => {
    others.push(headers["authorization"]);
    return Promise.resolve({ status: 200, headers: { "content-length": "1", etag: '"1"' }, body: "x" });
  });
  const set = await downloadDataset([url, `${other.url}/b.bin`], { env: { ...world.env, ...server.env } });
  expect(await readFile(path.join(set.path, "a.bin"))).toEqual(content);
  expect(others).toEqual([undefined, undefined]);
  const reads = server.requests.entries({ channel: "files" }).filter(({ method, status }) => method === "GET" && status < 300);
  expect(reads).toHaveLength(2);
  const { CLEARML_API_ACCESS_KEY: _key, CLEARML_API_SECRET_KEY: _secret, ...withoutKeys } = { ...server.env };
  await expect(downloadDataset([url], { env: { ...world.env, ...withoutKeys } })).rejects.toMatchObject({
    code: "DOWNLOAD_FAILED",
    retryable: false,
  });
  await server.close();
});
