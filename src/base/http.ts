/**
 * The one way to the network. A transport sends a request and gives back whatever was answered; it throws only when no
 * answer came. It does not retry, does not follow redirects (credentials must never travel to another host) and does
 * not read the environment.
 */
import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { Dispatcher } from "undici";
import { connectionFailure } from "./connection-failure.js";
import type { NetworkSettings } from "./network.js";
import { proxyFailure, proxyRefusal } from "./proxy-failure.js";
import { UndiciDispatchers } from "./undici-dispatchers.js";
import { streamedBody, timeLimit, type TimeLimit } from "./streamed-body.js";

export { publicUrl } from "./connection-failure.js";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable;
  /** From the call to the last byte of the answer. Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, read to its end. */
export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; repeated headers joined by a comma and a space. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body as UTF-8. */
  text(): string;
}

/** The port. Implemented by {@link undiciTransport}, {@link fetchTransport} and by tests. */
export interface HttpTransport {
  /** @throws ConnectionError when no whole answer came; the signal's own reason when it aborted. */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Frees the sockets. Safe to call twice. */
  close(): Promise<void>;
}

/** A request whose answer may be longer than memory. */
export interface HttpStreamRequest extends Omit<HttpRequest, "timeoutMs"> {
  /** From the call to the answer's headers. Default 30 s. */
  readonly timeoutMs?: number;
  /** Longest silence between two pieces of the body while its reader waits. Default 60 s. */
  readonly idleTimeoutMs?: number;
}

/** An answer whose body is still on its way. */
export interface HttpStreamResponse {
  readonly status: number;
  /** As in {@link HttpResponse}. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * To be read to its end or destroyed. Fails with ConnectionError when the connection breaks or falls silent, with the
   * signal's own reason when it aborts.
   */
  readonly body: Readable;
}

/** A transport that can also hand out answers piece by piece: for downloads. */
export interface StreamingHttpTransport extends HttpTransport {
  /** @throws ConnectionError when no answer came; the signal's own reason when it aborted. */
  stream(request: HttpStreamRequest): Promise<HttpStreamResponse>;
}

/** Default of {@link HttpRequest.timeoutMs}. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
/** Default of {@link HttpStreamRequest.idleTimeoutMs}. */
export const DEFAULT_IDLE_TIMEOUT_MS = 60_000;
/** An answer longer than this is refused: the peers' longest pages are a few MB. */
export const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

export interface UndiciTransportOptions {
  /** A dispatcher of the caller's (proxy, own certificate authority, test double); it stays the caller's to close. */
  readonly dispatcher?: Dispatcher;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** False accepts any certificate: for servers with a self-signed one, in networks that can be trusted. Default true. */
  readonly verifyCertificates?: boolean;
  /**
   * Proxies and further certificates. Without effect on a dispatcher of the caller's. Default: neither; the environment is not
   * looked at.
   */
  readonly network?: NetworkSettings | undefined;
  /**
   * True: a request under way does not keep the process alive. A connection that is still being made does, until
   * `connectTimeoutMs`. Without effect on a dispatcher of the caller's. Default false.
   */
  readonly background?: boolean;
}

/** What was answered, its body unread. */
interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: AsyncIterable<Uint8Array>;
}
type Exchange = (request: HttpRequest, signal: AbortSignal) => Promise<Answer>;

/** The transport used unless another is given. Loads undici at the first request, not at import. */
export function undiciTransport(options: UndiciTransportOptions = {}): StreamingHttpTransport {
  let loaded: Promise<{ request: typeof import("undici").request; dispatchers: UndiciDispatchers }> | undefined;
  const load = async (): NonNullable<typeof loaded> => {
    const undici = await import("undici");
    const { connectTimeoutMs = 10_000, verifyCertificates = true, background = false, network } = options;
    return {
      request: undici.request,
      dispatchers: new UndiciDispatchers(undici, { connectTimeoutMs, verifyCertificates, background, network }),
    };
  };
  const exchange: Exchange = async (request, signal) => {
    const { request: send, dispatchers } = await (loaded ??= load());
    const { dispatcher, proxy } = options.dispatcher ? { dispatcher: options.dispatcher } : dispatchers.wayTo(request.url);
    try {
      const answer = await send(request.url, {
        method: request.method,
        headers: { ...request.headers },
        body: request.body ?? null,
        signal,
        dispatcher,
      });
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(answer.headers)) {
        if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value;
      }
      if (proxy !== undefined && isFromProxy(answer.statusCode, headers)) {
        answer.body.on("error", () => undefined).destroy();
        throw proxyRefusal(answer.statusCode, proxy, request.url);
      }
      return { status: answer.statusCode, headers, body: answer.body };
    } catch (error) {
      throw proxy === undefined ? error : proxyFailure(error, proxy, request.url);
    }
  };
  return transportOver(exchange, async () => {
    if (loaded) await (await loaded).dispatchers.destroy();
  });
}

/** An answer that a proxy gave in the server's place: 407 is no server's, and some proxies sign their refusals. */
function isFromProxy(status: number, headers: Readonly<Record<string, string>>): boolean {
  return (
    status === 407 || (status >= 400 && (headers["x-squid-error"] !== undefined || headers["proxy-status"]?.includes("error=") === true))
  );
}

/** A transport over a `fetch` function, for those whose tests or tracing hook into `fetch`. */
export function fetchTransport(fetch: typeof globalThis.fetch): StreamingHttpTransport {
  const exchange: Exchange = async (request, signal) => {
    const init = {
      method: request.method,
      headers: { ...request.headers },
      body: request.body ?? null,
      signal,
      duplex: "half",
      redirect: "manual",
    };
    const answer = await fetch(request.url, init as unknown as RequestInit);
    const body = answer.body as unknown as ReadableStream<Uint8Array> | null;
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: body ?? nothing() };
  };
  return transportOver(exchange, () => Promise.resolve());
}

function transportOver(exchange: Exchange, close: () => Promise<void>): StreamingHttpTransport {
  return {
    async send(request) {
      const { limit, signal } = begin(request);
      try {
        const { status, headers, body } = await exchange(request, signal);
        const bytes = await readBody(body);
        return { status, headers, body: bytes, text: () => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8") };
      } catch (error) {
        throw connectionFailure(request, error, limit.expiredAfterMs);
      } finally {
        limit.stop();
      }
    },
    async stream(request) {
      const { limit, signal } = begin(request);
      try {
        const { status, headers, body } = await exchange(request, signal);
        limit.stop();
        return { status, headers, body: streamedBody(request, body, limit, request.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS) };
      } catch (error) {
        limit.stop();
        throw connectionFailure(request, error, limit.expiredAfterMs);
      }
    },
    close,
  };
}

function begin(request: HttpRequest): { readonly limit: TimeLimit; readonly signal: AbortSignal } {
  request.signal?.throwIfAborted();
  const limit = timeLimit();
  limit.start(request.timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS);
  return { limit, signal: request.signal ? AbortSignal.any([request.signal, limit.signal]) : limit.signal };
}

async function readBody(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.byteLength;
    if (length > MAX_RESPONSE_BYTES) throw new Error(`the answer is longer than ${String(MAX_RESPONSE_BYTES)} bytes`);
    parts.push(chunk);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, length);
}

async function* nothing(): AsyncIterable<Uint8Array> {}
