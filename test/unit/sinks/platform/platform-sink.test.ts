import { describe, expect, it } from "vitest";
import { ConfigError, ConnectionError } from "../../../../src/base/errors.js";
import type { HttpRequest, HttpResponse, HttpTransport } from "../../../../src/base/http.js";
import type { DeliveryContext } from "../../../../src/outbox/sink.js";
import { createPlatformSink, type PlatformSinkOptions } from "../../../../src/sinks/platform/platform-sink.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { volatileMemory } from "../../../contract/sink-contract.js";
import { FACTS, recordOf } from "../../../support/facts.js";
import { FakeClock } from "../../../support/fake-clock.js";

type Answer = { readonly status?: number; readonly body?: string; readonly headers?: Record<string, string> } | Error;

/** Answers in turn, the last one for ever. */
function aTransport(...answers: Answer[]): HttpTransport & { readonly sent: HttpRequest[] } {
  const sent: HttpRequest[] = [];
  return {
    sent,
    async send(request): Promise<HttpResponse> {
      request.signal?.throwIfAborted();
      const answer = answers[Math.min(sent.length, answers.length - 1)] ?? {};
      sent.push(request);
      if (answer instanceof Error) throw answer;
      const { status = 200, body = "", headers = {} } = answer;
      return { status, headers, body: Buffer.from(body), text: () => body };
    },
    close: () => Promise.resolve(),
  };
}

function aSink(transport: HttpTransport, given: Partial<PlatformSinkOptions> = {}) {
  return createPlatformSink({
    url: "http://backend:8000/callbacks/7",
    job: { operation: "training", jobId: "7" },
    transport,
    clock: new FakeClock(),
    logger: silentLogger,
    ...given,
  });
}

function context(given: Partial<DeliveryContext> = {}): DeliveryContext {
  return { signal: new AbortController().signal, memory: volatileMemory(), ambiguous: false, ...given };
}

const records = [recordOf(FACTS.started, 1), recordOf(FACTS.progress, 2), recordOf(FACTS.log, 3)];

describe("the platform sink", () => {
  it("posts one record after the other, with the record's id as idempotency key and the token", async () => {
    const transport = aTransport();
    const outcomes = await aSink(transport, { token: "hunter2" }).deliver(records, context());
    expect(outcomes).toEqual([{ status: "delivered" }, { status: "delivered" }, { status: "delivered" }]);
    expect(transport.sent.map((request) => request.url)).toEqual(
      ["started", "progress", "log"].map((path) => `http://backend:8000/callbacks/7/${path}`),
    );
    expect(transport.sent[1]).toMatchObject({
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": records[1]?.id, authorization: "Bearer hunter2" },
    });
    expect(JSON.parse(transport.sent[1]?.body as string)).toMatchObject({ operation_type: "training", epoch: 3, job_id: "7", sequence: 2 });
  });

  it("sends nothing after a record that has to wait", async () => {
    const transport = aTransport({}, { status: 503, headers: { "retry-after": "5" } });
    const outcomes = await aSink(transport).deliver(records, context());
    expect(outcomes).toMatchObject([
      { status: "delivered" },
      { status: "retry", cause: "unreachable", retryAfterMs: 5000 },
      { status: "retry", cause: "unreachable" },
    ]);
    expect(transport.sent).toHaveLength(2);
  });

  it("goes on after a record that is refused", async () => {
    const outcomes = await aSink(aTransport({ status: 422, body: "no such epoch" }, {})).deliver(records, context());
    expect(outcomes).toMatchObject([
      { status: "rejected", reason: expect.stringContaining("422: no such epoch") },
      { status: "delivered" },
      { status: "delivered" },
    ]);
  });

  it("asks for the task's id with each request, null until it is known", async () => {
    const transport = aTransport();
    const ids = [undefined, "task-1", "task-1"];
    await aSink(transport, { taskId: () => ids.shift() }).deliver(records, context());
    expect(transport.sent.map((request) => (JSON.parse(request.body as string) as { task_id: unknown }).task_id)).toEqual([
      null,
      "task-1",
      "task-1",
    ]);
  });

  it("takes no answer for an outage, and keeps the token out of what it says", async () => {
    const failure = new ConnectionError("No answer to POST http://backend: invalid header Bearer hunter2", {
      code: "CONNECTION_FAILED",
      ambiguous: true,
    });
    const [outcome] = (await aSink(aTransport(failure), { token: "hunter2" }).deliver(records, context())) as readonly unknown[];
    expect(outcome).toMatchObject({ status: "retry", cause: "unreachable", reason: expect.stringContaining("Bearer ***") });
  });

  it("keeps what was delivered when its signal aborts in the middle", async () => {
    const controller = new AbortController();
    const transport = aTransport();
    const sink = aSink(transport, {
      taskId: () => {
        if (transport.sent.length === 1) controller.abort(new Error("closing"));
        return undefined;
      },
    });
    const outcomes = await sink.deliver(records, context({ signal: controller.signal }));
    expect(outcomes).toMatchObject([{ status: "delivered" }, { status: "retry", cause: "unreachable" }, { status: "retry" }]);
  });

  it("takes a conflict for a delivery only when the backend may have the record", async () => {
    expect(await aSink(aTransport({ status: 409 })).deliver(records, context({ ambiguous: true }))).toMatchObject([
      { status: "delivered" },
      { status: "delivered" },
      { status: "delivered" },
    ]);
    expect(await aSink(aTransport({ status: 409 })).deliver(records.slice(0, 1), context())).toMatchObject([{ status: "rejected" }]);
  });
});

