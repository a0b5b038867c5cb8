import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ARTIFACT_KEY_TEMPLATE,
  CHECKPOINT_KEY_TEMPLATE,
  MODEL_KEY_TEMPLATE,
  objectKeyTemplateIssues,
  renderObjectKey,
} from "../../../src/storage/object-key.js";

const sha256 = "0123456789abcdef".repeat(4);
const parts = { jobId: "job-7", sha256, fileName: "weights.pt", type: "best", epoch: 3 };

describe("renderObjectKey", () => {
  it.each([
    ["all parts", CHECKPOINT_KEY_TEMPLATE, parts, "checkpoints/job-7/best-3-01234567.pt"],
    ["epoch 0", CHECKPOINT_KEY_TEMPLATE, { ...parts, epoch: 0 }, "checkpoints/job-7/best-0-01234567.pt"],
    ["no epoch: its hyphen goes too", CHECKPOINT_KEY_TEMPLATE, { ...parts, epoch: undefined }, "checkpoints/job-7/best-01234567.pt"],
    ["no type at a segment's start", CHECKPOINT_KEY_TEMPLATE, { ...parts, type: undefined }, "checkpoints/job-7/3-01234567.pt"],
    ["no ending", CHECKPOINT_KEY_TEMPLATE, { ...parts, fileName: "weights" }, "checkpoints/job-7/best-3-01234567"],
    ["a double ending", ARTIFACT_KEY_TEMPLATE, { ...parts, name: "logs", fileName: "out.tar.gz" }, "artifacts/job-7/logs-01234567.tar.gz"],
    ["a model with a slash in its name", MODEL_KEY_TEMPLATE, { ...parts, name: "det/v1" }, "models/job-7/det_v1-01234567.pt"],
    ["a job that would climb", CHECKPOINT_KEY_TEMPLATE, { ...parts, jobId: "../../etc" }, "checkpoints/_.._etc/best-3-01234567.pt"],
    ["a job of dots alone", CHECKPOINT_KEY_TEMPLATE, { ...parts, jobId: ".." }, "checkpoints/best-3-01234567.pt"],
    ["letters of any script", CHECKPOINT_KEY_TEMPLATE, { ...parts, jobId: "работа 7" }, "checkpoints/работа_7/best-3-01234567.pt"],
    [
      "a template of the user's",
      "{operation}/{runId}/{type}_{iteration}-{sha256}{ext}",
      { ...parts, operation: "training", runId: "r1", iteration: 40 },
      `training/r1/best_40-${sha256}.pt`,
    ],
    ["slashes at the ends and in a row", "/a//{digest8}/", parts, "a/01234567"],
  ])("renders %s", (_what, template, given, key) => {
    expect(renderObjectKey(template, given)).toBe(key);
  });

  it("falls back to the digest when a template makes a key too long for S3", () => {
    const key = renderObjectKey(`${"{name}/".repeat(12)}{digest8}{ext}`, { ...parts, name: "é".repeat(200) });
    expect(key).toBe(`${sha256}.pt`);
  });

  it("gives a safe key whatever the parts and the template hold", () => {
    const template = fc.oneof(
      fc.constant(CHECKPOINT_KEY_TEMPLATE),
      fc.string().map((text) => `${text}/{jobId}/{name}-{digest8}{ext}`),
    );
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("..", ".", "/", "a/../b", "\u0000", "\\", "%2e%2e"));
    fc.assert(
      fc.property(template, text, text, text, (pattern, jobId, name, fileName) => {
        const key = renderObjectKey(pattern, { jobId, name, fileName, sha256, type: name });
        expect(key).not.toBe("");
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(900);
        for (const segment of key.split("/")) {
          expect(segment).toMatch(/^[\p{L}\p{N}._=+@-]+$/u);
          expect(segment).not.toMatch(/^\./);
        }
      }),
    );
  }, 60_000);
});

describe("objectKeyTemplateIssues", () => {
  it.each([
    ["{jobId}/{type}-{digest8}{ext}", []],
    ["{jobId}/{sha256}", []],
    ["checkpoints/{jobId}/{type}.pt", [/lacks \{digest8\} or \{sha256\}/]],
    ["{jobID}-{digest8}", [/\{jobID\} is no placeholder/]],
    ["{digest8}-{name", [/brace is left open/]],
  ])("of %s are %j", (template, messages) => {
    const issues = objectKeyTemplateIssues(template, "checkpointKey");
    expect(issues).toEqual(messages.map((message) => ({ path: "checkpointKey", message: expect.stringMatching(message) })));
  });
});

it("asks for no digest in a second name, which nobody is promised", () => {
  expect(objectKeyTemplateIssues("checkpoints/{jobId}/{type}.pt", "checkpointAlias", { isAlias: true })).toEqual([]);
  expect(objectKeyTemplateIssues("{typ}.pt", "checkpointAlias", { isAlias: true })).toHaveLength(1);
});
