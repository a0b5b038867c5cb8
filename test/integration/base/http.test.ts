/** The transports against real sockets: one suite, run over undici and over `fetch`. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { ConnectionError } from "../../../src/base/errors.js";
import { MAX_RESPONSE_BYTES, fetchTransport, publicUrl, undiciTransport, type StreamingHttpTransport } from "../../../src/base/http.js";

const transports: readonly (readonly [string, () => StreamingHttpTransport])[] = [
  ["undici", () => undiciTransport()],
  ["fetch", () => fetchTransport(globalThis.fetch)],
];

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ url: string; server: Server }> {
  const server = createServer(handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, server };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("it was expected to fail");
    },
    (error: unknown) => error,
  );
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

describe.each(transports)("the transport over %s", (_name, create) => {
  function transport(): StreamingHttpTransport {
    const made = create();
    open.push(() => made.close());
    return made;
  }

  it("gives back whatever was answered, with header names in lower case", async () => {
    const { url } = await serve((request, response) => {
      void bodyOf(request).then((body) => {
        response.writeHead(418, { "X-Thing": "a", "Content-Type": "text/plain" });
        response.end(`${request.method ?? ""} ${body}`);
      });
    });
    const answer = await transport().send({ method: "POST", url, body: "tea" });
    expect(answer.status).toBe(418);
    expect(answer.headers["x-thing"]).toBe("a");
    expect(answer.text()).toBe("POST tea");
  });

  it("sends a stream as the body", async () => {
    const { url } = await serve((request, response) => void bodyOf(request).then((body) => response.end(body)));
    const answer = await transport().send({
      method: "POST",
      url,
      body: Readable.from([Buffer.from("one "), Buffer.from("two")], { objectMode: false }),
    });
    expect(answer.text()).toBe("one two");
  });

  it("does not follow a redirect", async () => {
    const { url } = await serve((request, response) => {
      response.writeHead(302, { location: "/elsewhere" });
      response.end();
      expect(request.url).toBe("/here");
    });
    const answer = await transport().send({ method: "GET", url: `${url}/here`, headers: { authorization: "Bearer secret" } });
    expect(answer.status).toBe(302);
  });

  it("says of a refused connection that nothing was done", async () => {
    const { url, server } = await serve(() => undefined);
    server.close();
    await once(server, "close");
    const error = (await failure(transport().send({ method: "POST", url, body: "x" }))) as ConnectionError;
    expect(ConnectionError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", ambiguous: false, retryable: true });
  });

  it("says of a reset connection that the work may have been done", async () => {
    const { url } = await serve((request) => request.socket.resetAndDestroy());
    const error = await failure(transport().send({ method: "POST", url, body: "x" }));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", ambiguous: true });
  });

  it("gives up when no answer came in time", async () => {
    const { url } = await serve(() => undefined);
    const error = await failure(transport().send({ method: "POST", url, body: "x", timeoutMs: 40 }));
    expect(error).toMatchObject({ code: "TIMEOUT", ambiguous: true });
    expect(String(error)).toContain("within 40 ms");
  });

  it("gives up when an answer began but did not end in time", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200);
      response.write("half");
    });
    const error = await failure(transport().send({ method: "GET", url, timeoutMs: 40 }));
    expect(error).toMatchObject({ code: "TIMEOUT", ambiguous: true });
  });

  it("passes the caller's own reason through when the caller aborts", async () => {
    const reason = new Error("the user went home");
    const controller = new AbortController();
    const { url } = await serve(() => controller.abort(reason));
    expect(await failure(transport().send({ method: "GET", url, signal: controller.signal }))).toBe(reason);
    expect(await failure(transport().send({ method: "GET", url, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it("refuses an answer that is longer than memory allows", async () => {
    const { url } = await serve((_request, response) => {
      const piece = Buffer.alloc(4 * 1024 * 1024);
      Readable.from(
        (function* () {
          for (let sent = 0; sent <= MAX_RESPONSE_BYTES; sent += piece.length) yield piece;
        })(),
      ).pipe(response);
    });
    const error = await failure(transport().send({ method: "GET", url }));
    expect(String(error)).toContain(`longer than ${String(MAX_RESPONSE_BYTES)} bytes`);
  });

  it("keeps user, password and query out of messages", async () => {
    const { url, server } = await serve(() => undefined);
    server.close();
    await once(server, "close");
    const error = (await failure(
      transport().send({ method: "GET", url: `${url}/path?token=hunter2`, headers: { authorization: "Bearer hunter3" } }),
    )) as Error;
    expect(error.message).toContain("/path");
    expect(error.message).not.toMatch(/hunter/);
  });

  describe("stream", () => {
    it("hands out the answer piece by piece before it has ended", async () => {
      const gate = Promise.withResolvers<undefined>();
      const { url } = await serve((_request, response) => {
        response.writeHead(200, { "content-length": "6" });
        response.write("one");
        void gate.promise.then(() => response.end("two"));
      });
      const answer = await transport().stream({ method: "GET", url });
      expect(answer.headers["content-length"]).toBe("6");
      const seen: string[] = [];
      for await (const piece of answer.body) {
        seen.push(String(piece));
        gate.resolve(undefined);
      }
      expect(seen.join("|")).toBe("one|two");
    });

    it("tells a broken connection as no answer", async () => {
      const { url } = await serve((_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("half", () => response.socket?.resetAndDestroy());
      });
      const answer = await transport().stream({ method: "GET", url });
      expect(await failure(answer.body.toArray())).toMatchObject({ code: "CONNECTION_FAILED" });
    });

    it.each(["", "half"])("does not wait for ever on a server that falls silent after %j", async (sent) => {
      const { url } = await serve((_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.flushHeaders();
        if (sent !== "") response.write(sent);
      });
      const answer = await transport().stream({ method: "GET", url, idleTimeoutMs: 40 });
      expect(await failure(answer.body.toArray())).toMatchObject({ code: "TIMEOUT" });
    });

    it("limits the wait for headers", async () => {
      const { url } = await serve(() => undefined);
      expect(await failure(transport().stream({ method: "GET", url, timeoutMs: 40 }))).toMatchObject({ code: "TIMEOUT" });
    });

    it("ends with the caller's reason when the caller aborts", async () => {
      const reason = new Error("enough");
      const controller = new AbortController();
      const { url } = await serve((_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("half");
      });
      const answer = await transport().stream({ method: "GET", url, signal: controller.signal });
      answer.body.once("data", () => controller.abort(reason));
      expect(await failure(once(answer.body, "end"))).toBe(reason);
    });

    it("frees the connection when the reader walks away", async () => {
      const closed = Promise.withResolvers<undefined>();
      const { url } = await serve((_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("half");
        response.once("close", () => closed.resolve(undefined));
      });
      const answer = await transport().stream({ method: "GET", url });
      // The reader has what there is and waits for more.
      answer.body.resume();
      await once(answer.body, "data");
      await new Promise((resolve) => setImmediate(resolve));
      answer.body.destroy();
      await closed.promise;
    });
  });
});

describe("the undici transport", () => {
  it("refuses a certificate nobody vouches for, unless told to accept it", async () => {
    const { createServer: createTlsServer } = await import("node:https");
    const { selfSigned } = await import("../../support/self-signed.js");
    const server = createTlsServer(selfSigned(), (_request, response) => response.end("hello"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    open.push(() => void server.close());
    const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const strict = undiciTransport();
    const lenient = undiciTransport({ verifyCertificates: false });
    open.push(
      () => strict.close(),
      () => lenient.close(),
    );
    expect(await failure(strict.send({ method: "GET", url }))).toMatchObject({ code: "CONNECTION_FAILED", ambiguous: false });
    expect((await lenient.send({ method: "GET", url })).text()).toBe("hello");
  });

  it("closes twice without complaint, and without ever having been used", async () => {
    const transport = undiciTransport();
    await transport.close();
    await transport.close();
  });
});

describe("publicUrl", () => {
  it("keeps origin and path alone", () => {
    expect(publicUrl("https://user:pass@host:1/a/b?c=d#e")).toBe("https://host:1/a/b");
    expect(publicUrl("https://host")).toBe("https://host/");
    expect(publicUrl("nonsense")).toBe("(not a URL)");
  });

  it.each([
    ["s3://key:secret@bucket/a?b", "s3://bucket/a"],
    ["ftp://user:pass@host/a", "ftp://host/a"],
    ["file:///a/b", "file:///a/b"],
    ["mlflow-artifacts:/1/a", "mlflow-artifacts:/1/a"],
  ])("says of %s which store it is of", (url, shown) => {
    expect(publicUrl(url)).toBe(shown);
  });
});
