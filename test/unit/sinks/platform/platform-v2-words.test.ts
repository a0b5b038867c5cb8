import { expect, it } from "vitest";
import { errorMessageOf, errorTypeOf } from "../../../../src/sinks/platform/v2/error-type.js";
import { metricColumns } from "../../../../src/sinks/platform/v2/metric-columns.js";
import { isLogged, isReported, toPlatformV2Request } from "../../../../src/sinks/platform/v2/platform-v2-dialect.js";
import { numericJobId, type PlatformV2Job } from "../../../../src/sinks/platform/v2/platform-v2-job.js";
import { platformPath } from "../../../../src/sinks/platform/v2/wire-text.js";
import { FACTS, recordOf } from "../../../support/facts.js";
import { fails, SCHEMAS, type CallKind } from "../../../support/platform-schemas.js";

const JOB: PlatformV2Job = { operation: "training", jobId: 7, taskType: "detection", primaryMetric: undefined, totalEpochs: undefined };

it.each([
  ["s3://minio:9000/training-checkpoints/checkpoints/7/best.pt", "s3://training-checkpoints/checkpoints/7/best.pt"],
  ["s3://training-checkpoints/checkpoints/7/best.pt", "s3://training-checkpoints/checkpoints/7/best.pt"],
  ["https://files.example/7/best.pt", "https://files.example/7/best.pt"],
  [`s3://bucket/${"x".repeat(500)}`, undefined],
])("writes the address %s as the platform reads it", (uri, path) => {
  expect(platformPath(uri)).toBe(path);
});

it("fills the backend's columns by the names that its SDK knew, then by a metric's title", () => {
  expect(metricColumns({ "mAP50-95": 0.5, val_accuracy: 0.9, train_loss: 1, lr: 0.1 })).toMatchObject({
    loss: 1,
    accuracy: 0.5,
    learning_rate: 0.1,
  });
  expect(metricColumns({ train_accuracy: 0.1, "val/accuracy": 0.9 })).toMatchObject({ accuracy: 0.9 });
  expect(metricColumns({ a: 0 })).toEqual({ extra_metrics: { a: 0 } });
  expect(metricColumns({ loss: "NaN" })).toBeUndefined();
});

it.each([
  [{ error: { name: "DatasetError", message: "x" } }, "DatasetError"],
  [{ error: { name: "RangeError", message: "CUDA out of memory" } }, "ResourceError"],
  [{ error: { name: "Error", message: "connect ECONNREFUSED 127.0.0.1" } }, "NetworkError"],
  [{ reason: "out-of-memory" }, "ResourceError"],
  [{ error: { name: "TypeError", message: "x is undefined" } }, "UnknownError"],
])("calls %j a %s", (fact, type) => {
  expect(errorTypeOf(fact)).toBe(type);
  expect(errorMessageOf(fact)).toMatch(new RegExp(`^\\[${type}\\] .`));
});

it.each(["", "a", "1.5", "-1", "0x10", undefined])("takes no job with the id %j", (id) => {
  expect(() => numericJobId(id)).toThrow(/JOB_ID must be a decimal number/);
});

it("says every kind of fact so that the backend's schema takes it, or says nothing", () => {
  const kinds: readonly (readonly [RegExp, CallKind])[] = [
    [/progress$/, "progress"],
    [/training.*completion$/, "completion"],
    [/logs$/, "logs"],
    [/results$/, "validation"],
  ];
  const said = Object.values(FACTS).flatMap((fact) => {
    const record = recordOf(fact);
    if (!isReported(record, JOB) && !isLogged(record, JOB)) return [];
    const request = toPlatformV2Request(record, { job: JOB, state: {} });
    const kind = kinds.find(([pattern]) => pattern.test(request?.path ?? ""))?.[1] ?? "upload-url";
    const body = request?.body as Record<string, unknown>;
    expect(SCHEMAS[kind].safeParse(body).error).toBeUndefined();
    expect(fails(kind, body)).toBeUndefined();
    return [fact.kind];
  });
  expect(new Set(said)).toEqual(new Set(["started", "progress", "validation", "log", "checkpoint", "model", "final"]));
});
