/** What a failed upload means: an outage waits for ever, what a person can mend has its time, and only a refusal of the file itself is final. */
import { describe, expect, it } from "vitest";
import { ApiError, UploadError } from "../../../src/base/errors.js";
import { uploadFailure } from "../../../src/trainer/attachment-uploader.js";

function answer(service: "clearml" | "fileserver", status: number, retryAfterMs?: number): ApiError {
  const url = "http://files.test/";
  return new ApiError(`answered with ${String(status)}`, {
    service,
    method: "POST",
    url,
    status,
    retryable: false,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

describe("an upload that failed", () => {
  it.each([408, 429, 502, 503, 504])("with %i waits for ever, as long as the server wishes", (status) => {
    expect(uploadFailure(answer("fileserver", status, 3000))).toMatchObject({ status: "retry", cause: "unreachable", retryAfterMs: 3000 });
  });

  it.each([200, 302, 401, 403, 404, 500])("with %i is tried again within its budget", (status) => {
    expect(uploadFailure(answer("fileserver", status))).toMatchObject({ status: "retry", cause: "answered" });
  });

  it.each([400, 413])("with %i is given up", (status) => {
    expect(uploadFailure(answer("fileserver", status))).toMatchObject({ status: "rejected" });
  });

  it.each([200, 400, 405])("because the login was answered with %i is tried again, for that says nothing of the file", (status) => {
    expect(uploadFailure(answer("clearml", status))).toMatchObject({ status: "retry", cause: "answered" });
  });

  it("is given up when the file's own bytes are not what they were", () => {
    expect(uploadFailure(new UploadError("changed", { retryable: false }))).toMatchObject({ status: "rejected" });
  });
});
