/** A real proxy for tests: CONNECT and plain requests, counted, and refused where a test says so. Runs in this process, on loopback. */
import { once } from "node:events";
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

export interface ProxyServer extends AsyncDisposable {
  readonly url: string;
  /** `CONNECT host:port` or `GET http://...`, in order. */
  readonly seen: string[];
  /** The header of each. */
  readonly credentials: (string | undefined)[];
  /** Undefined: passes on. */
  refuseWith: number | undefined;
}

export async function startProxy(): Promise<ProxyServer> {
  const seen: string[] = [];
  const credentials: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const note = (request: IncomingMessage): number | undefined => {
    seen.push(`${request.method ?? ""} ${request.url ?? ""}`);
    credentials.push(request.headers["proxy-authorization"]);
    return result.refuseWith;
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const refusal = note(request);
    if (refusal !== undefined) {
      response.writeHead(refusal, { "proxy-status": "proxy; error=http_request_denied" });
      response.end("refused by the proxy");
      return;
    }
    const { "proxy-authorization": _own, "proxy-connection": _hop, ...headers } = request.headers;
    const inside = forward(request.url ?? "/", { method: request.method ?? "GET", headers });
    inside.on("error", () => response.destroy());
    inside.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(inside);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.on("connect", (request: IncomingMessage, client: Socket, head: Buffer) => {
    const refusal = note(request);
    if (refusal !== undefined) {
      client.end(`HTTP/1.1 ${String(refusal)} Refused\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const [host = "", port] = (request.url ?? "").split(":");
    const inside = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      inside.write(head);
      inside.pipe(client);
      client.pipe(inside);
    });
    sockets.add(inside);
    inside.on("error", () => client.destroy());
    client.on("error", () => inside.destroy());
    client.on("close", () => inside.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const result: ProxyServer = {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    seen,
    credentials,
    refuseWith: undefined,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return result;
}
