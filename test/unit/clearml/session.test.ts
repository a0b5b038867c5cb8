import { describe, expect, it } from "vitest";
import { ApiError, ClosedError, ConnectionError, ValidationError } from "../../../src/base/errors.js";
import { VERSION } from "../../../src/base/version.js";
import { settle } from "../../support/fake-clock.js";
import { FakeApi, failureOf, rawAnswer, refusal, success } from "./fake-api.js";

const task = { task: "t1" };
const refused = new ConnectionError("refused", { code: "CONNECTION_FAILED", ambiguous: false });
const reset = new ConnectionError("reset", { code: "CONNECTION_FAILED", ambiguous: true });

describe("a call", () => {
  it("is a POST to the pinned version with token, client and worker", async () => {
    const api = new FakeApi();
    api.respond = () => success({ task: { id: "t1", name: "run 1" } });
    const session = api.session({ workerName: "gpu-ü-1" });
    expect(await session.call("tasks.get_by_id", task)).toEqual({ task: { id: "t1", name: "run 1" } });
    const [login, call] = api.requests;
    expect(login?.url).toBe("http://api.test:8008/auth.login");
    expect(login?.headers["authorization"]).toBe(`Basic ${Buffer.from("AKEY:ASECRET").toString("base64")}`);
    expect(call?.url).toBe("http://api.test:8008/v2.34/tasks.get_by_id");
    expect(call?.headers).toMatchObject({
      "content-type": "application/json",
      "x-clearml-client": `trainer-sdk-${VERSION}`,
      "x-clearml-worker": "gpu-?-1",
    });
    expect(call?.headers["authorization"]).toMatch(/^Bearer head\./);
    expect(call?.headers["content-encoding"]).toBeUndefined();
    expect(call?.json).toEqual(task);
    expect(session.serverInfo).toEqual({ apiVersion: "2.34", serverVersion: "2.3.0", serverBuild: undefined, featureSet: "basic" });
  });

  it("of a request that breaks its schema goes nowhere", async () => {
    const api = new FakeApi();
    const error = (await failureOf(api.session().call("tasks.get_by_id", { task: 5 } as never))) as ValidationError;
    expect(ValidationError.isInstance(error)).toBe(true);
    expect(error.issues).toEqual([{ path: "task", message: "tasks.get_by_id.task is not of type string" }]);
    expect(api.requests).toEqual([]);
  });

  it("whose answer has another form than expected fails and says where", async () => {
    const api = new FakeApi();
    api.respond = () => success({ tasks: "none" });
    await expect(api.session().call("tasks.get_all", {})).rejects.toThrow(/data\.tasks is not of type array/);
  });

  it("reaches endpoints without types too", async () => {
    const api = new FakeApi();
    api.respond = () => success({ queues: [] });
    expect(await api.session().callUntyped("queues.get_all", { name: "x" })).toEqual({ queues: [] });
    expect(api.calls[0]).toMatchObject({ endpoint: "queues.get_all", json: { name: "x" } });
  });

  it("to ping needs no login", async () => {
    const api = new FakeApi();
    await api.session().call("debug.ping", {});
    expect(api.logins).toBe(0);
    expect(api.requests[0]?.headers["authorization"]).toBeUndefined();
  });

  it("of lines has exactly the content type that the server asks for", async () => {
    const api = new FakeApi();
    api.respond = () => success({ added: 2 });
    const point = { type: "training_stats_scalar", task: "t", metric: "m", variant: "v", iter: 1, value: 1 } as const;
    await api.session().callBatch("events.add_batch", [point, JSON.stringify({ ...point, iter: 2 })]);
    expect(api.calls[0]?.headers["content-type"]).toBe("application/json-lines");
    expect(api.calls[0]?.body.split("\n").map((line) => (JSON.parse(line) as { iter: number }).iter)).toEqual([1, 2]);
  });
});

