import { request as undiciRequest } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBytes, type WireHandler } from "../../../src/protocol/handler.js";
import { mswHandler } from "../../../src/testing/msw-handler.js";
import { setupTestNetwork } from "../../../src/testing/test-network.js";

let answerWith: WireHandler;
const network = setupTestNetwork([mswHandler("http://server.test:8008", (request) => answerWith(request))]);

describe("a wire handler under msw", () => {
  beforeAll(() => network.listen());
  afterAll(() => network.close());

  it("sees method, address, lower-case headers and body", async () => {
    answerWith = async (request) => ({
      status: 201,
      headers: { "x-answer": "yes" },
      body: JSON.stringify([
        request.method,
        request.url.href,
        request.headers["x-question"],
        Buffer.from(await readBytes(request.body)).toString(),
      ]),
    });
    const answer = await undiciRequest("http://server.test:8008/a/b?c=1", { method: "POST", headers: { "X-Question": "?" }, body: "text" });
    expect(answer.statusCode).toBe(201);
    expect(answer.headers["x-answer"]).toBe("yes");
    expect(await answer.body.json()).toEqual(["POST", "http://server.test:8008/a/b?c=1", "?", "text"]);
  });

  it("serves the root path, bytes and streams", async () => {
    answerWith = async ({ url }) => ({ status: 200, body: url.pathname === "/" ? new Uint8Array([0, 255]) : stream() });
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array([1]);
      yield new Uint8Array([2]);
    }
    expect([...new Uint8Array(await (await fetch("http://server.test:8008/")).arrayBuffer())]).toEqual([0, 255]);
    expect([...new Uint8Array(await (await fetch("http://server.test:8008/s")).arrayBuffer())]).toEqual([1, 2]);
  });

  it("answers HEAD with the headers alone, and 204 without a body", async () => {
    answerWith = async () => ({ status: 200, headers: { "content-length": "5" }, body: "12345" });
    const head = await undiciRequest("http://server.test:8008/x", { method: "HEAD" });
    expect(head.headers["content-length"]).toBe("5");
    expect(await head.body.text()).toBe("");
    answerWith = async () => ({ status: 204, body: "" });
    expect((await fetch("http://server.test:8008/x")).status).toBe(204);
  });

  it("breaks the connection instead of an answer", async () => {
    answerWith = async () => ({ status: 200, destroy: true });
    await expect(undiciRequest("http://server.test:8008/x")).rejects.toThrow();
    await expect(fetch("http://server.test:8008/x")).rejects.toThrow();
  });

  it("breaks the connection in the middle of an answer", async () => {
    answerWith = async () => ({ status: 200, body: "half", destroy: true });
    const answer = await undiciRequest("http://server.test:8008/x");
    expect(answer.statusCode).toBe(200);
    await expect(answer.body.text()).rejects.toThrow();
    await expect((await fetch("http://server.test:8008/x")).text()).rejects.toThrow();
  });
});
