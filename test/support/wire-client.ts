/** Talks to servers without sockets: a request in, the whole answer out; and to ClearML's API in its own terms. */
import { createClearMLServer, type ClearMLServer, type ClearMLServerOptions } from "../../src/devserver/index.js";
import { readBytes, type WireHandler } from "../../src/protocol/handler.js";
import { FakeClock } from "./fake-clock.js";

export interface WireCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly destroyed: boolean;
}

async function* bytesOf(body: string | Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (body !== undefined && body.length > 0) yield typeof body === "string" ? Buffer.from(body) : body;
}

/** Sends one request and reads the whole answer. */
export async function send(handler: WireHandler, path: string, call: WireCall = {}): Promise<WireAnswer> {
  const { status, headers, body, destroy } = await handler({
    method: call.method ?? "POST",
    url: new URL(path, "http://127.0.0.1:8008"),
    headers: call.headers ?? {},
    body: bytesOf(call.body),
  });
  const bytes =
    body === undefined
      ? new Uint8Array()
      : typeof body === "string"
        ? Buffer.from(body)
        : body instanceof Uint8Array
          ? body
          : await readBytes(body);
  return { status, headers: headers ?? {}, text: Buffer.from(bytes).toString("utf8"), bytes, destroyed: destroy === true };
}

/** An API answer: `code` is `status/subcode`. */
export interface ApiAnswer {
  readonly code: string;
  readonly message: string;
  readonly meta: Record<string, any>;
  readonly data: any;
  readonly headers: Readonly<Record<string, string>>;
}

/** An embedded ClearML with a clock of its own, and the words to call it. */
export class TestClearML {
  readonly clock: FakeClock;
  readonly server: ClearMLServer;

  constructor(options: Omit<ClearMLServerOptions, "clock"> = {}) {
    this.clock = new FakeClock();
    this.server = createClearMLServer({ clock: this.clock, accessKey: "KEY", secretKey: "SECRET", ...options });
  }

  get basic(): string {
    return `Basic ${Buffer.from("KEY:SECRET").toString("base64")}`;
  }

  /** Calls an endpoint with Basic credentials and the body as JSON, or as it is when it is a text. */
  async api(endpoint: string, body: object | string = {}, headers: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
    const path = endpoint.startsWith("/") ? endpoint : `/v2.34/${endpoint}`;
    const answer = await send(this.server.api, path, {
      headers: { authorization: this.basic, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const { meta, data } = JSON.parse(answer.text) as { meta: Record<string, any>; data: any };
    return {
      code: `${String(answer.status)}/${String(meta["result_subcode"])}`,
      message: String(meta["result_msg"]),
      meta,
      data,
      headers: answer.headers,
    };
  }

  /** As {@link api}, and expects success. */
  async ok(endpoint: string, body: object | string = {}, headers: Readonly<Record<string, string>> = {}): Promise<any> {
    const { code, message, data } = await this.api(endpoint, body, headers);
    if (code !== "200/0") throw new Error(`${endpoint} answered ${code}: ${message}`);
    return data;
  }

  /** A batch of events. */
  batch(events: readonly object[]): Promise<ApiAnswer> {
    return this.api("events.add_batch", events.map((event) => JSON.stringify(event)).join("\n"), {
      "content-type": "application/json-lines",
    });
  }

  /** A new task, moved to the status. */
  async task(
    fields: object = {},
    status: "created" | "in_progress" | "completed" | "published" | "stopped" | "failed" | "closed" | "queued" = "created",
  ): Promise<string> {
    const { id } = await this.ok("tasks.create", { name: "a task", type: "training", ...fields });
    if (status === "created") return id;
    if (status === "queued") await this.ok("tasks.enqueue", { task: id });
    else await this.ok("tasks.started", { task: id });
    if (status === "completed" || status === "published") await this.ok("tasks.completed", { task: id });
    if (status === "published") await this.ok("tasks.publish", { task: id });
    if (status === "stopped" || status === "closed") await this.ok("tasks.stopped", { task: id });
    if (status === "closed") await this.ok("tasks.close", { task: id });
    if (status === "failed") await this.ok("tasks.failed", { task: id });
    return id;
  }

  /** The task as the server has it. */
  async read(id: string): Promise<any> {
    return (await this.ok("tasks.get_by_id", { task: id })).task;
  }
}