describe("trying again", () => {
  /** Fails so many times with that, then succeeds. */
  function failing(times: number, failure: () => Promise<never> | ReturnType<typeof rawAnswer>): FakeApi {
    const api = new FakeApi();
    let left = times;
    api.respond = () => (left-- > 0 ? failure() : success({ id: "new", added: 1 }));
    return api;
  }
  /** What the call comes to, with the clock moved on from one wait to the next. */
  const outcomes = async (api: FakeApi, call: Promise<unknown>): Promise<unknown> => {
    const progress = { settled: false };
    const outcome = call.then(
      () => "succeeded",
      (error: unknown) => error,
    );
    void outcome.then(() => (progress.settled = true));
    for (let wait = 0; wait < 1000 && !progress.settled; wait++) await api.clock.advance(api.clock.nextWakeMs ?? 0);
    return outcome;
  };

  it.each<[string, () => Promise<never> | ReturnType<typeof rawAnswer>]>([
    ["502", () => rawAnswer(502, "<html>")],
    ["503", () => refusal(503, 0)],
    ["429", () => refusal(429, 0)],
    ["a refused connection", () => Promise.reject(refused)],
    ["a broken connection", () => Promise.reject(reset)],
  ])("helps after %s", async (_what, failure) => {
    const api = failing(3, failure);
    expect(await outcomes(api, api.session().call("tasks.ping", task))).toBe("succeeded");
    expect(api.calls).toHaveLength(4);
  });

  it.each<[string, () => ReturnType<typeof rawAnswer>]>([
    ["400", () => refusal(400, 101)],
    ["500", () => refusal(500, 100)],
    ["garbage", () => rawAnswer(200, "garbage")],
  ])("is not done after %s", async (_what, failure) => {
    const api = failing(1, failure);
    expect(ApiError.isInstance(await outcomes(api, api.session().call("tasks.ping", task)))).toBe(true);
    expect(api.calls).toHaveLength(1);
  });

  it("is not done where the caller has a schedule of its own", async () => {
    const api = failing(1, () => Promise.reject(refused));
    expect(await failureOf(api.session().call("tasks.ping", task, { retry: false }))).toBe(refused);
    expect(
      await failureOf(
        failing(1, () => Promise.reject(refused))
          .session({ retry: false })
          .call("tasks.ping", task),
      ),
    ).toBe(refused);
  });

  it("waits as the server wishes", async () => {
    const api = failing(1, () => refusal(503, 0, "later", { "retry-after": "20" }));
    const call = api.session().call("tasks.ping", task);
    await settle();
    expect(api.clock.nextWakeMs).toBe(20_000);
    await api.clock.advance(20_000);
    await call;
  });

  it("ends with the last failure when its time is spent", async () => {
    const api = failing(1000, () => Promise.reject(refused));
    const started = api.clock.monotonic();
    let endedAfterMs = 0;
    const call = api
      .session()
      .call("tasks.ping", task)
      .catch((error: unknown) => {
        endedAfterMs = api.clock.monotonic() - started;
        return error;
      });
    expect(await outcomes(api, call)).toBe("succeeded");
    expect(await call).toBe(refused);
    expect(endedAfterMs).toBeLessThanOrEqual(60_000);
    expect(endedAfterMs).toBeGreaterThan(45_000);
  });

  it("leaves each later attempt no more than what is left of the budget", async () => {
    const api = failing(2, () => Promise.reject(refused));
    await outcomes(api, api.session().call("tasks.ping", task, { retry: { budgetMs: 5000 }, timeoutMs: 8000 }));
    const limits = api.calls.map(({ timeoutMs }) => timeoutMs ?? 0);
    expect(limits[0]).toBe(8000);
    expect(limits[1]).toBeLessThan(5000);
    expect(limits[2]).toBeLessThan(limits[1] ?? 0);
  });

  it("stops at once when the caller aborts, with the caller's reason", async () => {
    const api = failing(1000, () => Promise.reject(refused));
    const controller = new AbortController();
    const call = failureOf(api.session().call("tasks.ping", task, { signal: controller.signal }));
    await settle();
    controller.abort("enough");
    expect(await call).toBe("enough");
    expect(api.clock.sleeping).toBe(0);
  });

  describe("of what must not be done twice", () => {
    const create = { name: "run 1", type: "training" } as const;
    const line = { type: "log", task: "t", msg: "hello" } as const;
    const point = { type: "training_stats_scalar", task: "t", metric: "m", variant: "v", iter: 1, value: 1 } as const;

    it.each<[string, boolean, () => Promise<never> | ReturnType<typeof rawAnswer>]>([
      ["a refused connection", true, () => Promise.reject(refused)],
      ["429", true, () => refusal(429, 0)],
      ["503", true, () => refusal(503, 0)],
      ["502", false, () => rawAnswer(502, "")],
      ["504", false, () => rawAnswer(504, "")],
      ["a broken connection", false, () => Promise.reject(reset)],
    ])("after %s: %s", async (_what, repeats, failure) => {
      const api = failing(1, failure);
      const outcome = await outcomes(api, api.session().call("tasks.create", create));
      expect(api.calls).toHaveLength(repeats ? 2 : 1);
      expect(outcome === "succeeded").toBe(repeats);
    });

    it("is done when it was the login that failed, for then nothing was sent", async () => {
      const api = new FakeApi();
      api.respond = () => success({ id: "new" });
      const login = api.login;
      let left = 1;
      api.login = (request) => (left-- > 0 ? Promise.reject(reset) : login(request));
      expect(await outcomes(api, api.session().call("tasks.create", create))).toBe("succeeded");
    });

    it("is done when the renewal after a refused token failed", async () => {
      const api = new FakeApi();
      const session = api.session();
      const first = await session.token();
      api.respond = (request) => (request.headers["authorization"] === `Bearer ${first}` ? refusal(401, 30) : success({ id: "new" }));
      const login = api.login;
      let left = 1;
      api.login = (request) => (left-- > 0 ? Promise.reject(reset) : login(request));
      expect(await outcomes(api, session.call("tasks.create", create))).toBe("succeeded");
    });

    it("is done when an earlier attempt was turned away and then the login failed", async () => {
      const api = failing(1, () => refusal(503, 0, "later", { "retry-after": "40" }));
      api.tokenLifetimeSec = 60;
      const session = api.session();
      await session.token();
      const login = api.login;
      let left = 1;
      api.login = (request) => (left-- > 0 ? Promise.reject(reset) : login(request));
      expect(await outcomes(api, session.call("tasks.create", create))).toBe("succeeded");
      expect(api.logins).toBe(3);
    });

    it.each<["tasks.create" | "tasks.clone" | "models.create" | "projects.create", object]>([
      ["tasks.create", create],
      ["tasks.clone", task],
      ["models.create", { name: "net", uri: "s3://b/k" }],
      ["projects.create", { name: "Vision" }],
    ])("counts %s among it", async (endpoint, request) => {
      const api = failing(1, () => Promise.reject(reset));
      expect(await outcomes(api, api.session().call(endpoint, request as never))).toBe(reset);
      expect(api.calls).toHaveLength(1);
    });

    it("counts console lines among it, and points not", async () => {
      const api = failing(1, () => Promise.reject(reset));
      expect(await outcomes(api, api.session().callBatch("events.add_batch", [point, line]))).toBe(reset);
      const other = failing(1, () => Promise.reject(reset));
      expect(await outcomes(other, other.session().callBatch("events.add_batch", [point]))).toBe("succeeded");
      const single = failing(1, () => Promise.reject(reset));
      expect(await outcomes(single, single.session().call("events.add", line))).toBe(reset);
    });

    it("is done when the caller says that twice is as good as once", async () => {
      const api = failing(1, () => Promise.reject(reset));
      expect(await outcomes(api, api.session().call("projects.create", { name: "abc" }, { repeatable: true }))).toBe("succeeded");
    });
  });
});

describe("closing", () => {
  it("ends calls that are under way, refuses new ones, and leaves a given transport open", async () => {
    const api = new FakeApi();
    api.respond = (request) =>
      new Promise((_resolve, reject) => request.signal?.addEventListener("abort", () => reject(request.signal?.reason as Error)));
    const session = api.session();
    const call = failureOf(session.call("tasks.ping", task));
    await settle();
    await Promise.all([session.close(), session.close()]);
    expect(ClosedError.isInstance(await call)).toBe(true);
    expect(ClosedError.isInstance(await failureOf(session.call("tasks.ping", task)))).toBe(true);
    expect(ClosedError.isInstance(await failureOf(session.token()))).toBe(true);
    expect(api.closed).toBe(0);
  });

  it("leaves nothing on a caller's long-lived signal", async () => {
    const api = new FakeApi();
    const session = api.session();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...arguments_: Parameters<typeof add>) => {
      listeners++;
      add(...arguments_);
    };
    signal.removeEventListener = (...arguments_: Parameters<typeof remove>) => {
      listeners--;
      remove(...arguments_);
    };
    for (let call = 0; call < 20; call++) await session.call("tasks.ping", task, { signal });
    expect(listeners).toBe(0);
  });
});
