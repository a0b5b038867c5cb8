/** Large files in parts, and files of runs whose artifacts the server does not take itself. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConnectionError } from "../../../src/base/errors.js";
import type { StoredFile } from "../../../src/records/facts.js";
import { mlflowArtifactStore } from "../../../src/trainer/mlflow-artifact-store.js";
import { S3_ENV, startS3 } from "../../support/s3-server.js";
import { checkpoint, final, progress, record, storedFile } from "../../unit/sinks/clearml/facts.js";
import { MlflowBench } from "./mlflow-bench.js";

const MIB = 1024 * 1024;
const LARGE_BYTES = 65 * MIB;
const logger = { debug() {}, info() {}, warn() {}, error() {} };
let bench: MlflowBench;
let folder: string;
beforeEach(async () => {
  bench = await MlflowBench.start();
  folder = await mkdtemp(join(tmpdir(), "sink-files-"));
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const delivered = { status: "delivered" };

function aFile(bytes: Buffer, given: Partial<StoredFile> = {}): StoredFile {
  const file = storedFile({ sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex"), ...given });
  bench.stored.set(file.uri, bytes);
  return file;
}

/** No two parts of it are alike. */
function largeBytes(): Buffer {
  const bytes = Buffer.alloc(LARGE_BYTES);
  for (let at = 0; at < LARGE_BYTES; at += 4096) bytes.writeUInt32LE(at, at);
  return bytes;
}

const restOf = (step: string): number => bench.double.requests.filter((request) => request.includes(`/mpu/${step}/`)).length;

