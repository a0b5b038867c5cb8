/** What a job's records become in MLflow, over a socket. */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ValidationError } from "../../../src/base/errors.js";
import type { StoredFile } from "../../../src/records/facts.js";
import { Fence } from "../../../src/sinks/fence.js";
import { checkpoint, final, model, progress, record, storedFile } from "../../unit/sinks/clearml/facts.js";
import { MlflowBench } from "./mlflow-bench.js";

let bench: MlflowBench;
beforeEach(async () => {
  bench = await MlflowBench.start();
});
afterEach(() => bench[Symbol.asyncDispose]());

const delivered = (count: number) => Array.from({ length: count }, () => ({ status: "delivered" }));

/** A file that can be read back. */
function aFile(content: string, given: Partial<StoredFile> = {}): StoredFile {
  const bytes = Buffer.from(content);
  const file = storedFile({ sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex"), ...given });
  bench.stored.set(file.uri, bytes);
  return file;
}

const fileOf = (path: string): string | undefined => {
  const entry = [...bench.double.files].find(([name]) => name.endsWith(`/artifacts/${path}`));
  return entry?.[1].toString();
};

describe("points", () => {
  it("keep the caller's names, times and steps, and words for what is no number", async () => {
    const job = bench.job();
    await job.open();
    const records = [
      record(1, progress({ epoch: 2, metrics: { "train/loss": 0.1, "val accuracy": "NaN", up: "Infinity", down: "-Infinity" } })),
      record(2, { kind: "scalar", title: "lr", series: "group 0", value: 1e-3, iteration: 10 }),
      record(3, { kind: "scalar", title: "Summary", series: "best", value: 1 }),
      record(4, { kind: "resources", iteration: 7, readings: { cpu_usage: 50 } }),
      record(5, { kind: "validation", iteration: 30, metrics: { map: 0.5 } }),
    ];
    expect(await job.deliver(records)).toEqual(delivered(5));
    const at = (index: number): number | undefined => records[index]?.createdAtMs;
    expect(bench.run().points).toEqual([
      { key: "train/loss", value: 0.1, timestamp: at(0), step: 2 },
      { key: "val accuracy", value: "NaN", timestamp: at(0), step: 2 },
      { key: "up", value: "Infinity", timestamp: at(0), step: 2 },
      { key: "down", value: "-Infinity", timestamp: at(0), step: 2 },
      { key: "lr/group 0", value: 1e-3, timestamp: at(1), step: 10 },
      { key: "Summary/best", value: 1, timestamp: at(2), step: 0 },
      { key: "system/cpu_usage", value: 50, timestamp: at(3), step: 7 },
      { key: "map", value: 0.5, timestamp: at(4), step: 30 },
    ]);
    expect(bench.double.malformed).toEqual([]);
    expect(bench.double.requests.filter((request) => request.endsWith("log-batch"))).toHaveLength(1);
  });

  it("of names that MLflow refuses arrive under names of their own, never under each other's", async () => {
    const job = bench.job();
    await job.open();
    const metrics = { "a@b": 1, "a#b": 2, a_b: 3, "/x//y/": 4, "..": 5, ["n".repeat(300)]: 6, ["n".repeat(301)]: 7, größe: 8 };
    expect(await job.deliver([record(1, progress({ epoch: 1, metrics }))])).toEqual(delivered(1));
    const points = new Map(bench.run().points.map(({ key, value }) => [value, key]));
    expect(new Set(points.values()).size).toBe(8);
    expect([points.get(3), points.get(8)]).toEqual(["a_b", "größe"]);
  });

  it("of a long batch go in requests of a thousand", async () => {
    const job = bench.job();
    await job.open();
    const metrics = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`m${String(index)}`, index]));
    const records = Array.from({ length: 5 }, (_, epoch) => record(epoch + 1, progress({ epoch, metrics })));
    expect(await job.deliver(records)).toEqual(delivered(5));
    expect(bench.run().points).toHaveLength(2000);
    expect(bench.double.requests.filter((request) => request.endsWith("log-batch"))).toHaveLength(3);
  });
});

describe("parameters", () => {
  const parameters = (sequence: number, values: Record<string, string>, section = "General") =>
    record(sequence, {
      kind: "hyperparameters",
      section,
      values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }])),
    });

  it("are written once: what a later process would change is told by a tag", async () => {
    const job = bench.job();
    await job.open();
    expect(await job.deliver([parameters(1, { lr: "0.1", epochs: "3" }), parameters(2, { lr: "0.1" }, "Args")])).toEqual(delivered(2));
    const later = bench.job({}, job.values);
    await later.open();
    expect(await later.deliver([parameters(3, { lr: "0.2", epochs: "3", added: "" })])).toEqual(delivered(1));
    expect(Object.fromEntries(bench.run().params)).toEqual({ lr: "0.1", epochs: "3", "Args/lr": "0.1", added: "" });
    expect(bench.run().tags.get("trainer_sdk.changed.lr")).toBe("0.2");
    expect(bench.run().tags.has("trainer_sdk.changed.epochs")).toBe(false);
    await later.deliver([parameters(4, { lr: "0.1" })]);
    expect(bench.run().tags.get("trainer_sdk.changed.lr")).toBe("0.1");
  });

  it("come by the hundred, and those that are too long whole in a file", async () => {
    const job = bench.job();
    await job.open();
    const values = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`p${String(index)}`, String(index)]));
    expect(await job.deliver([parameters(1, { ...values, long: "é".repeat(7000) })])).toEqual(delivered(1));
    expect(bench.run().params.size).toBe(251);
    expect(bench.run().params.get("long")).toHaveLength(6000);
    expect(JSON.parse(fileOf("parameters/long-values-1.json") ?? "")).toEqual({ long: "é".repeat(7000) });
  });
});

