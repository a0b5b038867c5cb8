/** Carries a client's calls to an embedded server in the same process and keeps what went to and fro. */
import { Readable } from "node:stream";
import type { HttpRequest, HttpResponse, HttpStreamResponse, StreamingHttpTransport } from "../../../src/base/http.js";
import type { ClearMLServer } from "../../../src/devserver/index.js";
import { readBytes, type WireHandler } from "../../../src/protocol/handler.js";

/** One API call. */
export interface RecordedCall {
  readonly endpoint: string;
  /** The request's body, or the lines of a batch. */
  readonly requests: readonly unknown[];
  readonly status: number;
  readonly data: unknown;
}

export const API_ORIGIN = "http://api.test:8008";
export const FILES_ORIGIN = "http://files.test:8081";

async function* bytesOf(body: HttpRequest["body"]): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (typeof body === "string") yield Buffer.from(body);
  else if (body instanceof Uint8Array) yield body;
  else for await (const chunk of body) yield typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Uint8Array);
}

const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** A transport that records. */
export class RecordingTransport implements StreamingHttpTransport {
  readonly calls: RecordedCall[] = [];
  readonly #server: ClearMLServer;

  constructor(server: ClearMLServer) {
    this.#server = server;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const { status, headers, body } = await this.#exchange(request);
    return { status, headers, body, text: () => Buffer.from(body).toString("utf8") };
  }

  async stream(request: HttpRequest): Promise<HttpStreamResponse> {
    const { status, headers, body } = await this.#exchange(request);
    return { status, headers, body: Readable.from([body]) };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #exchange(request: HttpRequest): Promise<{ status: number; headers: Record<string, string>; body: Uint8Array }> {
    const url = new URL(request.url);
    const isApi = url.origin === API_ORIGIN;
    const handler: WireHandler = isApi ? this.#server.api : this.#server.files;
    const sent = await readBytes(bytesOf(request.body));
    const headers = lowerCase(request.headers ?? {});
    const answer = await handler({ method: request.method, url, headers, body: bytesOf(sent) });
    const body =
      answer.body === undefined
        ? new Uint8Array()
        : typeof answer.body === "string"
          ? Buffer.from(answer.body)
          : answer.body instanceof Uint8Array
            ? answer.body
            : await readBytes(answer.body);
    if (isApi) this.#record(url, headers, Buffer.from(sent).toString("utf8"), answer.status, Buffer.from(body).toString("utf8"));
    return { status: answer.status, headers: lowerCase(answer.headers ?? {}), body };
  }

  #record(url: URL, headers: Record<string, string>, sent: string, status: number, answered: string): void {
    const endpoint = url.pathname.split("/").at(-1) ?? "";
    const isBatch = headers["content-type"] === "application/json-lines";
    const requests: unknown[] = isBatch
      ? sent
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as unknown)
      : [sent === "" ? {} : JSON.parse(sent)];
    this.calls.push({ endpoint, requests, status, data: (JSON.parse(answered) as { data: unknown }).data });
  }
}
