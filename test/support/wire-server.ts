/** A `WireHandler` on a real socket: loopback, a port of its own, gone at the end of the test. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { WireHandler } from "../../src/protocol/handler.js";

export interface WireServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Listens. The handler may be replaced by a function that decides for each request. */
export async function serveWire(handler: WireHandler): Promise<WireServer> {
  const server = createServer((request, response) => {
    answer(handler, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { host, url: `http://${host}`, close, [Symbol.asyncDispose]: close };
}

async function answer(handler: WireHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
  const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "127.0.0.1"}`);
  const result = await handler({ method: request.method ?? "GET", url, headers, body: request });
  if (result.destroy && result.body === undefined) {
    response.destroy();
    return;
  }
  response.writeHead(result.status, result.headers);
  if (typeof result.body === "string" || result.body instanceof Uint8Array) response.write(result.body);
  else if (result.body) for await (const chunk of result.body) response.write(chunk);
  if (result.destroy) response.destroy();
  else response.end();
}
