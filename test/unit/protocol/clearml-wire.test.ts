import { describe, expect, it } from "vitest";
import { ENDPOINTS, type EndpointName } from "../../../src/protocol/clearml/endpoints.js";
import { parseEnvelope } from "../../../src/protocol/clearml/envelope.js";
import { CLEARML_ERRORS, meaningOf } from "../../../src/protocol/clearml/error-kinds.js";
import { decodeToken } from "../../../src/protocol/clearml/token.js";

function accepts(endpoint: EndpointName, request: unknown): boolean {
  return ENDPOINTS[endpoint].request.safeParse(request).success;
}

describe("requests", () => {
  it("may hold unknown fields at the top, which the server ignores", () => {
    expect(accepts("tasks.create", { name: "run 1", type: "training", future: 1 })).toBe(true);
  });

  it("may hold null where a field is not given", () => {
    expect(accepts("tasks.create", { name: "run 1", type: "training", project: null, script: null, tags: null })).toBe(true);
  });

  it.each<[EndpointName, string, unknown]>([
    ["tasks.create", "a missing name", { type: "training" }],
    ["tasks.create", "an unknown type", { name: "run 1", type: "trainign" }],
    ["tasks.create", "an unknown field within script", { name: "run 1", type: "training", script: { entrypoint: "x" } }],
    ["tasks.edit_hyper_params", "a value that is not text", { task: "t", hyperparams: [{ section: "Args", name: "lr", value: 0.1 }] }],
    [
      "tasks.edit_hyper_params",
      "an unknown field of a parameter",
      { task: "t", hyperparams: [{ section: "Args", name: "lr", value: "1", unit: "s" }] },
    ],
    [
      "tasks.add_or_update_artifacts",
      "a time stamp with a fraction",
      { task: "t", artifacts: [{ key: "k", type: "custom", timestamp: 1.5 }] },
    ],
    ["tasks.edit_runtime", "a value that is not text", { task: "t", add_or_update: { progress: 50 } }],
    ["models.create", "a missing uri", { name: "net" }],
    ["models.create", "metadata as a list", { name: "net", uri: "s3://b/k", metadata: [{ key: "a", type: "str", value: "b" }] }],
    ["models.add_or_update_metadata", "metadata as a map", { model: "m", metadata: { a: { key: "a", value: "b" } } }],
    [
      "events.add_batch",
      "a value that is not a number",
      { type: "training_stats_scalar", task: "t", metric: "m", variant: "v", iter: 1, value: "0.5" },
    ],
    [
      "events.add_batch",
      "a value that is not finite",
      { type: "training_stats_scalar", task: "t", metric: "m", variant: "v", iter: 1, value: Number.NaN },
    ],
    [
      "events.add_batch",
      "an iteration with a fraction",
      { type: "training_stats_scalar", task: "t", metric: "m", variant: "v", iter: 1.5, value: 1 },
    ],
    ["events.add_batch", "an unknown type", { type: "scalar", task: "t", value: 1 }],
    ["events.add_batch", "an unknown level", { type: "log", task: "t", level: "loud", msg: "hello" }],
  ])("to %s are refused for %s", (endpoint, _what, request) => {
    expect(accepts(endpoint, request)).toBe(false);
  });

  it("take every kind of event, extra fields included", () => {
    const common = { task: "t", timestamp: 1, metric: "m", variant: "v", iter: 1 };
    expect(accepts("events.add_batch", { ...common, type: "training_stats_scalar", value: 0 })).toBe(true);
    expect(accepts("events.add_batch", { ...common, type: "plot", plot_str: "{}" })).toBe(true);
    expect(accepts("events.add_batch", { ...common, type: "training_debug_image", url: "http://x/y.png", key: "k" })).toBe(true);
    expect(accepts("events.add_batch", { type: "log", task: "t", level: "info", msg: "hello", trainer_sdk_sequence: 4 })).toBe(true);
  });

  it("take filters under dotted names in searches, and keep them", () => {
    const parsed = ENDPOINTS["tasks.get_all"].request.safeParse({
      tags: ["__$all", "a", null],
      "hyperparams.Args.lr": ["0.1"],
      scroll_id: null,
      size: 10,
    });
    expect(parsed.data).toMatchObject({ "hyperparams.Args.lr": ["0.1"], scroll_id: null });
  });
});

describe("answers", () => {
  it("keep fields, statuses and types that this version does not know", () => {
    const task = { id: "t", status: "hibernating", type: "prayer", orbit: { moons: 2 }, script: { colour: "red" } };
    expect(ENDPOINTS["tasks.get_by_id"].response.parse({ task, extra: 1 })).toEqual({ task, extra: 1 });
  });

  it("may leave out everything but the id", () => {
    expect(ENDPOINTS["models.get_by_id"].response.safeParse({ model: { id: "m" } }).success).toBe(true);
    expect(ENDPOINTS["models.get_by_id"].response.safeParse({ model: { name: "m" } }).success).toBe(false);
  });

  it("are read for histograms as the map of charts that they are", () => {
    const charts = { loss: { train: { name: "train", x: [0, 10], y: [1.5, null], x_axis_label: "Iterations" } } };
    expect(ENDPOINTS["events.scalar_metrics_iter_histogram"].response.parse(charts)).toEqual(charts);
  });
});

describe("the frame of an answer", () => {
  const meta = {
    id: "i",
    trx: "i",
    endpoint: { name: "a.b", requested_version: 2, actual_version: "1.0" },
    result_code: 200,
    result_subcode: 0,
    result_msg: "OK",
  };

  it("is found, whatever the versions look like", () => {
    expect(parseEnvelope(JSON.stringify({ meta, data: { a: 1 } }))).toMatchObject({ meta: { result_code: 200 }, data: { a: 1 } });
    expect(parseEnvelope(JSON.stringify({ meta: { id: "i", result_code: 500 }, data: null }))?.data).toBeNull();
  });

  it.each([
    "",
    "<html>",
    "null",
    "[]",
    "{}",
    '{"meta":{}}',
    '{"meta":{"id":"i","result_code":"200"}}',
    '{"meta":{"id":"i","result_code":2',
  ])("is not found in %j", (body) => {
    expect(parseEnvelope(body)).toBeUndefined();
  });
});

describe("the token", () => {
  const encode = (payload: unknown): string => `h.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.s`;

  it("tells its times and the server's versions", () => {
    expect(
      decodeToken(encode({ exp: 2, iat: 1, api_version: "2.34", server_version: "2.3.0", feature_set: "basic", identity: { user: "u" } })),
    ).toMatchObject({
      exp: 2,
      api_version: "2.34",
      identity: { user: "u" },
    });
  });

  it.each(["", "opaque", "a.b.c", encode("text"), encode({ exp: "soon" })])("that is %j tells nothing", (token) => {
    expect(decodeToken(token)).toBeUndefined();
  });
});

describe("kinds of refusal", () => {
  it("are told apart by status and subcode", () => {
    const kinds = Object.values(CLEARML_ERRORS).map(({ status, subcode }) => `${String(status)}/${String(subcode)}`);
    expect(new Set(kinds).size).toBe(kinds.length);
  });

  it("have a meaning that is known, or none", () => {
    expect(meaningOf(400, 101)).toContain("no such task");
    expect(meaningOf(400, 9999)).toBeUndefined();
  });
});
