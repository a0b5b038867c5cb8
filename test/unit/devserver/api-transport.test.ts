import { describe, expect, it } from "vitest";
import { TestClearML, send } from "../../support/wire-client.js";

describe("the API's paths", () => {
  it.each(["/debug.ping", "/v2.34/debug.ping", "/v23/debug.ping", "/v2.9/debug.ping/", "/v9.99/debug.ping"])("answers %s", async (path) => {
    const clearml = new TestClearML();
    expect((await clearml.api(path)).code).toBe("200/0");
  });

  it.each(["/v2/debug.ping", "/debug", "/", "/v2.34/a/b", "/v2.34/9a.b"])("refuses %s with 400/0", async (path) => {
    expect((await new TestClearML().api(path)).code).toBe("400/0");
  });

  it("answers an unknown endpoint, and one that is younger than the asked version, with 404/0", async () => {
    const clearml = new TestClearML();
    expect((await clearml.api("tasks.nothing")).code).toBe("404/0");
    expect((await clearml.api("/v2.33/tasks.edit_runtime")).code).toBe("404/0");
    expect((await clearml.api("/v2.9/tasks.add_or_update_model")).code).toBe("404/0");
  });

  it.each(["GET", "POST", "PUT", "PATCH"])("takes any method, %s too, with a body", async (method) => {
    const clearml = new TestClearML();
    const answer = await send(clearml.server.api, "/debug.ping", { method, body: '{"echo":"back"}' });
    expect(JSON.parse(answer.text).data).toEqual({ msg: "ClearML server", echo: "back" });
  });

  it("answers a compressed body with 415 in plain text", async () => {
    const answer = await send(new TestClearML().server.api, "/debug.ping", { headers: { "content-encoding": "gzip" }, body: "x" });
    expect([answer.status, answer.headers["content-type"]]).toEqual([415, "text/plain"]);
  });

  it("answers OPTIONS with an empty 200", async () => {
    expect(await send(new TestClearML().server.api, "/debug.ping", { method: "OPTIONS" })).toMatchObject({ status: 200, text: "" });
  });

  it("takes a batch only with exactly the batch's content type", async () => {
    const clearml = new TestClearML();
    const lines = `${JSON.stringify({ type: "log", task: await clearml.task(), msg: "a" })}\n{}`;
    expect((await clearml.api("events.add_batch", lines, { "content-type": "application/json-lines; charset=utf-8" })).code).toBe("400/0");
    expect((await clearml.api("tasks.get_all", lines, { "content-type": "application/json-lines" })).code).toBe("400/0");
    expect((await clearml.api("events.add_batch", lines, { "content-type": "application/json-lines" })).data).toMatchObject({
      added: 1,
      errors: 1,
    });
  });

  it("takes one plain object where a batch is meant", async () => {
    const clearml = new TestClearML();
    expect((await clearml.api("events.add_batch", { type: "log", task: await clearml.task(), msg: "a" })).data).toMatchObject({
      added: 1,
      errors: 0,
    });
  });
});

describe("the envelope", () => {
  it("says what was asked and how it went", async () => {
    const clearml = new TestClearML();
    const { meta, headers } = await clearml.api("/v2.23/tasks.get_all", {}, { "x-clearml-trx": "mine" });
    expect(meta).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      trx: "mine",
      endpoint: { name: "tasks.get_all", requested_version: "2.23", actual_version: "1.0" },
      result_code: 200,
      result_subcode: 0,
      result_msg: "OK",
      error_stack: null,
      error_data: {},
    });
    expect(headers["server"]).toBe("clearml");
  });

  it("gives versions as numbers to a caller from before 2.1", async () => {
    expect((await new TestClearML().api("/v1.5/tasks.get_all")).meta["endpoint"]).toMatchObject({
      requested_version: 1.5,
      actual_version: 1,
    });
  });

  it("has no data in a failure", async () => {
    expect(await new TestClearML().api("tasks.get_by_id", { task: "none" })).toMatchObject({
      code: "400/101",
      data: {},
      message: "Invalid task id: id=none",
    });
  });

  it("writes times in UTC with microseconds, and without them when they are zero", async () => {
    const clearml = new TestClearML();
    expect((await clearml.read(await clearml.task())).created).toBe("2026-01-01T00:00:00+00:00");
    await clearml.clock.advance(5);
    expect((await clearml.read(await clearml.task())).created).toBe("2026-01-01T00:00:00.005000+00:00");
  });
});

describe("validation", () => {
  it("ignores unknown fields at the top and refuses them inside", async () => {
    const clearml = new TestClearML();
    await clearml.task({ unknown: 1, script: { repository: " r " } });
    expect((await clearml.api("tasks.create", { name: "a task", type: "training", script: { unknown: "x" } })).code).toBe("400/12");
    expect((await clearml.api("tasks.create", { name: "a task", type: "training", execution: { unknown: "x" } })).code).toBe("200/0");
  });

  it("takes null for a field that was not given", async () => {
    const clearml = new TestClearML();
    expect(await clearml.read(await clearml.task({ comment: null, hyperparams: null, project: null }))).toMatchObject({ comment: "" });
  });

  it.each([{ type: "training" }, { name: 5, type: "training" }, { name: "a task", type: "no type" }])(
    "refuses %j with 400/12",
    async (body) => {
      const { code, message } = await new TestClearML().api("tasks.create", body);
      expect([code, message]).toEqual(["400/12", expect.stringContaining("Validation error (error for field '")]);
    },
  );

  it("refuses a hyperparameter whose value looks like a date, which is no text after parsing", async () => {
    const clearml = new TestClearML();
    const hyperparams = [{ section: "Args", name: "day", value: "2024-01-01" }];
    expect((await clearml.api("tasks.edit_hyper_params", { task: await clearml.task(), hyperparams })).code).toBe("400/12");
  });

  it("takes an id of digits in the query for a number, as the server does", async () => {
    expect((await new TestClearML().api("/v2.34/tasks.get_by_id?task=123")).code).toBe("400/12");
  });
});
