import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { callbackAnswerSchema, CALLBACK_SCHEMAS } from "../../../src/protocol/callbacks.js";
import { CALLBACK_SCHEMA_FILE, callbackSchemaText } from "../../../scripts/write-callback-schema.js";

const envelope = { job_id: "7", run_id: "r", task_id: null, sequence: 3, reported_at: "2026-01-01T00:00:00.000Z" };

describe("the callback schemas", () => {
  it("are what the published JSON Schema says; else run `node scripts/write-callback-schema.ts`", () => {
    expect(readFileSync(CALLBACK_SCHEMA_FILE, "utf8")).toBe(callbackSchemaText());
  });

  it("take the plan's own example with its envelope", () => {
    const body = { operation_type: "training", epoch: 3, total_epochs: 50, metrics: { train_loss: 0.31, val_loss: null }, ...envelope };
    expect(CALLBACK_SCHEMAS.progress.parse(body)).toEqual(body);
  });

  it("let fields pass that they do not know", () => {
    const body = { operation_type: "training", level: "info", message: "x", ...envelope, later: true };
    expect(CALLBACK_SCHEMAS.log.parse(body)).toEqual(body);
  });

  it.each([
    ["a metric that is a text", { metrics: { loss: "NaN" } }],
    ["an epoch of 1.5", { epoch: 1.5, metrics: {} }],
    ["no metrics", {}],
    ["sequence 0", { metrics: {}, sequence: 0 }],
    ["a local time", { metrics: {}, reported_at: "2026-01-01 00:00" }],
  ])("refuse %s", (_what, fields) => {
    expect(CALLBACK_SCHEMAS.progress.safeParse({ operation_type: "training", ...envelope, ...fields }).success).toBe(false);
  });

  it.each([
    [{ action: "stop", reason: "over budget" }, true],
    [{ action: "stop" }, true],
    [{ action: "pause" }, false],
    [{ ok: true }, false],
  ])("read the answer %j as a wish to stop: %s", (answer, isStop) => {
    expect(callbackAnswerSchema().safeParse(answer).success).toBe(isStop);
  });
});
