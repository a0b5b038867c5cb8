import { describe, expect, it } from "vitest";
import { ConnectionError, UploadError } from "../../../src/base/errors.js";
import { s3Failure } from "../../../src/storage/s3-errors.js";
import { planParts } from "../../../src/storage/part-plan.js";

const target = { bucket: "models", key: "a/b.pt", endpoint: "http://minio:9000" };

function answered(name: string, status: number): Error {
  return Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode: status } });
}

describe("s3Failure", () => {
  it.each([
    ["AccessDenied", 403, "UPLOAD_FAILED", false, /Allow s3:PutObject and s3:AbortMultipartUpload/],
    ["Forbidden", 403, "UPLOAD_FAILED", false, /Allow s3:PutObject/],
    ["NoSuchBucket", 404, "UPLOAD_FAILED", false, /Create the bucket/],
    ["InvalidAccessKeyId", 403, "UPLOAD_FAILED", false, /check the credentials/],
    ["SignatureDoesNotMatch", 403, "UPLOAD_FAILED", false, /secret key is wrong/],
    ["PermanentRedirect", 301, "UPLOAD_FAILED", false, /AWS_REGION/],
    ["NotImplemented", 501, "UPLOAD_FAILED", false, /answered 501/],
    ["EntityTooLarge", 400, "UPLOAD_FAILED", false, /answered 400/],
    ["BadDigest", 400, "UPLOAD_FAILED", true, /answered 400/],
    ["NoSuchUpload", 404, "UPLOAD_FAILED", true, /answered 404/],
    ["ExpiredToken", 400, "UPLOAD_FAILED", true, /answered 400/],
    ["SlowDown", 503, "STORAGE_UNAVAILABLE", true, /answered 503/],
    ["InternalError", 500, "STORAGE_UNAVAILABLE", true, /answered 500/],
    ["RequestTimeout", 400, "STORAGE_UNAVAILABLE", true, /answered 400/],
    ["Unknown", 504, "STORAGE_UNAVAILABLE", true, /answered 504/],
    ["TooManyRequests", 429, "STORAGE_UNAVAILABLE", true, /answered 429/],
  ])("tells %s (%i) as %s, retryable %s", (name, status, code, retryable, message) => {
    const failure = s3Failure(answered(name, status), target);
    expect(failure).toBeInstanceOf(UploadError);
    expect(failure).toMatchObject({ code, retryable, message: expect.stringMatching(message) });
    expect(failure.message).toContain("bucket models at http://minio:9000, key a/b.pt");
    expect(failure.cause).toBeInstanceOf(Error);
  });

  it.each([
    ["refused", Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }), "CONNECTION_FAILED", false],
    ["reset", Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }), "CONNECTION_FAILED", true],
    ["refused on every address", new AggregateError([Object.assign(new Error("x"), { code: "ECONNREFUSED" })]), "CONNECTION_FAILED", false],
    ["silent", Object.assign(new Error("idle"), { name: "TimeoutError" }), "TIMEOUT", true],
  ])("tells a connection that is %s as no answer", (_what, error, code, ambiguous) => {
    const failure = s3Failure(error, target);
    expect(failure).toBeInstanceOf(ConnectionError);
    expect(failure).toMatchObject({ code, ambiguous });
  });

  it("tells a 200 that no S3 would send as a passing failure", () => {
    const failure = s3Failure(Object.assign(new SyntaxError("not XML"), { $metadata: { httpStatusCode: 200 } }), target);
    expect(failure).toMatchObject({ code: "UPLOAD_FAILED", retryable: true });
  });

  it("lets our own errors through", () => {
    const own = new UploadError("changed", { code: "FILE_CHANGED", retryable: false });
    expect(s3Failure(own, target)).toBe(own);
  });

  it("advises to correct what named the place", () => {
    const advised = (namedBy?: string): string => s3Failure(answered("NoSuchBucket", 404), { ...target, namedBy }).message;
    expect(advised()).toContain("correct CHECKPOINT_URI");
    expect(advised("TRAINER_HANDOVER_URI")).toContain("correct TRAINER_HANDOVER_URI");
    expect(advised("TRAINER_HANDOVER_URI")).not.toContain("CHECKPOINT_URI");
  });

  it("says what to do without credentials", () => {
    const failure = s3Failure(
      Object.assign(new Error("Could not load credentials from any providers"), { name: "CredentialsProviderError" }),
      target,
    );
    expect(failure).toMatchObject({ retryable: true, message: expect.stringContaining("AWS_ACCESS_KEY_ID") });
  });
});

describe("planParts", () => {
  const MiB = 1024 ** 2;
  const GiB = 1024 ** 3;
  it.each([
    [0, { partBytes: 8 * MiB, parts: 1, parallel: 6 }],
    [8 * MiB, { partBytes: 8 * MiB, parts: 1, parallel: 6 }],
    [8 * MiB + 1, { partBytes: 8 * MiB, parts: 2, parallel: 6 }],
    [100 * GiB, { partBytes: 11 * MiB, parts: 9310, parallel: 5 }],
    [1024 * GiB, { partBytes: 105 * MiB, parts: 9987, parallel: 1 }],
    [5 * 1024 * GiB, { partBytes: 525 * MiB, parts: 9987, parallel: 1 }],
  ])("cuts %i bytes into at most 10,000 parts", (sizeBytes, plan) => {
    expect(planParts(sizeBytes)).toEqual(plan);
  });
});
