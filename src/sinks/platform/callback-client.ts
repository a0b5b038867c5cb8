/**
 * Requests to the platform's backend: addresses under the callback URL, the token, and what an answer means. Never
 * follows a redirect, never leaves the host it was given, and never lets the token into a message.
 */
import type { Clock } from "../../base/clock.js";
import { ConfigError, describeError } from "../../base/errors.js";
import { publicUrl, type HttpResponse, type HttpTransport } from "../../base/http.js";
import type { Delivery, DeliveryContext } from "../../outbox/sink.js";
import { FENCE_HEADER, type Fence } from "../fence.js";
import { deliveryOf } from "./answer.js";

/** From a request's start to the end of its answer. */
export const DEFAULT_CALLBACK_TIMEOUT_MS = 30_000;

export interface CallbackClientOptions {
  /** `CALLBACK_URL`: http or https; a query stays, user and password become basic authorization unless there is a token. */
  readonly url: string;
  /** `CALLBACK_TOKEN`, sent as bearer token. */
  readonly token?: string | undefined;
  /** The right to write, where the worker numbers its trainers. Its number goes along as a header. */
  readonly fence?: Fence | undefined;
  /** Shared or own; the client does not close it. */
  readonly transport: HttpTransport;
  readonly clock: Clock;
  /** Default {@link DEFAULT_CALLBACK_TIMEOUT_MS}. */
  readonly requestTimeoutMs?: number | undefined;
}

/** One POST, its body in JSON already. */
export interface CallbackPost {
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** How it went, and the answer where there was one. */
export interface CallbackOutcome {
  readonly delivery: Delivery;
  readonly response?: HttpResponse;
}

export class CallbackClient {
  readonly #options: CallbackClientOptions;
  readonly #base: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];

  /** @throws ConfigError when the URL or the token cannot be used. */
  constructor(options: CallbackClientOptions) {
    this.#options = options;
    const base = parseBase(options.url);
    const authorization = authorizationOf(base, options.token);
    this.#secrets = [options.token ?? "", decoded(base.password), base.password, authorization?.split(" ")[1] ?? ""];
    base.username = "";
    base.password = "";
    base.hash = "";
    this.#base = base;
    this.#headers = {
      accept: "application/json",
      ...(authorization === undefined ? {} : { authorization }),
      ...(options.fence === undefined ? {} : { [FENCE_HEADER]: String(options.fence.epoch) }),
    };
  }

  /** Sends a record's request. `key` is its id, the same at every repetition. Never rejects. */
  async post(request: CallbackPost, key: string, context: Pick<DeliveryContext, "signal" | "ambiguous">): Promise<CallbackOutcome> {
    const { fence, transport, requestTimeoutMs = DEFAULT_CALLBACK_TIMEOUT_MS } = this.#options;
    if (fence?.lost !== undefined) return { delivery: { status: "rejected", reason: fence.lost } };
    const url = this.#urlOf(request.path);
    const headers = { ...this.#headers, "content-type": "application/json", "idempotency-key": key, ...lowerCased(request.headers) };
    let response: HttpResponse;
    try {
      const { body } = request;
      response = await transport.send({ method: "POST", url, headers, body, timeoutMs: requestTimeoutMs, signal: context.signal });
    } catch (error) {
      const reason = context.signal.aborted
        ? `POST ${publicUrl(url)} was given up: the deadline of closing has passed`
        : this.#clean(describeError(error));
      return { delivery: { status: "retry", cause: "unreachable", reason } };
    }
    if (response.status === 412 && fence !== undefined) {
      const reason = fence.lose(`the backend hears a later one (POST ${publicUrl(url)} answered 412)`);
      return { delivery: { status: "rejected", reason } };
    }
    return { delivery: this.#judge("POST", url, response, context.ambiguous), response };
  }

  /** Looks at something. The answer's text where it was a 2xx of the backend; else how it failed. Never rejects. */
  async look(
    path: string,
    options: { readonly signal: AbortSignal; readonly timeoutMs?: number | undefined },
  ): Promise<{ readonly status: "seen"; readonly text: string } | Exclude<Delivery, { status: "delivered" }>> {
    const { transport, requestTimeoutMs = DEFAULT_CALLBACK_TIMEOUT_MS } = this.#options;
    const url = this.#urlOf(path);
    try {
      const { signal, timeoutMs = requestTimeoutMs } = options;
      const response = await transport.send({ method: "GET", url, headers: this.#headers, timeoutMs, signal });
      const delivery = this.#judge("GET", url, response, false);
      return delivery.status === "delivered" ? { status: "seen", text: response.text() } : delivery;
    } catch (error) {
      return { status: "retry", cause: "unreachable", reason: this.#clean(describeError(error)) };
    }
  }

  #judge(method: string, url: string, response: HttpResponse, ambiguous: boolean): Delivery {
    return deliveryOf(response, {
      target: `${method} ${publicUrl(url)}`,
      ambiguous,
      secrets: this.#secrets,
      nowMs: this.#options.clock.now(),
    });
  }

  /** The path is appended to the base's own; whatever a dialect writes, host and scheme stay the base's. */
  #urlOf(path: string): string {
    const url = new URL(this.#base);
    const [pathname = "", ...query] = path.split("?");
    url.pathname = `${this.#base.pathname.replace(/\/+$/, "")}/${pathname.replace(/^\/+/, "")}`;
    for (const [name, value] of new URLSearchParams(query.join("?"))) url.searchParams.append(name, value);
    return url.href;
  }

  #clean(text: string): string {
    return this.#secrets.reduce((cleaned, secret) => (secret === "" ? cleaned : cleaned.replaceAll(secret, "***")), text);
  }
}

function parseBase(url: string): URL {
  const refuse = (message: string): never => {
    throw new ConfigError(`CALLBACK_URL cannot be used: ${message}.`, [{ path: "CALLBACK_URL", message }]);
  };
  if (!URL.canParse(url)) return refuse("it is no URL; write http://host:port/path");
  const base = new URL(url);
  if (base.protocol !== "http:" && base.protocol !== "https:") return refuse("only http and https are spoken");
  return base;
}

function authorizationOf(base: URL, token: string | undefined): string | undefined {
  if (token !== undefined && token !== "") {
    if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
    const message = "it holds characters that a header cannot carry (a space, a line's end, a letter beyond ASCII)";
    throw new ConfigError(`CALLBACK_TOKEN cannot be used: ${message}.`, [{ path: "CALLBACK_TOKEN", message }]);
  }
  if (base.username === "" && base.password === "") return undefined;
  const pair = `${decoded(base.username)}:${decoded(base.password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
