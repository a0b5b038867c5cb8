/** Puts a server without a socket on a loopback port. Streams both ways; tears connections down when the answer says so. */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { describeError, ConfigError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { WireHandler, WireRequest, WireResponse } from "../protocol/handler.js";
import { crossOriginHeaders, refusalOf } from "./request-guard.js";
import type { OwnOrigins } from "./request-guard.js";

/** The one address that is listened on. */
export const LOOPBACK = "127.0.0.1";

/**
 * The official SDK on Linux reports from a forked process, and both go on with the idle connections that they had in
 * common: one would read the other's answer. The real server's workers end every connection after its answer (gunicorn's
 * default), which hides that; so it is done here for that client. Others may keep theirs.
 */
const FORKS_WITH_ITS_CONNECTIONS = /^python-requests\//;

/** A port that listens, and soon answers. */
export interface Listener {
  readonly port: number;
  /** Starts to answer; until then requests wait. */
  serve(handler: WireHandler, own: OwnOrigins): void;
  /** Stops to listen and ends every connection, idle or not. */
  close(): Promise<void>;
}

function wireRequest(request: IncomingMessage): WireRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  const base = `http://${headers["host"] ?? LOOPBACK}`;
  const target = request.url ?? "/";
  // `//x` would be read as another host.
  const url = URL.canParse(target.replace(/^\/+/, "/"), base) ? new URL(target.replace(/^\/+/, "/"), base) : new URL("/", base);
  return { method: request.method ?? "GET", url, headers, body: request as AsyncIterable<Uint8Array> };
}

async function writeAll(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  for await (const chunk of body) {
    if (gone.signal.aborted) return;
    if (!response.write(chunk)) await once(response, "drain", { signal: gone.signal }).catch(() => undefined);
  }
}

/** Leaves a stream as soon as the reader is gone, even while it waits for the next chunk. */
function untilClosed(body: AsyncIterable<Uint8Array>, response: ServerResponse): AsyncIterable<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  const closed = new Promise<IteratorResult<Uint8Array>>((resolve) =>
    response.once("close", () => resolve({ done: true, value: undefined })),
  );
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.race([iterator.next(), closed]),
      async return() {
        void iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

async function send(response: ServerResponse, answer: WireResponse, headers: Record<string, string>): Promise<void> {
  const { socket } = response;
  if (answer.destroy === true && answer.body === undefined) {
    socket?.resetAndDestroy();
    return;
  }
  const { "set-cookie": cookies, ...others } = { ...headers, ...answer.headers };
  response.writeHead(answer.status, { ...others, ...(cookies === undefined ? {} : { "set-cookie": cookies.split("\n") }) });
  const { body } = answer;
  if (body !== undefined) {
    if (typeof body === "string" || body instanceof Uint8Array) response.write(body.length === 0 ? "" : body);
    else await writeAll(response, untilClosed(body, response));
  }
  if (answer.destroy !== true) {
    response.end();
    return;
  }
  // What was written shall arrive before the connection is reset.
  await new Promise<void>((resolve) => {
    if (socket === null || socket.destroyed || socket.writableLength === 0) resolve();
    else socket.write("", () => resolve());
  });
  socket?.destroy();
}

/** Listens on a port of 127.0.0.1; 0 takes a free one. @throws ConfigError when the port is taken, the system's error as its cause. */
export async function listen(port: number, logger: Logger): Promise<Listener> {
  const ready = Promise.withResolvers<{ readonly handler: WireHandler; readonly own: OwnOrigins }>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (FORKS_WITH_ITS_CONNECTIONS.test(request.headers["user-agent"] ?? "")) response.shouldKeepAlive = false;
    try {
      const { handler, own } = await ready.promise;
      const refusal = refusalOf(request, own);
      if (refusal !== undefined) {
        await send(response, { status: 403, headers: { "content-type": "text/plain" }, body: refusal }, {});
      } else {
        await send(response, await handler(wireRequest(request)), crossOriginHeaders(request.headers.origin));
      }
    } catch (error) {
      logger.warn("The embedded server could not finish an answer.", { reason: describeError(error) });
      response.destroy();
    } finally {
      // What the handler left unread would block the connection's next request.
      if (!request.complete && !request.destroyed) request.resume();
    }
  };
  const server: Server = createServer({ requestTimeout: 0, noDelay: true }, (request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "it is in use; choose another port" : error.message;
      reject(
        new ConfigError(
          `The embedded server cannot listen on port ${String(port)}: ${reason}.`,
          [{ path: "port", message: reason }],
          error,
        ),
      );
    });
    server.listen(port, LOOPBACK, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    serve: (handler, own) => ready.resolve({ handler, own }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
