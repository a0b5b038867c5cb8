import { describe, expect, it } from "vitest";
import { Tokens } from "../../../src/devserver/api/tokens.js";
import { ChangeFeed } from "../../../src/devserver/change-feed.js";
import { createMemoryStore } from "../../../src/devserver/store/memory-store.js";
import { createWebHandler } from "../../../src/devserver/web-handler.js";
import type { WireHandler } from "../../../src/protocol/handler.js";
import { FakeClock } from "../../support/fake-clock.js";
import { TestClearML, send } from "../../support/wire-client.js";

/** Says what it was asked. */
const echo =
  (name: string): WireHandler =>
  (request) =>
    Promise.resolve({ status: 200, body: `${name} ${request.method} ${request.url.pathname} ${request.headers["authorization"] ?? "-"}` });

function web(assets: Record<string, string> = { "index.html": "<page>", "app.js": "script", "app.css": "style" }): WireHandler {
  const clock = new FakeClock();
  return createWebHandler({
    api: echo("api"),
    files: echo("files"),
    callbacks: echo("callbacks"),
    tokens: new Tokens(createMemoryStore(), clock, {}),
    feed: new ChangeFeed(clock),
    readAsset: (name) => Promise.resolve(Object.hasOwn(assets, name) ? Buffer.from(assets[name]!) : undefined),
    control: undefined,
  });
}

describe("the web port", () => {
  it.each([
    "/",
    "/dashboard",
    "/projects/*/experiments/0123/output/log",
    "/projects/0123/tasks/4567/output/metrics/scalar",
    "/projects/0123/models/4567/general",
    "/projects/*/tasks",
  ])("shows the page under %s", async (path) => {
    const answer = await send(web(), path, { method: "GET" });
    expect(answer).toMatchObject({
      status: 200,
      text: "<page>",
      headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
    });
  });

  it("logs the page in, by ClearML's cookie and by one that tells ports apart", async () => {
    const { headers } = await send(web(), "/", { method: "GET" });
    const cookies = headers["set-cookie"]!.split("\n");
    expect(cookies.map((cookie) => cookie.split("=")[0])).toEqual(["clearml_token_basic", "clearml_token_basic_8008"]);
    for (const cookie of cookies) expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax/);
  });

  it("gives the page's own files by name, and nothing else", async () => {
    expect(await send(web(), "/app.js", { method: "GET" })).toMatchObject({
      status: 200,
      text: "script",
      headers: { "content-type": "text/javascript; charset=utf-8" },
    });
    expect((await send(web(), "/none.js", { method: "GET" })).status).toBe(404);
    expect((await send(web(), "/../app.css", { method: "GET" })).text).toBe("style");
  });

  it("says what to do when the page was not built", async () => {
    expect(await send(web({}), "/", { method: "GET" })).toMatchObject({ status: 503, text: expect.stringContaining("npm run build") });
  });

  it("hands over to API, files and receiver, and takes this port's cookie for their token", async () => {
    const cookie = "clearml_token_basic=other; clearml_token_basic_8008=mine";
    expect((await send(web(), "/api/v2.34/tasks.get_all", { headers: { cookie } })).text).toBe("api POST /v2.34/tasks.get_all Bearer mine");
    expect((await send(web(), "/api/debug.ping", { headers: { cookie, authorization: "Basic x" } })).text).toBe(
      "api POST /debug.ping Basic x",
    );
    expect((await send(web(), "/files/a%20b", { method: "GET" })).text).toBe("files GET /a%20b -");
    expect((await send(web(), "/callbacks/progress")).text).toBe("callbacks POST /callbacks/progress -");
  });

  it("refuses to be written to anywhere else", async () => {
    expect((await send(web(), "/dashboard")).status).toBe(405);
  });

  it("lets a page that was opened call the API, whatever the cookie of another server says", async () => {
    const clearml = new TestClearML();
    const { token } = await clearml.ok("auth.login");
    const cookie = `clearml_token_basic=of.another.server; clearml_token_basic_8008=${token}`;
    expect((await send(clearml.server.web, "/api/v2.34/tasks.get_all", { headers: { cookie } })).status).toBe(200);
  });
});
