/** Requests that go through a real proxy, over TLS and plain, by our transport and by the AWS client; and proxies that refuse. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { undiciTransport, type StreamingHttpTransport } from "../../../src/base/http.js";
import { silentLogger } from "../../../src/base/logger.js";
import { readNetwork } from "../../../src/base/network.js";
import { parseCheckpointUri } from "../../../src/storage/checkpoint-uri.js";
import { createObjectStore } from "../../../src/storage/open-object-store.js";
import { downloadDataset } from "../../../src/trainer/downloads.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { startProxy, type ProxyServer } from "../../support/proxy-server.js";
import { S3_ENV, startS3 } from "../../support/s3-server.js";
import { selfSigned } from "../../support/self-signed.js";
import { serveWire } from "../../support/wire-server.js";

let folder: string;
let secure: Server;
let secureUrl: string;
let caFile: string;
let proxy: ProxyServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "proxy-"));
  const { key, cert } = selfSigned();
  caFile = path.join(folder, "ca.pem");
  await writeFile(caFile, cert);
  secure = createServer({ key, cert }, (request, response) => response.end(`secure ${request.method ?? ""}`));
  secure.listen(0, "127.0.0.1");
  await once(secure, "listening");
  secureUrl = `https://localhost:${String((secure.address() as AddressInfo).port)}/`;
});
afterAll(async () => {
  secure.closeAllConnections();
  secure.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  proxy = await startProxy();
  return () => proxy[Symbol.asyncDispose]();
});

const through = (env: Record<string, string>, background = false): StreamingHttpTransport =>
  undiciTransport({ network: readNetwork(env), background });

const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => {
      throw new Error("it was expected to fail");
    },
    (error: unknown) => error as Error,
  );

describe.each([false, true])("a transport, in the background: %s", (background) => {
  it("reaches a server over TLS by CONNECT, with the proxy's user and password, and trusts the authority that was named", async () => {
    const { port } = new URL(secureUrl);
    const transport = through({ HTTPS_PROXY: proxy.url.replace("//", "//us%65r:pass@"), SSL_CERT_FILE: caFile }, background);
    expect((await transport.send({ method: "GET", url: secureUrl })).text()).toBe("secure GET");
    expect(proxy.seen).toEqual([`CONNECT localhost:${port}`]);
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from("user:pass").toString("base64")}`]);
    await transport.close();
  });

  it("reaches a plain server by a request to the proxy itself, and one in NO_PROXY past it", async () => {
    await using server = await serveWire(() => Promise.resolve({ status: 200, body: "plain" }));
    const transport = through({ http_proxy: proxy.url }, background);
    expect((await transport.send({ method: "POST", url: `${server.url}/a?b=1`, body: "x" })).text()).toBe("plain");
    expect(proxy.seen).toEqual([`POST ${server.url}/a?b=1`]);
    await transport.close();
    const past = through({ http_proxy: proxy.url, NO_PROXY: "127.0.0.1" }, background);
    expect((await past.send({ method: "GET", url: server.url })).text()).toBe("plain");
    expect(proxy.seen.length).toBe(1);
    await past.close();
  });

  it.each([
    [407, /the proxy http:\/\/127\.0\.0\.1:\d+ refused with 407: it wants a user and a password.*HTTPS?_PROXY/],
    [403, /refused with 403: it does not allow (localhost|127\.0\.0\.1).*NO_PROXY/],
    [502, /refused with 502: it could not get through/],
  ])("says whose refusal it is when the proxy answers %i, and that a later try may get through", async (status, words) => {
    await using server = await serveWire(() => Promise.resolve({ status: 200 }));
    proxy.refuseWith = status;
    const withSecret = proxy.url.replace("//", "//user:very-secret@");
    const transport = through({ HTTPS_PROXY: withSecret, HTTP_PROXY: withSecret, SSL_CERT_FILE: caFile }, background);
    for (const url of [secureUrl, server.url]) {
      const failure = await failureOf(transport.send({ method: "POST", url, body: "x" }));
      expect(failure).toMatchObject({ code: "CONNECTION_FAILED", retryable: true, ambiguous: false });
      expect(failure.message).toMatch(words);
      expect(failure.message).not.toContain("very-secret");
    }
    await transport.close();
  });

  it("says that the proxy is not there, and which variable names it", async () => {
    const gone = await startProxy();
    await gone[Symbol.asyncDispose]();
    const transport = through({ HTTPS_PROXY: gone.url, HTTP_PROXY: gone.url }, background);
    for (const url of [secureUrl, "http://127.0.0.1:9/"]) {
      const failure = await failureOf(transport.send({ method: "GET", url }));
      expect(failure).toMatchObject({ code: "CONNECTION_FAILED", ambiguous: false });
      expect(failure.message).toContain(`the proxy ${gone.url} cannot be reached`);
      expect(failure.message).toContain("HTTPS_PROXY");
    }
    await transport.close();
  });
});

it("a server whose authority is not known is refused, with the variable that makes it known", async () => {
  const transport = undiciTransport();
  const failure = await failureOf(transport.send({ method: "GET", url: secureUrl }));
  expect(failure.message).toContain("SSL_CERT_FILE");
  await transport.close();
  for (const name of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]) {
    const trusting = through({ [name]: caFile });
    expect((await trusting.send({ method: "GET", url: secureUrl })).status).toBe(200);
    await trusting.close();
  }
});

describe("the AWS client", () => {
  it("uploads and downloads through the proxy, several parts of a large file among it", async () => {
    await using s3 = await startS3({ buckets: ["data"] });
    const env = { ...S3_ENV, http_proxy: proxy.url, TRAINER_CACHE_DIR: path.join(folder, "cache") };
    const parsed = parseCheckpointUri(`s3://${s3.server.host}/data/set`);
    if (parsed.status === "invalid") throw new Error("unreachable");
    const store = createObjectStore(parsed.spec, { env, logger: silentLogger });
    const digests: string[] = [];
    for (const [name, sizeBytes] of [
      ["small + ä.bin", 1000],
      ["large.bin", 20_000_000],
    ] as const) {
      const content = randomBytes(sizeBytes);
      const file = path.join(folder, "source.bin");
      await writeFile(file, content);
      const sha256 = createHash("sha256").update(content).digest("hex");
      await store.put(
        name,
        { path: file, sizeBytes, sha256, contentType: "application/octet-stream" },
        { signal: new AbortController().signal },
      );
      expect(
        createHash("sha256")
          .update(s3.s3.object("data", `set/${name}`)?.body ?? "")
          .digest("hex"),
      ).toBe(sha256);
      digests.push(sha256);
    }
    await store.close();
    const requests = s3.s3.calls().length;
    expect(proxy.seen.length).toBe(requests);
    const set = await downloadDataset(`s3://${s3.server.host}/data/set`, { env });
    expect(set.sizeBytes).toBe(20_001_000);
    expect(proxy.seen.length).toBe(s3.s3.calls().length);
  });

  it("waits for a proxy that refuses, as for any outage, and names it", async () => {
    await using s3 = await startS3({ buckets: ["data"] });
    proxy.refuseWith = 407;
    const env = { ...S3_ENV, http_proxy: proxy.url, TRAINER_CACHE_DIR: path.join(folder, "cache-2") };
    const failure = await failureOf(downloadDataset(`s3://${s3.server.host}/data/set`, { env, retryBudgetMs: 0 }));
    expect(failure).toMatchObject({ code: "CONNECTION_FAILED", retryable: true });
    expect(failure.message).toContain("refused with 407");
  });
});

it("a trainer behind a proxy that refuses keeps everything, and delivers once it lets through", async () => {
  const bodies: string[] = [];
  await using backend = await serveWire(async ({ body, url }) => {
    for await (const chunk of body) bodies.push(`${url.pathname} ${Buffer.from(chunk).toString("utf8")}`);
    return { status: 200, body: "{}" };
  });
  proxy.refuseWith = 407;
  const env = { JOB_ID: "9", CALLBACK_URL: `${backend.url}/cb`, HTTP_PROXY: proxy.url, TRAINER_JOURNAL_DIR: path.join(folder, "journal") };
  const sdk = await TrainerSDK.init({ env, batchAgeMs: 1 });
  void sdk.reportProgress({ epoch: 1, metrics: { loss: 0.5 } });
  await expect.poll(() => sdk.stats().outbox?.sinks["platform"]?.lastError, { timeout: 20_000 }).toContain("refused with 407");
  expect(sdk.stats().outbox?.sinks["platform"]).toMatchObject({ state: "waiting", pending: 1 });
  proxy.refuseWith = undefined;
  expect(await sdk.flush({ deadlineMs: 30_000 })).toMatchObject({ complete: true });
  expect(bodies.length).toBe(1);
  await sdk.close();
});
