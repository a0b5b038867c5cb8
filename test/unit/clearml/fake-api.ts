/** A ClearML API without a socket: a transport that answers from a function and remembers what it was asked. */
import type { HttpRequest, HttpResponse, HttpTransport } from "../../../src/base/http.js";
import { ClearMLSession } from "../../../src/clearml/session.js";
import type { ClearMLSessionOptions } from "../../../src/clearml/options.js";
import { FakeClock } from "../../support/fake-clock.js";

/** A request as the server reads it. */
export interface SeenRequest {
  /** `service.action`, without the version. */
  readonly endpoint: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly json: unknown;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
}

/** A whole answer, or only the `data` of a success. */
export type Answer = HttpResponse | { readonly data: unknown };
export type Respond = (request: SeenRequest) => Answer | Promise<Answer>;

/** An answer of any form. */
export function rawAnswer(status: number, body: string, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, body: Buffer.from(body), text: () => body };
}

/** ClearML's no. */
export function refusal(status: number, subcode: number, message = "no", headers: Record<string, string> = {}): HttpResponse {
  return rawAnswer(
    status,
    JSON.stringify({ meta: { id: "request1", result_code: status, result_subcode: subcode, result_msg: message }, data: {} }),
    headers,
  );
}

export function success(data: unknown): HttpResponse {
  return rawAnswer(200, JSON.stringify({ meta: { id: "request1", result_code: 200, result_subcode: 0, result_msg: "OK" }, data }));
}

/** A token that lives for so long from so many seconds since the epoch on. */
export function tokenOf(payload: { readonly exp?: number; readonly iat?: number; readonly n?: number }): string {
  const encoded = Buffer.from(JSON.stringify({ api_version: "2.34", server_version: "2.3.0", feature_set: "basic", ...payload })).toString(
    "base64url",
  );
  return `head.${encoded}.signature`;
}

export class FakeApi implements HttpTransport {
  readonly requests: SeenRequest[] = [];
  readonly clock = new FakeClock();
  /** Seconds that a token lives. */
  tokenLifetimeSec = 3600;
  logins = 0;
  closed = 0;
  /** Answers everything but the login. */
  respond: Respond = () => success({});
  /** Answers the login. */
  login: Respond = () => {
    const iat = Math.floor(this.clock.now() / 1000);
    return { data: { token: tokenOf({ iat, exp: iat + this.tokenLifetimeSec, n: this.logins }) } };
  };

  async send(request: HttpRequest): Promise<HttpResponse> {
    request.signal?.throwIfAborted();
    const body = typeof request.body === "string" ? request.body : "";
    const { pathname } = new URL(request.url);
    const seen: SeenRequest = {
      endpoint: pathname.replace(/^\/(v[\d.]+\/)?/, ""),
      url: request.url,
      headers: request.headers ?? {},
      body,
      json: body.includes("\n") ? undefined : JSON.parse(body === "" ? "{}" : body),
      signal: request.signal,
      timeoutMs: request.timeoutMs,
    };
    this.requests.push(seen);
    if (seen.endpoint === "auth.login") this.logins++;
    const answer = await (seen.endpoint === "auth.login" ? this.login(seen) : this.respond(seen));
    return "status" in answer ? answer : success(answer.data);
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }

  /** What was asked besides logins. */
  get calls(): readonly SeenRequest[] {
    return this.requests.filter(({ endpoint }) => endpoint !== "auth.login");
  }

  /** A session with this server: keys `AKEY` and `ASECRET`, this clock, no jitter below the bound. */
  session(options: ClearMLSessionOptions = {}): ClearMLSession {
    const keys = options.token === undefined ? { accessKey: "AKEY", secretKey: "ASECRET" } : {};
    return new ClearMLSession(
      { apiHost: "http://api.test:8008", transport: this, clock: this.clock, random: () => 0.999, ...keys, ...options },
      {},
    );
  }
}

/** What a promise fails with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`it was expected to fail, but gave ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
