import { describe, expect, it } from "vitest";
import { CALLBACK_SCHEMAS, type CallbackPath } from "../../../../src/protocol/callbacks.js";
import { planDialect } from "../../../../src/sinks/platform/plan-dialect.js";
import { FACTS, recordOf, RUN_ID } from "../../../support/facts.js";

const context = { operation: "training", jobId: "7", taskId: "task-1" } as const;
const envelope = { job_id: "7", run_id: RUN_ID, task_id: "task-1", sequence: 9, reported_at: "2026-01-01T00:00:00.000Z" };
const fileBody = {
  key: "checkpoints/7/best-3-abcdef01.pt",
  file_name: "best.pt",
  size_bytes: 1234,
  sha256: "ab".repeat(32),
  content_type: "application/octet-stream",
};
const uri = "s3://minio:9000/models/checkpoints/7/best-3-abcdef01.pt";

/** As it goes over the wire. */
function said(fact: keyof typeof FACTS, given: Partial<typeof context> = {}): { path: string; body: Record<string, unknown> } | undefined {
  const request = planDialect.toRequest(recordOf(FACTS[fact], 9), { ...context, ...given });
  return request && { path: request.path, body: JSON.parse(JSON.stringify(request.body)) };
}

describe("the plan dialect", () => {
  it.each([
    ["started", "/started", { operation_type: "training", total_epochs: 50, message: "hello" }],
    // Values that JSON cannot say are null; a true 0 stays 0.
    [
      "progress",
      "/progress",
      {
        operation_type: "training",
        epoch: 3,
        total_epochs: 50,
        iteration: 300,
        metrics: { train_loss: 0.31, "val/accuracy": null, lr: null, zero: 0 },
        message: "epoch done",
      },
    ],
    ["percent", "/progress", { operation_type: "inference", percent: 40.5, metrics: {} }],
    ["validation", "/validation", { operation_type: "training", epoch: 3, metrics: { map: 0.5, iou: null } }],
    ["log", "/log", { operation_type: "training", level: "warning", message: "low memory" }],
    [
      "checkpoint",
      "/checkpoint",
      {
        operation_type: "training",
        type: "best",
        is_best: true,
        epoch: 3,
        iteration: 300,
        uri,
        ...fileBody,
        metrics: { val_loss: 0.2 },
        framework: "PyTorch",
        metadata: { anchors: [1, 2], nested: { a: null } },
      },
    ],
    ["bareCheckpoint", "/checkpoint", { operation_type: "training", type: "last", is_best: false, uri, ...fileBody }],
    [
      "model",
      "/model",
      {
        operation_type: "training",
        name: "detector",
        uri,
        ...fileBody,
        framework: "PyTorch",
        tags: ["prod-candidate"],
        labels: { cat: 0 },
        comment: "the good one",
        metadata: { input: "640" },
        metrics: { map: 0.5 },
        parent_model_id: "parent",
        datasets: ["coco"],
        epoch: 3,
        iteration: 300,
        publish: true,
      },
    ],
    ["bareModel", "/model", { operation_type: "training", name: "detector", uri: "s3://elsewhere/model.pt", tags: [], publish: false }],
    [
      "completed",
      "/completed",
      { operation_type: "training", final_metrics: { map: 0.5, nan: null }, results: { images: 3 }, epoch: 50, total_epochs: 50 },
    ],
    [
      "failed",
      "/failed",
      { operation_type: "training", error: { name: "RangeError", message: "out of memory", stack: "at train" }, epoch: 3 },
    ],
    ["failedWithReason", "/failed", { operation_type: "training", error: { name: "Error", message: "killed" }, reason: "killed" }],
    ["stopped", "/stopped", { operation_type: "export", reason: "over budget" }],
  ] as const)("puts %s into %s, as the schema has it", (fact, path, body) => {
    const request = said(fact);
    expect(request).toEqual({ path, body: { ...body, ...envelope } });
    expect(CALLBACK_SCHEMAS[path.slice(1) as CallbackPath].safeParse(request?.body).error).toBeUndefined();
    expect(planDialect.accepts?.(recordOf(FACTS[fact]))).toBe(true);
  });

  it.each(["scalar", "plot", "media", "resources", "artifact", "tags", "hyperparameters", "configuration"] as const)(
    "has no words for %s",
    (fact) => {
      expect(planDialect.accepts?.(recordOf(FACTS[fact]))).toBe(false);
      expect(said(fact)).toBeUndefined();
    },
  );

  it("says null for a job and a task that are not known", () => {
    expect(planDialect.toRequest(recordOf(FACTS.log), { operation: "export", jobId: undefined, taskId: undefined })?.body).toMatchObject({
      operation_type: "export",
      job_id: null,
      task_id: null,
    });
  });

  it("begins with the plan's own fields", () => {
    expect(Object.keys(said("progress")?.body ?? {}).slice(0, 3)).toEqual(["operation_type", "epoch", "total_epochs"]);
  });

  it.each([
    [{ action: "stop", reason: "over budget" }, "over budget"],
    [{ action: "stop" }, "the backend asked the job to stop"],
    [{ action: "continue" }, undefined],
    ["stop", undefined],
    [undefined, undefined],
  ])("reads %j as %s", (answer, reason) => {
    expect(planDialect.readAnswer?.(answer)?.reason).toBe(reason);
  });
});