describe("files", () => {
  it("arrive whole, with a tag that says what they are", async () => {
    const job = bench.job();
    await job.open();
    const file = aFile("weights");
    const records = [
      record(1, checkpoint({ type: "best", isBest: true, file, metrics: { map: 0.5 } })),
      record(2, {
        kind: "artifact",
        name: "labels",
        type: "dict",
        uri: file.uri,
        file: aFile("{}", { uri: "s3://b/l", fileName: "l.json" }),
      }),
      record(3, model({ file, uri: file.uri, framework: "ONNX" })),
      record(4, { kind: "configuration", name: "net", text: "layers: 3", type: "yaml" }),
      record(5, { kind: "plot", title: "loss", series: "", iteration: 4, figure: '{"data":[{"name":"</script>"}],"layout":{}}' }),
    ];
    expect(await job.deliver(records)).toEqual(delivered(5));
    expect(fileOf("checkpoints/best-3-abcdef01.pt")).toBe("weights");
    expect(fileOf("artifacts/labels.json")).toBe("{}");
    expect(fileOf("models/detector/best-3-abcdef01.pt")).toBe("weights");
    expect(fileOf("configuration/net.yaml")).toBe("layers: 3");
    expect(fileOf("plots/loss/4.html")).toContain('{"data":[{"name":"\\u003c/script>"}],"layout":{}}');
    expect(JSON.parse(bench.run().tags.get("trainer_sdk.checkpoint.best") ?? "")).toMatchObject({
      uri: file.uri,
      path: "checkpoints/best-3-abcdef01.pt",
      sha256: file.sha256,
      is_best: true,
      metrics: { map: 0.5 },
    });
  });

  it("of an image have the name by which MLflow shows it along its steps", async () => {
    const job = bench.job();
    await job.open();
    const file = aFile("png", { contentType: "image/png", fileName: "mask.png" });
    await job.deliver([record(1, { kind: "media", title: "masks", series: "val", iteration: 12, uri: file.uri, file })]);
    const name = [...bench.double.files.keys()].find((path) => path.includes("/images/"));
    expect(name).toMatch(
      /\/images\/masks - val\+step\+12\+timestamp\+\d{13}\+k[0-9a-f]{7}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.png$/,
    );
    expect(bench.run().tags.get("mlflow.loggedImages")).toBe("True");
  });

  it.each([
    ["large and in a bucket", { sizeBytes: 17 * 1024 * 1024 }, {}],
    ["said to be linked", {}, { files: "link" as const }],
    [
      "that cannot be read back",
      { uri: "https://elsewhere/x" },
      { openFile: () => Promise.reject(new ValidationError("no way back", [])) },
    ],
  ])("%s leave their address", async (_what, given, options) => {
    const job = bench.job(options);
    await job.open();
    const file = aFile("weights", given);
    expect(await job.deliver([record(1, checkpoint({ file }))])).toEqual(delivered(1));
    expect(bench.double.files.size).toBe(0);
    const tag = JSON.parse(bench.run().tags.get("trainer_sdk.checkpoint.best") ?? "") as Record<string, unknown>;
    expect(tag).toMatchObject({ uri: file.uri });
    expect(tag).not.toHaveProperty("path");
  });

  it("that are not what was stored are refused, and never whole at the server", async () => {
    const job = bench.job();
    await job.open();
    const file = aFile("weights");
    bench.stored.set(file.uri, Buffer.from("WEIGHTS"));
    const [outcome] = await job.deliver([record(1, checkpoint({ file }))]);
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.stringContaining("is not what was stored") as string });
    expect(bench.double.files.size).toBe(0);
  });

  it("of an older checkpoint whose bytes took longer do not take the newer one's tag", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([record(9, checkpoint({ epoch: 9, file: aFile("new", { key: "checkpoints/42/best-9-aa.pt" }) }))]);
    await job.deliver([record(3, checkpoint({ epoch: 3, file: aFile("old", { key: "checkpoints/42/best-3-bb.pt", uri: "s3://b/old" }) }))]);
    expect(bench.run().tags.get("trainer_sdk.checkpoint.best")).toContain('"epoch":9');
  });

  it("of an older artifact that took longer do not overwrite the newer one's", async () => {
    const job = bench.job();
    await job.open();
    const artifact = (content: string, uri: string) => ({
      kind: "artifact" as const,
      name: "labels",
      type: "custom",
      uri,
      file: aFile(content, { uri }),
    });
    await job.deliver([record(9, artifact("new", "https://files/labels-9.json"))]);
    await job.deliver([record(3, artifact("old", "https://files/labels-3.json"))]);
    expect([...bench.double.files.values()].map(String)).toEqual(["new"]);
  });

  it("of a run whose artifacts lie elsewhere leave their address, and what is only a file is refused", async () => {
    bench.double.artifactRoot = "s3://mlflow";
    const job = bench.job();
    await job.open();
    const outcomes = await job.deliver([
      record(1, checkpoint({ file: aFile("weights") })),
      record(2, { kind: "configuration", name: "net", text: "x" }),
      record(3, progress({ epoch: 1, metrics: { loss: 1 } })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["delivered", "rejected", "delivered"]);
  });
});

