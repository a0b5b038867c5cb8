import { describe, expect, it } from "vitest";
import type { Fault } from "../../../src/devserver/index.js";
import { settle } from "../../support/fake-clock.js";
import { TestClearML, send } from "../../support/wire-client.js";

const ping = (clearml: TestClearML, path = "/debug.ping") => send(clearml.server.api, path, { headers: { authorization: clearml.basic } });

async function create(clearml: TestClearML): Promise<Awaited<ReturnType<typeof send>>> {
  return send(clearml.server.api, "/tasks.create", {
    headers: { authorization: clearml.basic },
    body: '{"name":"a task","type":"training"}',
  });
}

async function tasks(clearml: TestClearML): Promise<number> {
  return (await clearml.ok("tasks.get_all")).tasks.length;
}

describe("a fault switch", () => {
  it.each([
    [{ mode: "refuse" }, { destroyed: true, text: "" }, 0],
    [{ mode: "status", status: 503, retryAfter: "7" }, { status: 503, headers: { "retry-after": "7" }, destroyed: false }, 0],
    [{ mode: "status", status: 500, body: "oops" }, { status: 500, text: "oops" }, 0],
    [{ mode: "garbage" }, { status: 200, text: expect.stringContaining("<html>") }, 0],
    [{ mode: "drop-answer" }, { destroyed: true, text: "" }, 1],
    [{ mode: "reset-mid-body" }, { status: 200, destroyed: true, text: expect.stringMatching(/^\{"meta"/) }, 1],
  ] as [Fault, object, number][])("%j: the answer is spoilt and the work done or not", async (fault, answer, done) => {
    const clearml = new TestClearML();
    const clear = clearml.server.faults.set("api", fault);
    expect(await create(clearml)).toMatchObject(answer);
    clear();
    expect(await tasks(clearml)).toBe(done);
    expect((await create(clearml)).status).toBe(200);
  });

  it("cuts a torn answer short of the length that it announces", async () => {
    const clearml = new TestClearML();
    clearml.server.faults.set("api", { mode: "reset-mid-body" });
    const { headers, bytes } = await ping(clearml);
    expect(bytes.byteLength).toBeLessThan(Number(headers["content-length"]));
  });

  it("lets a request hang until it is cleared, and tears it down then", async () => {
    const clearml = new TestClearML();
    clearml.server.faults.set("api", { mode: "hang", times: 1 });
    const hanging = create(clearml);
    let answered = false;
    void hanging.then(() => (answered = true));
    await settle();
    expect([answered, (await ping(clearml)).status]).toEqual([false, 200]);
    clearml.server.faults.clear("api");
    expect(await hanging).toMatchObject({ destroyed: true });
    expect(await tasks(clearml)).toBe(0);
  });

  it("lets hanging requests go when the server closes", async () => {
    const clearml = new TestClearML();
    clearml.server.faults.set("api", { mode: "hang" });
    const hanging = create(clearml);
    await settle();
    await clearml.server.close();
    expect(await hanging).toMatchObject({ destroyed: true });
  });

  it("slows the work down by the server's own clock", async () => {
    const clearml = new TestClearML();
    clearml.server.faults.set("api", { mode: "slow", ms: 5000 });
    const slow = ping(clearml);
    let answered = false;
    void slow.then(() => (answered = true));
    await clearml.clock.advance(4999);
    expect(answered).toBe(false);
    await clearml.clock.advance(1);
    expect((await slow).status).toBe(200);
  });

  it("hits what it matches, as often as it was told, and counts", async () => {
    const clearml = new TestClearML();
    const { faults } = clearml.server;
    faults.set("api", { mode: "status", status: 500, match: "debug", times: 2 });
    faults.set("api", { mode: "status", status: 429, match: (request) => request.method === "PUT" });
    expect((await create(clearml)).status).toBe(200);
    const statuses = [await ping(clearml), await ping(clearml), await ping(clearml)].map((answer) => answer.status);
    expect(statuses).toEqual([500, 500, 200]);
    expect((await send(clearml.server.api, "/debug.ping", { method: "PUT" })).status).toBe(429);
    expect(faults.hits("api")).toBe(3);
    expect(faults.status().active).toEqual({ api: [expect.objectContaining({ mode: "status", status: 429 })] });
  });

  it("spoils one channel and leaves the others alone", async () => {
    const clearml = new TestClearML();
    clearml.server.faults.set("files", { mode: "refuse" });
    expect((await send(clearml.server.files, "/", { method: "GET" })).destroyed).toBe(true);
    expect((await ping(clearml)).status).toBe(200);
    expect((await send(clearml.server.callbacks, "/progress", { body: "{}" })).status).toBe(200);
  });

  it("voids every token that was issued, once", async () => {
    const clearml = new TestClearML();
    const { token } = await clearml.ok("auth.login");
    const withToken = () => clearml.api("tasks.get_all", {}, { authorization: `Bearer ${token}` });
    clearml.server.faults.set("api", { mode: "expire-tokens", match: "tasks." });
    expect((await withToken()).code).toBe("401/30");
    const { token: fresh } = await clearml.ok("auth.login");
    expect((await clearml.api("tasks.get_all", {}, { authorization: `Bearer ${fresh}` })).code).toBe("200/0");
    expect((await withToken()).code).toBe("401/30");
  });

  it("guards a server of any other name", async () => {
    const clearml = new TestClearML();
    const s3 = clearml.server.faults.wrap("s3", () => Promise.resolve({ status: 200, body: "stored" }));
    clearml.server.faults.set("s3", { mode: "status", status: 503, times: 1 });
    expect([(await send(s3, "/")).status, (await send(s3, "/")).text]).toEqual([503, "stored"]);
  });
});

describe("the server's own counts", () => {
  it("tell what was accepted by idempotency key, and whose answer was lost", async () => {
    const clearml = new TestClearML();
    const tell = () => send(clearml.server.callbacks, "/callbacks/progress", { headers: { "idempotency-key": "k1" }, body: "{}" });
    clearml.server.faults.set("callbacks", { mode: "drop-answer", times: 1 });
    await tell();
    await tell();
    clearml.server.faults.set("callbacks", { mode: "status", status: 500, times: 1 });
    await tell();
    expect(clearml.server.requests.counts()).toEqual({ total: 3, acceptedByIdempotencyKey: { k1: 2 } });
    expect(clearml.server.requests.entries({ channel: "callbacks" }).map((entry) => [entry.status, entry.dropped])).toEqual([
      [200, true],
      [200, false],
      [500, false],
    ]);
  });

  it("and the switches are served to other processes only when that was asked for", async () => {
    const open = new TestClearML({ faultControl: true });
    const control = (method: string, path: string, body?: object) =>
      send(open.server.web, path, { method, body: body ? JSON.stringify(body) : "" });
    expect((await control("POST", "/__faults", { channel: "api", mode: "status", status: 503, times: 1 })).status).toBe(200);
    expect((await ping(open)).status).toBe(503);
    expect((await control("POST", "/__faults", { channel: "api", mode: "nonsense" })).status).toBe(400);
    expect((await control("POST", "/__faults", { channel: "api", mode: "hang" })).status).toBe(200);
    expect(JSON.parse((await control("DELETE", "/__faults?channel=api")).text).active).toEqual({});
    expect(JSON.parse((await control("GET", "/__requests?channel=api")).text)).toMatchObject({
      total: 1,
      requests: [{ channel: "api", status: 503 }],
    });
    const closed = new TestClearML();
    expect((await send(closed.server.web, "/__faults", { method: "POST", body: "{}" })).status).toBe(405);
  });
});