describe("a wish to stop", () => {
  const stop = (reason: string): Answer => ({ body: JSON.stringify({ action: "stop", reason }) });

  it("is passed on once while it is repeated, and again when it is another", async () => {
    const reasons: string[] = [];
    await aSink(aTransport(stop("a"), stop("a"), stop("b")), { onStopRequest: (reason) => reasons.push(reason) }).deliver(
      records,
      context(),
    );
    expect(reasons).toEqual(["a", "b"]);
  });

  it.each([
    ["a refusal", { status: 400, body: '{"action":"stop"}' }, records],
    ["the answer to the job's end", stop("late"), [recordOf(FACTS.completed, 4)]],
    ["no JSON", { body: "stop" }, records],
    ["another action", { body: '{"action":"pause"}' }, records],
  ])("is not read from %s", async (_what, answer, batch) => {
    const reasons: string[] = [];
    await aSink(aTransport(answer), { onStopRequest: (reason) => reasons.push(reason) }).deliver(batch, context());
    expect(reasons).toEqual([]);
  });
});

describe("a dialect of the user's own", () => {
  it("in one function decides path, body and headers, and the rest stays the sink's", async () => {
    const transport = aTransport();
    const sink = aSink(transport, {
      token: "hunter2",
      dialect: (record, { jobId }) =>
        record.fact.kind === "log"
          ? undefined
          : { path: "v9/events?kind=a", body: [jobId ?? null, record.fact.kind], headers: { "X-Tenant": "t1" } },
    });
    expect(records.map((record) => sink.accepts(record))).toEqual([true, true, true]);
    expect(await sink.deliver(records, context())).toEqual([{ status: "delivered" }, { status: "delivered" }, { status: "delivered" }]);
    expect(transport.sent).toHaveLength(2);
    expect(transport.sent[0]).toMatchObject({
      url: "http://backend:8000/callbacks/7/v9/events?kind=a",
      body: '["7","started"]',
      headers: { "x-tenant": "t1", authorization: "Bearer hunter2", "idempotency-key": records[0]?.id },
    });
  });

  it("reads answers in its own way", async () => {
    const reasons: string[] = [];
    const dialect = {
      name: "own",
      toRequest: () => ({ path: "/", body: {} }),
      readAnswer: (body: unknown) => (body === "halt" ? { action: "stop" as const, reason: "halted" } : undefined),
    };
    await aSink(aTransport({ body: '"halt"' }), { dialect, onStopRequest: (reason) => reasons.push(reason) }).deliver(records, context());
    expect(reasons).toEqual(["halted"]);
  });

  it("that throws costs the record and not its neighbours", async () => {
    const transport = aTransport();
    const dialect = (record: { readonly sequence: number }) => {
      if (record.sequence === 2) throw new TypeError("cannot read epoch");
      return { path: "/x", body: {} };
    };
    expect(await aSink(transport, { dialect }).deliver(records, context())).toMatchObject([
      { status: "delivered" },
      { status: "rejected", reason: expect.stringContaining("cannot read epoch") },
      { status: "delivered" },
    ]);
  });

  it("cannot lead the token to another host", async () => {
    const transport = aTransport();
    await aSink(transport, { token: "hunter2", dialect: () => ({ path: "//evil.example.com/x", body: {} }) }).deliver(records, context());
    expect(new URL(transport.sent[0]?.url ?? "").host).toBe("backend:8000");
  });
});

describe("the callback URL", () => {
  it.each([
    ["http://backend/cb/", "http://backend/cb/log"],
    ["http://backend", "http://backend/log"],
    ["https://backend/cb?key=1", "https://backend/cb/log?key=1"],
    ["http://backend/cb#x", "http://backend/cb/log"],
  ])("%s becomes %s", async (url, sent) => {
    const transport = aTransport();
    await aSink(transport, { url }).deliver([recordOf(FACTS.log)], context());
    expect(transport.sent[0]?.url).toBe(sent);
  });

  it("with user and password becomes basic authorization, and neither stays in the address or in a reason", async () => {
    const transport = aTransport({ status: 400, body: "you sent p%40ss, that is p@ss" });
    const [outcome] = (await aSink(transport, { url: "http://me:p%40ss@backend/cb" }).deliver(
      [recordOf(FACTS.log)],
      context(),
    )) as readonly { reason?: string }[];
    expect(transport.sent[0]).toMatchObject({
      url: "http://backend/cb/log",
      headers: { authorization: `Basic ${Buffer.from("me:p@ss").toString("base64")}` },
    });
    expect(outcome?.reason).toContain("you sent ***, that is ***");
  });

  it.each([["not a url"], ["ftp://backend/cb"]])("%s is a ConfigError", (url) => {
    expect(() => aSink(aTransport(), { url })).toThrow(ConfigError);
  });

  it("with a token that no header can carry is a ConfigError, which does not tell it", () => {
    const failure = (() => {
      try {
        return aSink(aTransport(), { token: "hunter2\n" });
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(ConfigError);
    expect(JSON.stringify(failure) + String(failure)).not.toContain("hunter2");
  });
});