describe("the run", () => {
  it("begins with the first record, under the job's name, in an experiment that is made", async () => {
    const job = bench.job({ taskId: () => "task-1" });
    await job.open();
    expect(bench.double.runs).toHaveLength(0);
    const first = record(1, { kind: "started", operation: "training" });
    await job.deliver([first]);
    expect(bench.run().info).toMatchObject({ run_name: "Training Job 42", status: "RUNNING", start_time: first.createdAtMs });
    expect(bench.double.experiments.map(({ name }) => name)).toEqual(["Default", "Project 7"]);
    expect(Object.fromEntries(bench.run().tags)).toMatchObject({
      "trainer_sdk.key": "trainer-sdk:training:7:42",
      "trainer_sdk.task_id": "task-1",
      "mlflow.user": "somebody",
    });
  });

  it.each([
    ["completed", "FINISHED"],
    ["failed", "FAILED"],
    ["stopped", "KILLED"],
  ] as const)("that is %s is %s, after its last figures", async (status, word) => {
    const job = bench.job();
    await job.open();
    const end = record(2, final({ status, finalMetrics: { map: 0.5 }, reason: "over budget", results: { images: 3 } }));
    expect(await job.deliver([record(1, progress({ epoch: 1, metrics: { loss: 1 } })), end])).toEqual(delivered(2));
    expect(bench.run().info).toMatchObject({ status: word, end_time: end.createdAtMs });
    expect(bench.run().points.at(-1)).toMatchObject({ key: "Summary/map", step: 0 });
    expect(bench.run().tags.get("trainer_sdk.reason")).toBe("over budget");
    expect(JSON.parse(fileOf("results.json") ?? "")).toEqual({ images: 3 });
    expect(bench.double.requests.at(-1)).toBe("POST /api/2.0/mlflow/runs/update");
  });

  it("that has ended runs again with a new attempt's first record, and not with an old one", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([record(1, progress({ epoch: 1 })), record(2, final())]);
    const later = bench.job({}, job.values);
    await later.open();
    await later.deliver([record(1, progress({ epoch: 1, metrics: { replayed: 1 } }))]);
    expect(bench.run().info.status).toBe("FINISHED");
    await later.deliver([record(3, progress({ epoch: 2, metrics: { loss: 1 } }))]);
    expect(bench.run().info.status).toBe("RUNNING");
  });

  it("ends with as many final metrics as there are", async () => {
    const job = bench.job();
    await job.open();
    const finalMetrics = Object.fromEntries(Array.from({ length: 2_500 }, (_, index) => [`m${String(index)}`, index]));
    expect(await job.deliver([record(1, final({ finalMetrics }))])).toEqual([{ status: "delivered" }]);
    expect(bench.run().points).toHaveLength(2_500);
    expect(bench.run().info.status).toBe("FINISHED");
  });

  it("is told its ClearML task once that is known", async () => {
    const known: string[] = [];
    const job = bench.job({ taskId: () => known[0] });
    await job.open();
    await job.deliver([record(1, progress({ epoch: 1, metrics: { loss: 1 } }))]);
    expect(bench.run().tags.has("trainer_sdk.task_id")).toBe(false);
    known.push("task-9");
    await job.deliver([record(2, progress({ epoch: 2, metrics: { loss: 1 } }))]);
    expect(bench.run().tags.get("trainer_sdk.task_id")).toBe("task-9");
  });

  it("takes tags, and gives them back, without touching MLflow's own", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([record(1, { kind: "tags", add: ["prod", "mlflow.runName"], remove: [] })]);
    await job.deliver([record(2, { kind: "tags", add: [], remove: ["prod", "never there"] })]);
    expect(bench.run().tags.has("prod")).toBe(false);
    expect(bench.run().tags.get("tag.mlflow.runName")).toBe("true");
  });

  it("is left alone by an attempt that was superseded", async () => {
    const fence = new Fence(1, () => undefined);
    const job = bench.job({ fence });
    await job.open();
    fence.lose("another");
    expect(await job.deliver([record(1, progress({ epoch: 1 }))])).toMatchObject([{ status: "rejected" }]);
    expect(bench.double.runs).toHaveLength(0);
  });

  it("that was named and is not there turns the sink off, with words", async () => {
    const outcome = await bench.job({ runId: "ff".repeat(16) }).open();
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.stringContaining("MLFLOW_RUN_ID") as string });
    expect(bench.double.runs).toHaveLength(0);
  });
});
