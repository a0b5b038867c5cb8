/** What the file server's client talks to in tests: a real socket, no store. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";

/** One file of a multipart form, as it arrived. */
export interface Part {
  readonly headers: string;
  readonly content: Buffer;
}

/** A file server that keeps what it gets, and can be told to misbehave. */
export class FileServerDouble {
  readonly stored = new Map<string, Part>();
  readonly tokens: string[] = [];
  url = "";
  #server: Server | undefined;
  /** Looks at a request first; true when it has dealt with it. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean> = () => false;

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#server = server;
    this.url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  }

  close(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.tokens.push(request.headers.authorization ?? "");
    if (await this.intercept(request, response)) return;
    const path = decodeURIComponent((request.url ?? "").slice(1));
    if (request.method === "POST") {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer);
      } catch {
        return; // the sender went away
      }
      const part = parse(Buffer.concat(chunks), request.headers["content-type"] ?? "");
      const name = / name="([^"]*)"/.exec(part.headers)?.[1] ?? "";
      this.stored.set(name, part);
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(JSON.stringify([name]));
      return;
    }
    const content = this.stored.get(path)?.content;
    if (!content) response.writeHead(404).end();
    else
      response
        .writeHead(200, { "content-length": String(content.length), "content-type": "application/json" })
        .end(request.method === "HEAD" ? undefined : content);
  }
}

function parse(body: Buffer, contentType: string): Part {
  const boundary = `--${/boundary=(.*)$/.exec(contentType)?.[1] ?? "none"}`;
  const headEnd = body.indexOf("\r\n\r\n");
  const end = body.lastIndexOf(`\r\n${boundary}--`);
  expect(body.subarray(0, boundary.length).toString()).toBe(boundary);
  return { headers: body.subarray(boundary.length, headEnd).toString("utf8"), content: body.subarray(headEnd + 4, end) };
}
