/**
 * Files of a trainer in a real MLflow whose store is a real S3 server: large ones in parts through the proxy, and those of runs whose
 * artifacts lie in a bucket or a folder of their own. Read back by way of MLflow's server.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUCKET, READER, startRealS3, type RealS3 } from "../../support/real-s3.js";
import { startMlflow, type MlflowServer } from "./mlflow-server.js";
import { startSinkTrainer } from "./sink-trainers.js";
import { bucketPackages, MLFLOW_LINES, pythonOf } from "./tools.js";

const MEBIBYTES = 66;

describe.each(MLFLOW_LINES)("files of a trainer in MLflow $version", (line) => {
  let s3: RealS3;
  let mlflow: MlflowServer;
  let folder: string;
  let bucketEnv: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "interop-sink-files-"));
    s3 = await startRealS3();
    bucketEnv = {
      MLFLOW_S3_ENDPOINT_URL: `http://${s3.host}`,
      AWS_ACCESS_KEY_ID: READER.accessKeyId,
      AWS_SECRET_ACCESS_KEY: READER.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
    };
    const env = { ...bucketEnv, PYTHONPATH: await bucketPackages() };
    mlflow = await startMlflow(await pythonOf(line), { destination: `s3://${BUCKET}/proxied`, env });
  });
  afterAll(async () => {
    await mlflow.close();
    await s3.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function call(path: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await fetch(`${mlflow.trackingUri}/api/2.0/mlflow/${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json" },
    });
    return (await answer.json()) as Record<string, unknown>;
  }

  /** A job whose one large checkpoint and results go to an experiment; answers the run's id. */
  async function job(name: string, given: Record<string, string>): Promise<string> {
    const home = join(folder, name);
    await mkdir(home);
    const env = {
      MLFLOW_TRACKING_URI: mlflow.trackingUri,
      MLFLOW_EXPERIMENT_NAME: name,
      TRAINER_SINKS: "mlflow",
      TRAINER_MLFLOW_FILES: "upload",
    };
    const trainer = await startSinkTrainer(name, home, { ...env, ...given });
    await trainer.tell("epoch 1", `large ${String(MEBIBYTES)}`);
    expect(await trainer.end()).toBe(true);
    const { experiment } = await call(`experiments/get-by-name?experiment_name=${name}`);
    const ids = [(experiment as { experiment_id: string }).experiment_id];
    const { runs } = await call("runs/search", { experiment_ids: ids, max_results: 10 });
    const [run, ...others] = runs as { info: { run_id: string; status: string } }[];
    expect([run?.info.status, others]).toEqual(["FINISHED", []]);
    return run?.info.run_id ?? "";
  }

  /** By way of the server, from whatever store. */
  async function digestAt(runId: string, path: string): Promise<string> {
    const answer = await fetch(`${mlflow.trackingUri}/get-artifact?run_uuid=${runId}&path=${encodeURIComponent(path)}`);
    expect(answer.status).toBe(200);
    return createHash("sha256")
      .update(Buffer.from(await answer.arrayBuffer()))
      .digest("hex");
  }

  async function expectFiles(runId: string): Promise<void> {
    const { files } = await call(`artifacts/list?run_id=${runId}&path=checkpoints`);
    const [file] = files as { path: string; file_size: number }[];
    expect(file?.file_size).toBe(MEBIBYTES * 1024 ** 2);
    const bytes = Buffer.alloc(MEBIBYTES * 1024 ** 2);
    for (let at = 0; at < bytes.length; at += 4096) bytes.writeUInt32LE(at, at);
    expect(await digestAt(runId, file?.path ?? "")).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(await digestAt(runId, "results.json")).toBe(createHash("sha256").update('{\n  "images": 3\n}\n').digest("hex"));
  }

  it("go in parts to the store behind the proxy, large ones past the server", async () => {
    s3.seen.length = 0;
    const runId = await job("proxied", {});
    const parts = s3.seen.filter(({ method, query }) => method === "PUT" && query.has("uploadId"));
    expect(parts.map(({ query }) => Number(query.get("partNumber"))).toSorted((one, other) => one - other)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    // The trainer was given addresses, and no keys.
    expect(parts.every(({ query }) => query.has("X-Amz-Signature") || query.has("Signature"))).toBe(true);
    await expectFiles(runId);
  });

  // Which server tells of the place makes no difference to what is put there: once is enough.
  it.runIf(line.hasLoggedModels)("go straight to the bucket of a run whose artifacts lie there", async () => {
    await call("experiments/create", { name: "direct", artifact_location: `s3://${BUCKET}/direct` });
    await expectFiles(await job("direct", bucketEnv));
  });

  it.runIf(line.hasLoggedModels)("go straight to the folder of a run whose artifacts lie on a shared disk", async () => {
    const shared = join(folder, "shared");
    await mkdir(shared);
    await call("experiments/create", { name: "folder", artifact_location: pathToFileURL(shared).href });
    await expectFiles(await job("folder", {}));
  });
});
