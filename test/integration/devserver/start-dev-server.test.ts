import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startDevServer, type DevServer, type DevServerOptions } from "../../../src/devserver/index.js";
import { RawClearML } from "../../support/raw-clearml.js";

const servers: DevServer[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function start(options: DevServerOptions = {}): Promise<DevServer> {
  const server = await startDevServer(options);
  servers.push(server);
  return server;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "dev-server-"));
  folders.push(path);
  return path;
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** Full control over method, Host and Origin, which `fetch` does not give. */
function raw(url: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: options.method ?? "GET", headers: options.headers ?? {}, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(options.body);
  });
}

describe("the dev server", () => {
  it("answers on three loopback ports and says how to reach them", async () => {
    const server = await start();
    expect(server.env).toEqual({
      CLEARML_API_HOST: server.apiUrl,
      CLEARML_WEB_HOST: server.webUrl,
      CLEARML_FILES_HOST: server.filesUrl,
      CLEARML_API_ACCESS_KEY: server.accessKey,
      CLEARML_API_SECRET_KEY: server.secretKey,
      CALLBACK_URL: `${server.webUrl}/callbacks`,
    });
    expect((await raw(`${server.apiUrl}/debug.ping`)).status).toBe(200);
    expect((await raw(`${server.webUrl}/api/debug.ping`)).status).toBe(200);
    expect(await raw(`${server.filesUrl}/`)).toMatchObject({ status: 200, body: "OK" });
    expect(await raw(`${server.webUrl}/files/`)).toMatchObject({ status: 200, body: "OK" });
    expect(await raw(`${server.webUrl}/callbacks`)).toMatchObject({ status: 200, body: '{"callbacks":[]}' });
  });

  it("takes a GET with a body, as the official client sends it", async () => {
    const server = await start();
    const { body } = await raw(`${server.apiUrl}/v2.23/debug.ping`, { headers: { "content-length": "10" }, body: '{"echo":1}' });
    expect((JSON.parse(body) as { data: unknown }).data).toEqual({ msg: "ClearML server", echo: 1 });
  });

  it("ends the connection after each answer to the official client, which shares its idle ones with a forked process", async () => {
    const server = await start();
    const connection = async (url: string, client: string): Promise<unknown> =>
      (await raw(url, { headers: { connection: "keep-alive", "user-agent": client } })).headers["connection"];
    for (const url of [`${server.apiUrl}/debug.ping`, server.filesUrl]) {
      expect(await connection(url, "python-requests/2.34.2")).toBe("close");
      expect(await connection(url, "another")).toBe("keep-alive");
    }
  });

  it("serves a whole small run over real sockets", async () => {
    const server = await start();
    const client = await RawClearML.login(server.env);
    const { id } = await client.call<{ id: string }>("tasks.create", { name: "a task", type: "training" });
    await client.call("tasks.started", { task: id });
    await client.addEvents([{ type: "training_stats_scalar", task: id, iter: 1, metric: "loss", variant: "train", value: 0.5 }]);
    const big = "x".repeat(3_000_000);
    const url = await client.upload("a b/weights.bin", big);
    const { data } = JSON.parse(
      (
        await raw(`${server.apiUrl}/auth.login`, {
          headers: { authorization: `Basic ${Buffer.from(`${server.accessKey}:${server.secretKey}`).toString("base64")}` },
        })
      ).body,
    ) as { data: { token: string } };
    const download = await raw(url.replace("a b", "a%20b"), { headers: { authorization: `Bearer ${data.token}` } });
    expect([download.status, download.body === big]).toEqual([200, true]);
    expect(await client.call("events.scalar_metrics_iter_histogram", { task: id })).toEqual({
      loss: { train: { name: "train", x: [1], y: [0.5] } },
    });
  });

  it("keeps nothing of an upload whose sender goes away", async () => {
    const dataDir = await folder();
    const server = await start({ dataDir });
    const authorization = `Basic ${Buffer.from(`${server.accessKey}:${server.secretKey}`).toString("base64")}`;
    const headers = { authorization, "content-type": "multipart/form-data; boundary=b", "content-length": "1000000" };
    const upload = httpRequest(server.filesUrl, { method: "POST", headers });
    upload.on("error", () => undefined);
    upload.write('--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\n' + "x".repeat(100_000));
    const files = join(dataDir, "files");
    const present = async (): Promise<string[]> => readdir(files).catch(() => []);
    while ((await present()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    upload.destroy();
    while (server.requests.counts().total === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await present()).toEqual([]);
    expect(server.requests.entries({ channel: "files" }).map((entry) => entry.status)).toEqual([400]);
  });

  it("keeps everything in its folder for the next start, keys and tokens included", async () => {
    const dataDir = await folder();
    const first = await startDevServer({ dataDir });
    const client = await RawClearML.login(first.env);
    const { id } = await client.call<{ id: string }>("tasks.create", { name: "a task", type: "training" });
    await client.addEvents([{ type: "log", task: id, msg: "kept" }]);
    await client.upload("dir/file.txt", "kept");
    await fetch(`${first.callbackUrl}/progress`, { method: "POST", body: '{"job_id":"j"}' });
    await first.close();
    const second = await start({ dataDir });
    expect([second.accessKey, second.secretKey]).toEqual([first.accessKey, first.secretKey]);
    const again = await RawClearML.login(second.env);
    expect((await again.call<{ events: { msg: string }[] }>("events.get_task_log", { task: id })).events.map((event) => event.msg)).toEqual(
      ["kept"],
    );
    expect((await raw(`${second.webUrl}/callbacks?job_id=j`)).body).toContain('"path":"/progress"');
    expect((await readdir(dataDir)).filter((name) => !/-(wal|shm)$/.test(name)).sort()).toEqual(["clearml.sqlite", "files"]);
    await expect(startDevServer({ dataDir })).rejects.toThrow(/another server has it open/);
  });

  it("takes the port it is told and the two after it, and says which is in use", async () => {
    const blocker = createServer();
    blocker.listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port } = blocker.address() as AddressInfo;
    await expect(startDevServer({ port: port - 1 })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`port ${String(port)}`),
      cause: { code: "EADDRINUSE" },
    });
    blocker.close();
    await once(blocker, "close");
    await expect(startDevServer({ port: 70_000 })).rejects.toThrow(/between 0 and/);
  });

  it("ends idle, active and streaming connections at close, and closes twice", async () => {
    const server = await startDevServer();
    const stream = await fetch(`${server.webUrl}/live`);
    server.faults.set("api", { mode: "hang" });
    const hanging = fetch(`${server.apiUrl}/debug.ping`).then(
      () => "answered",
      () => "torn down",
    );
    const reading = stream.text().then(
      () => "ended",
      () => "torn down",
    );
    while (server.faults.hits("api") === 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([server.close(), server.close()]);
    expect(await hanging).toBe("torn down");
    await reading;
    await expect(fetch(`${server.apiUrl}/debug.ping`)).rejects.toThrow();
  });

  it("closes with its signal, and does not start with one that was aborted", async () => {
    const stop = new AbortController();
    const server = await startDevServer({ signal: stop.signal });
    stop.abort();
    await server.close();
    await expect(fetch(server.webUrl)).rejects.toThrow();
    await expect(startDevServer({ signal: AbortSignal.abort(new Error("never mind")) })).rejects.toThrow("never mind");
  });
});

