import { describe, expect, it } from "vitest";
import { ApiError, ConnectionError } from "../../../src/base/errors.js";
import { dataOf, isClearMLError, isRetryableStatus, readData } from "../../../src/clearml/answers.js";
import { ENDPOINTS } from "../../../src/protocol/clearml/endpoints.js";
import { rawAnswer, refusal, success } from "./fake-api.js";

const call = {
  endpoint: "tasks.get_by_id",
  url: "http://api.test:8008/v2.34/tasks.get_by_id?x=y",
  secrets: ["hunter2"],
  nowMs: Date.UTC(2026, 0, 1),
};

function errorOf(answer: Parameters<typeof dataOf>[0]): ApiError {
  try {
    dataOf(answer, call);
  } catch (error) {
    if (ApiError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("it was expected to fail");
}

it.each([
  [200, false],
  [301, false],
  [400, false],
  [401, false],
  [403, false],
  [404, false],
  [408, true],
  [413, false],
  [415, false],
  [429, true],
  [500, false],
  [501, true],
  [502, true],
  [503, true],
  [504, true],
  [509, true],
])("tells of status %i whether trying again makes sense: %s", (status, retryable) => {
  expect(isRetryableStatus(status)).toBe(retryable);
  expect(errorOf(status === 200 ? rawAnswer(200, "garbage") : refusal(status, 0)).retryable).toBe(retryable);
});

describe("a refusal", () => {
  it("of an endpoint that the server does not have yet says what to update to", () => {
    const old = { ...call, endpoint: "tasks.edit_runtime", serverApiVersion: "2.30" };
    expect(() => dataOf(refusal(404, 0), old)).toThrow(
      /tasks\.edit_runtime needs a server of API version 2\.34 or newer; this server speaks 2\.30/,
    );
    expect(() => dataOf(refusal(404, 0), { ...call, endpoint: "tasks.new_one" })).toThrow(/may be too old\./);
  });

  it("carries status, subcode, request id, the server's words and their meaning", () => {
    const error = errorOf(refusal(400, 101, "Invalid task id: id=x"));
    expect(error).toMatchObject({
      service: "clearml",
      method: "POST",
      status: 400,
      subcode: 101,
      requestId: "request1",
      bodyExcerpt: "Invalid task id: id=x",
      url: "http://api.test:8008/v2.34/tasks.get_by_id",
    });
    expect(error.message).toContain("tasks.get_by_id");
    expect(error.message).toContain("400/101: there is no such task");
  });

  it("is recognised by status and subcode, and nothing else is", () => {
    const error = errorOf(refusal(400, 101));
    expect(isClearMLError(error, 400, 101)).toBe(true);
    expect(isClearMLError(error, 400)).toBe(true);
    expect(isClearMLError(error, 400, 110)).toBe(false);
    expect(isClearMLError(new ConnectionError("x", { code: "TIMEOUT", ambiguous: true }), 400)).toBe(false);
    expect(isClearMLError(undefined, 400)).toBe(false);
  });

  it("says what to do about credentials", () => {
    expect(errorOf(refusal(401, 22)).message).toContain("CLEARML_API_ACCESS_KEY");
  });

  it("carries the server's wish to be left alone for a while", () => {
    expect(errorOf(refusal(429, 0, "slow", { "retry-after": "7" })).retryAfterMs).toBe(7000);
    expect(errorOf(rawAnswer(503, "", { "retry-after": "Thu, 01 Jan 2026 00:00:05 GMT" })).retryAfterMs).toBe(5000);
    expect(errorOf(rawAnswer(503, "", { "retry-after": "soon" })).retryAfterMs).toBeUndefined();
  });

  it("never shows a secret that the server echoed", () => {
    const error = errorOf(refusal(401, 30, "bad token hunter2"));
    expect(`${error.message} ${error.bodyExcerpt ?? ""}`).not.toContain("hunter2");
  });

  it("shows 500 characters of the body at most", () => {
    expect(errorOf(rawAnswer(500, "x".repeat(10_000))).bodyExcerpt).toHaveLength(500);
  });
});

describe("an answer that is not ClearML's", () => {
  it.each([
    ["an empty 200", rawAnswer(200, ""), 200, "not a ClearML API server"],
    ["a page of a proxy", rawAnswer(200, "<html>Welcome</html>", { "content-type": "text/html" }), 200, "CLEARML_API_HOST"],
    ["JSON of something else", rawAnswer(200, '{"status":"ok"}'), 200, "not a ClearML API server"],
    ["half an answer", rawAnswer(200, success({}).text().slice(0, 40)), 200, "not a ClearML API server"],
    ["a method that is not allowed", rawAnswer(405, "<html>"), 405, "not the web application"],
    ["plain text after 415", rawAnswer(415, "Unsupported content encoding"), 415, "not in ClearML's form"],
    ["plain text after 500", rawAnswer(500, "Internal Server Error"), 500, "in trouble"],
    ["a gateway's page", rawAnswer(502, "<html>Bad Gateway</html>"), 502, "proxy"],
    ["a redirect", rawAnswer(308, "", { location: "https://user:hunter2@ml.example/api/x?token=1" }), 308, "https://ml.example/api/x"],
    ["a redirect to nowhere", rawAnswer(302, ""), 302, "another address"],
    ["nothing after 401", rawAnswer(401, ""), 401, "401"],
  ])("is an error and no crash: %s", (_what, answer, status, words) => {
    const error = errorOf(answer);
    expect(error.status).toBe(status);
    expect(error.message).toContain(words);
    expect(error.message).not.toContain("hunter2");
  });

  it("is believed when the frame says no though a proxy says yes", () => {
    const body = refusal(400, 101).text();
    expect(errorOf(rawAnswer(200, body))).toMatchObject({ status: 400, subcode: 101 });
  });
});

describe("data", () => {
  it("may be missing where nothing is to be said", () => {
    expect(dataOf(rawAnswer(200, JSON.stringify({ meta: { id: "i", result_code: 200 } })), call)).toEqual({});
    expect(dataOf(success(null), call)).toEqual({});
  });

  it("of another form than expected is an error that says where", () => {
    expect(() => readData(ENDPOINTS["tasks.get_all"].response, { tasks: [{ id: 5 }] }, call)).toThrow(
      /data\.tasks\.0\.id is not of type string/,
    );
  });
});