describe("a large file", () => {
  const openFile = ({ uri }: { readonly uri: string }): Promise<Readable> => {
    const bytes = bench.stored.get(uri) ?? Buffer.alloc(0);
    // As a socket gives it: in pieces that fit no part.
    const pieces = Array.from({ length: Math.ceil(bytes.length / 1_000_003) }, (_, at) =>
      bytes.subarray(at * 1_000_003, (at + 1) * 1_000_003),
    );
    return Promise.resolve(Readable.from(pieces));
  };

  it("goes in parts, past the server, to addresses that are shown no credentials of ours", async () => {
    bench.double.parts = "taken";
    const job = bench.job({ files: "upload", openFile });
    await job.open();
    const bytes = largeBytes();
    expect(await job.deliver([record(1, checkpoint({ file: aFile(bytes) }))])).toEqual([delivered]);
    const [stored] = bench.double.files.values();
    expect(stored?.equals(bytes)).toBe(true);
    expect([restOf("create"), restOf("complete"), restOf("abort"), bench.double.partHeaders.length]).toEqual([1, 1, 0, 9]);
    expect(bench.double.partHeaders.filter((headers) => "authorization" in headers)).toEqual([]);
    expect(bench.double.requests.some((request) => request.startsWith("PUT /api"))).toBe(false);
  });

  it("goes in one request where the server takes no parts, and is not asked about again", async () => {
    const job = bench.job({ files: "upload", openFile });
    await job.open();
    const file = aFile(largeBytes());
    const again = { ...file, key: "checkpoints/42/last-4-aa.pt" };
    expect(await job.deliver([record(1, checkpoint({ file })), record(2, checkpoint({ type: "last", file: again }))])).toEqual([
      delivered,
      delivered,
    ]);
    expect([bench.double.files.size, restOf("create")]).toEqual([2, 1]);
  });

  it("whose parts the store does not take from here leaves nothing begun, and goes through the server at the next attempt", async () => {
    bench.double.parts = "taken";
    const job = bench.job({ files: "upload", openFile });
    await job.open();
    bench.double.faults.set("mlflow", { mode: "status", match: "/store/", status: 503 });
    const one = record(1, checkpoint({ file: aFile(largeBytes()) }));
    const [first] = await job.deliver([one]);
    expect(first).toMatchObject({
      status: "retry",
      reason: expect.stringMatching(/an address that MLflow gave for a part, answered 503/) as string,
    });
    expect(JSON.stringify(first)).not.toContain("s3cret");
    expect([bench.double.uploads.size, restOf("abort")]).toEqual([0, 1]);
    expect(await job.deliver([one])).toEqual([delivered]);
    expect([bench.double.files.size, restOf("create")]).toEqual([1, 1]);
  });

  it("for which the server gives too few addresses goes in one request, and leaves nothing begun", async () => {
    bench.double.parts = "short";
    const job = bench.job({ files: "upload", openFile });
    await job.open();
    expect(await job.deliver([record(1, checkpoint({ file: aFile(largeBytes()) }))])).toEqual([delivered]);
    expect([bench.double.files.size, bench.double.uploads.size, restOf("abort"), bench.double.partHeaders.length]).toEqual([1, 0, 1, 0]);
  });

  it.each([
    ["which the server does not answer", "mpu/create", 0],
    ["whose end the server does not answer", "mpu/complete", 1],
  ])("%s goes in parts again at the next attempt", async (_, match, begun) => {
    bench.double.parts = "taken";
    const job = bench.job({ files: "upload", openFile });
    await job.open();
    bench.double.faults.set("mlflow", { mode: "refuse", match, times: 1 });
    const one = record(1, checkpoint({ file: aFile(largeBytes()) }));
    expect(await job.deliver([one])).toMatchObject([{ status: "retry", cause: "unreachable" }]);
    expect(await job.deliver([one])).toEqual([delivered]);
    expect([bench.double.files.size, restOf("create"), restOf("abort")]).toEqual([1, 1 + begun, begun]);
    expect(bench.double.requests.some((request) => request.startsWith("PUT /api"))).toBe(false);
  });

  it("whose bytes stop coming goes in parts again at the next attempt", async () => {
    bench.double.parts = "taken";
    let attempts = 0;
    const job = bench.job({
      files: "upload",
      openFile: async (file) => {
        const body = await openFile(file);
        if (attempts++ > 0) return body;
        const lost = new ConnectionError("The bucket fell silent.", { code: "CONNECTION_FAILED", ambiguous: false });
        return Readable.from(
          (async function* () {
            for await (const piece of body.take(20)) yield piece as Buffer;
            throw lost;
          })(),
        );
      },
    });
    await job.open();
    const one = record(1, checkpoint({ file: aFile(largeBytes()) }));
    expect(await job.deliver([one])).toMatchObject([{ status: "retry", cause: "unreachable" }]);
    expect(await job.deliver([one])).toEqual([delivered]);
    expect([bench.double.files.size, restOf("create"), restOf("abort")]).toEqual([1, 2, 1]);
    expect(bench.double.requests.some((request) => request.startsWith("PUT /api"))).toBe(false);
  });

  it("that is not what was stored is refused, and never whole anywhere", async () => {
    bench.double.parts = "taken";
    const job = bench.job({ files: "upload", openFile });
    await job.open();
    const file = aFile(largeBytes());
    bench.stored.set(file.uri, Buffer.alloc(LARGE_BYTES));
    expect(await job.deliver([record(1, checkpoint({ file }))])).toMatchObject([{ status: "rejected" }]);
    expect([bench.double.files.size, bench.double.uploads.size, restOf("complete")]).toEqual([0, 0, 0]);
  });
});