describe("who may talk to the dev server", () => {
  it.each(["evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1"])("not who calls it %s", async (host) => {
    const server = await start();
    for (const url of [server.webUrl, server.apiUrl, server.filesUrl])
      expect((await raw(`${url}/debug.ping`, { headers: { host } })).status).toBe(403);
  });

  it("whoever calls it by a loopback name with its port", async () => {
    const server = await start();
    const { port } = new URL(server.apiUrl);
    for (const name of ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
      expect((await raw(`${server.apiUrl}/debug.ping`, { headers: { host: `${name}:${port}` } })).status).toBe(200);
  });

  it("not pages of other origins, whatever method they use", async () => {
    const server = await start();
    for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
      for (const method of ["GET", "POST", "OPTIONS"]) {
        expect((await raw(`${server.apiUrl}/debug.ping`, { method, headers: { origin } })).status).toBe(403);
        expect((await raw(`${server.callbackUrl}/progress`, { method, headers: { origin } })).status).toBe(403);
      }
    }
  });

  it("its own page, from the web port to the others", async () => {
    const server = await start();
    const preflight = await raw(`${server.filesUrl}/`, {
      method: "OPTIONS",
      headers: { origin: server.webUrl, "access-control-request-method": "POST" },
    });
    expect(preflight).toMatchObject({
      status: 200,
      headers: { "access-control-allow-origin": server.webUrl, "access-control-allow-credentials": "true" },
    });
    expect((await raw(`${server.apiUrl}/debug.ping`, { headers: { origin: server.webUrl } })).headers["access-control-allow-origin"]).toBe(
      server.webUrl,
    );
  });
});

