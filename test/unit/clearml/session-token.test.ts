import { describe, expect, it } from "vitest";
import type { ApiError } from "../../../src/base/errors.js";
import { ConnectionError } from "../../../src/base/errors.js";
import { settle } from "../../support/fake-clock.js";
import { FakeApi, failureOf, refusal, success, tokenOf } from "./fake-api.js";

const task = { task: "t1" };
const refused = new ConnectionError("refused", { code: "CONNECTION_FAILED", ambiguous: false });

describe("the token", () => {
  it("is fetched once for fifty callers at the same time", async () => {
    const api = new FakeApi();
    const gate = Promise.withResolvers<undefined>();
    const login = api.login;
    api.login = async (request) => {
      await gate.promise;
      return login(request);
    };
    const session = api.session();
    const calls = Array.from({ length: 50 }, () => session.call("tasks.ping", task));
    await settle();
    expect(api.logins).toBe(1);
    gate.resolve(undefined);
    await Promise.all(calls);
    expect(api.logins).toBe(1);
    expect(api.calls).toHaveLength(50);
  });

  it("is renewed before it expires, and not earlier", async () => {
    const api = new FakeApi();
    const session = api.session();
    await session.call("tasks.ping", task);
    await api.clock.advance((3600 - 361) * 1000);
    await session.call("tasks.ping", task);
    expect(api.logins).toBe(1);
    await api.clock.advance(1000);
    await session.call("tasks.ping", task);
    expect(api.logins).toBe(2);
  });

  it("that lives shorter than the threshold is not renewed at every call", async () => {
    const api = new FakeApi();
    api.tokenLifetimeSec = 60;
    const session = api.session();
    for (let call = 0; call < 5; call++) await session.call("tasks.ping", task);
    expect(api.logins).toBe(1);
    await api.clock.advance(30_000);
    await session.call("tasks.ping", task);
    expect(api.logins).toBe(2);
  });

  it("is good for its lifetime even when this machine's clock is a day ahead", async () => {
    const api = new FakeApi();
    const iat = Math.floor(api.clock.now() / 1000) - 86_400;
    api.login = () => ({ data: { token: tokenOf({ iat, exp: iat + 3600 }) } });
    const session = api.session();
    await session.call("tasks.ping", task);
    await session.call("tasks.ping", task);
    expect(api.logins).toBe(1);
  });

  it("that the server refuses is renewed once, by all who were refused together, and each call is sent once more", async () => {
    const api = new FakeApi();
    const session = api.session();
    const first = await session.token();
    api.respond = (request) => (request.headers["authorization"] === `Bearer ${first}` ? refusal(401, 30) : success({}));
    await Promise.all(Array.from({ length: 50 }, () => session.call("tasks.ping", task)));
    expect(api.logins).toBe(2);
    expect(api.calls).toHaveLength(100);
  });

  it("that is refused again ends the call with the refusal", async () => {
    const api = new FakeApi();
    api.respond = () => refusal(401, 30);
    expect(await failureOf(api.session().call("tasks.ping", task))).toMatchObject({ status: 401, subcode: 30, retryable: false });
    expect(api.calls).toHaveLength(2);
    expect(api.logins).toBe(2);
  });

  it("given instead of keys is used first and renewed with itself", async () => {
    const api = new FakeApi();
    const given = tokenOf({ exp: Math.floor(api.clock.now() / 1000) + 3600 });
    const session = api.session({ token: given });
    await session.call("tasks.ping", task);
    expect(api.logins).toBe(0);
    expect(session.serverInfo?.serverVersion).toBe("2.3.0");
    await api.clock.advance(3_300_000);
    await session.call("tasks.ping", task);
    expect(api.requests.find(({ endpoint }) => endpoint === "auth.login")?.headers["authorization"]).toBe(`Bearer ${given}`);
    expect(api.calls.at(-1)?.headers["authorization"]).not.toBe(`Bearer ${given}`);
  });

  it("given when most of its time was over is renewed in time", async () => {
    const api = new FakeApi();
    const now = Math.floor(api.clock.now() / 1000);
    const session = api.session({ token: tokenOf({ iat: now - 3500, exp: now + 100 }) });
    await session.call("tasks.ping", task);
    expect(api.logins).toBe(0);
    await api.clock.advance(51_000);
    await session.call("tasks.ping", task);
    expect(api.logins).toBe(1);
  });

  it("given beside keys is renewed with the keys", async () => {
    const api = new FakeApi();
    const session = api.session({ token: "opaque", accessKey: "AKEY", secretKey: "ASECRET" });
    api.respond = (request) => (request.headers["authorization"] === "Bearer opaque" ? refusal(401, 30) : success({}));
    await session.call("tasks.ping", task);
    expect(api.requests[1]?.headers["authorization"]).toMatch(/^Basic /);
  });

  it("does not make others wait for a caller who gave up", async () => {
    const api = new FakeApi();
    const gate = Promise.withResolvers<undefined>();
    const login = api.login;
    api.login = async (request) => {
      await gate.promise;
      return login(request);
    };
    const session = api.session();
    const controller = new AbortController();
    const reason = new Error("gave up");
    const impatient = failureOf(session.call("tasks.ping", task, { signal: controller.signal }));
    const patient = session.call("tasks.ping", task);
    await settle();
    controller.abort(reason);
    expect(await impatient).toBe(reason);
    gate.resolve(undefined);
    await patient;
    expect(api.logins).toBe(1);
  });

  it("that cannot be had is told as the login's own failure, without a secret", async () => {
    const api = new FakeApi();
    api.login = () => refusal(401, 22, "wrong: AKEY ASECRET");
    const error = (await failureOf(api.session().call("tasks.ping", task))) as ApiError;
    expect(error).toMatchObject({ status: 401, subcode: 22 });
    expect(error.message).toContain("auth.login");
    expect(error.message).not.toContain("ASECRET");
  });

  it("that was wanted and failed is tried for again by the next call", async () => {
    const api = new FakeApi();
    const login = api.login;
    api.login = () => Promise.reject(refused);
    const session = api.session({ retry: false });
    expect(await failureOf(session.call("tasks.ping", task))).toBe(refused);
    api.login = login;
    await session.call("tasks.ping", task);
  });
});