describe("a run whose artifacts lie elsewhere", () => {
  const end = record(2, final({ results: { images: 3 } }));

  it("in a bucket has its files put there, by MLflow's own variables", async () => {
    await using store = await startS3();
    bench.double.artifactRoot = "s3://models/mlflow";
    const env = { ...S3_ENV, MLFLOW_S3_ENDPOINT_URL: store.server.url, AWS_REGION: "us-east-1" };
    const job = bench.job({ openStore: (uri) => mlflowArtifactStore(uri, { env, logger }) });
    await job.open();
    expect(await job.deliver([record(1, checkpoint({ file: aFile(Buffer.from("weights")) })), end])).toEqual([delivered, delivered]);
    const at = `mlflow/1/${bench.run().info.run_id}/artifacts`;
    const text = (path: string): string => Buffer.from(store.s3.object("models", `${at}/${path}`)?.body ?? []).toString();
    expect(text("checkpoints/best-3-abcdef01.pt")).toBe("weights");
    expect(JSON.parse(text("results.json"))).toEqual({ images: 3 });
    expect(JSON.parse(bench.run().tags.get("trainer_sdk.checkpoint.best") ?? "")).toMatchObject({ path: "checkpoints/best-3-abcdef01.pt" });
  });

  it("in a bucket without credentials keeps points and addresses, and says of files what to set", async () => {
    bench.double.artifactRoot = "s3://models/mlflow";
    const env = { MLFLOW_S3_ENDPOINT_URL: bench.url, AWS_REGION: "us-east-1", AWS_EC2_METADATA_DISABLED: "true" };
    const job = bench.job({ openStore: (uri) => mlflowArtifactStore(uri, { env, logger }) });
    await job.open();
    const outcomes = await job.deliver([
      record(1, checkpoint({ file: aFile(Buffer.from("weights")) })),
      record(2, { kind: "configuration", name: "net", text: "x" }),
      record(3, progress({ epoch: 1, metrics: { loss: 1 } })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["delivered", "rejected", "delivered"]);
    expect(JSON.stringify(outcomes[1])).toMatch(/AWS_ACCESS_KEY_ID.*MLFLOW_S3_ENDPOINT_URL.*--serve-artifacts/);
    expect(job.warnings.join()).toContain("AWS_ACCESS_KEY_ID");
    expect(JSON.parse(bench.run().tags.get("trainer_sdk.checkpoint.best") ?? "")).not.toHaveProperty("path");
  });

  it.each([
    ["s3://models/mlflow", { MLFLOW_S3_ENDPOINT_URL: "minio:9000" }, /MLFLOW_S3_ENDPOINT_URL must be an http or https URL/],
    ["s3://models/mlflow", { AWS_ENDPOINT_URL_S3: "minio:9000" }, /AWS_ENDPOINT_URL_S3 must be an http or https URL/],
    ["file:///mlruns/%FF", {}, /names no folder/],
  ])("at %s with %j keeps points all the same, and says of files what is wrong", async (root, env, words) => {
    bench.double.artifactRoot = root;
    const job = bench.job({ openStore: (uri) => mlflowArtifactStore(uri, { env, logger }) });
    await job.open();
    const outcomes = await job.deliver([
      record(1, { kind: "configuration", name: "net", text: "x" }),
      record(2, progress({ epoch: 1, metrics: { loss: 1 } })),
    ]);
    expect(outcomes).toMatchObject([{ status: "rejected", reason: expect.stringMatching(words) as string }, delivered]);
  });

  it("in a bucket that is not there is told of by what named it", async () => {
    await using store = await startS3();
    bench.double.artifactRoot = "s3://nobody-made-it/mlflow";
    const env = { ...S3_ENV, MLFLOW_S3_ENDPOINT_URL: store.server.url, AWS_REGION: "us-east-1" };
    const job = bench.job({ openStore: (uri) => mlflowArtifactStore(uri, { env, logger }) });
    await job.open();
    const [outcome] = await job.deliver([record(1, { kind: "configuration", name: "net", text: "x" })]);
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.stringMatching(/correct the run's artifact address/) as string });
  });

  it("in a folder that the server shares has its files there", async () => {
    const root = join(folder, "mlruns");
    await mkdir(root);
    bench.double.artifactRoot = pathToFileURL(root).href;
    bench.double.listed = ["results.json"];
    const job = bench.job({ openStore: (uri) => mlflowArtifactStore(uri, { env: {}, logger }) });
    await job.open();
    expect(await job.deliver([end])).toEqual([delivered]);
    const file = join(root, "1", bench.run().info.run_id, "artifacts", "results.json");
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ images: 3 });
  });

  it.each([
    ["that is not the server's, though it has the name", true, /it is not the same disk/],
    ["that is not on this machine", false, /in file:\/\/\/.*\/artifacts, where.*there is no .*mlruns on this machine/],
  ])("in a folder %s refuses files with words, and leaves none", async (_what, isThere, words) => {
    const root = join(folder, "mlruns");
    if (isThere) await mkdir(root);
    bench.double.artifactRoot = pathToFileURL(root).href;
    const job = bench.job({ openStore: (uri) => mlflowArtifactStore(uri, { env: {}, logger }) });
    await job.open();
    expect(await job.deliver([end])).toMatchObject([{ status: "rejected", reason: expect.stringMatching(words) as string }]);
    expect(bench.run().info.status).toBe("FINISHED");
    const left = isThere ? await readdir(root, { recursive: true, withFileTypes: true }) : [];
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });
});