describe("faults on real sockets", () => {
  it.each([
    ["refuse", 0],
    ["drop-answer", 1],
  ] as const)("%s tears the connection down before any answer", async (mode, done) => {
    const server = await start();
    const client = await RawClearML.login(server.env);
    server.faults.set("api", { mode, match: "tasks.create" });
    await expect(client.call("tasks.create", { name: "a task", type: "training" })).rejects.toThrow("fetch failed");
    expect((await client.call<{ tasks: unknown[] }>("tasks.get_all", {})).tasks).toHaveLength(done);
  });

  it("reset-mid-body lets the head of the answer arrive and then fails its body", async () => {
    const server = await start();
    server.faults.set("api", { mode: "reset-mid-body" });
    const response = await fetch(`${server.apiUrl}/debug.ping`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  it("hang outlives the client and is let go", async () => {
    const server = await start();
    server.faults.set("files", { mode: "hang" });
    await expect(fetch(server.filesUrl, { signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/i);
    server.faults.clear("files");
    expect((await fetch(server.filesUrl)).status).toBe(200);
  });

  it("are switched from another process when that was asked for", async () => {
    const server = await start({ faultControl: true });
    await raw(`${server.webUrl}/__faults`, {
      method: "POST",
      body: JSON.stringify({ channel: "callbacks", mode: "status", status: 503, retryAfter: "1", times: 1 }),
    });
    const tell = () => raw(`${server.callbackUrl}/progress`, { method: "POST", headers: { "idempotency-key": "k" }, body: "{}" });
    expect(await tell()).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    expect((await tell()).status).toBe(200);
    expect(JSON.parse((await raw(`${server.webUrl}/__requests`)).body)).toMatchObject({ acceptedByIdempotencyKey: { k: 1 } });
  });
});

describe("the web port", () => {
  it("gives its own page the lines to copy into a shell, and no other page", async () => {
    const server = await start();
    const answer = await raw(`${server.webUrl}/env.json`);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(answer.body)).toEqual({ env: server.env });
    expect((await raw(`${server.webUrl}/env.json`, { headers: { origin: "https://evil.example" } })).status).toBe(403);
  });

  it("streams changes as they happen", async () => {
    const server = await start();
    const client = await RawClearML.login(server.env);
    const stream = await fetch(`${server.webUrl}/live`);
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toContain(": connected");
    const { id } = await client.call<{ id: string }>("tasks.create", { name: "a task", type: "training" });
    expect((await reader.read()).value).toBe(`event: change\ndata: {"task":"${id}","kind":"task"}\n\n`);
    await reader.cancel();
  });
});
