/**
 * The one way to the network. A transport sends a request and gives back whatever was answered; it throws only when no
 * answer came. It does not retry, does not follow redirects (credentials must never travel to another host) and does
 * not read the environment.
 */
import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { Dispatcher } from "undici";
import { ConnectionError, describeError } from "./errors.js";

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

/** Default of {@link HttpRequest.timeoutMs}. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
/** An answer longer than this is refused: the peers' longest pages are a few MB. */
export const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

const NOT_SENT = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT", "CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT"]);

/** The URL without what may be secret: user, password, query, fragment. */
export function publicUrl(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.origin}${parsed.pathname}`;
  } catch {
    return "(not a URL)";
  }
}

/** Turns what a client threw into our words; an abort by the caller passes through as its own reason. */
function connectionError(request: HttpRequest, timeout: AbortSignal, timeoutMs: number, error: unknown): unknown {
  if (request.signal?.aborted) return request.signal.reason;
  const target = `${request.method} ${publicUrl(request.url)}`;
  if (timeout.aborted) {
    return new ConnectionError(`No answer to ${target} within ${String(timeoutMs)} ms. Check that the server is up and reachable.`, { code: "TIMEOUT", ambiguous: true, cause: error });
  }
  const code = errorCode(error);
  return new ConnectionError(`No answer to ${target}: ${describeError(error)}. Check the address and that the server is up.`, {
    code: "CONNECTION_FAILED",
    ambiguous: code === undefined || !NOT_SENT.has(code),
    cause: error,
  });
}

function errorCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === "string") return code;
    if (at instanceof AggregateError && at.errors.length > 0) return errorCode(at.errors[0]);
  }
  return undefined;
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

function response(status: number, headers: Record<string, string>, body: Uint8Array): HttpResponse {
  return { status, headers, body, text: () => Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8") };
}

export interface UndiciTransportOptions {
  /** A dispatcher of the caller's (proxy, own certificate authority, test double); it stays the caller's to close. */
  readonly dispatcher?: Dispatcher;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number;
}

/** The transport used unless another is given. Loads undici at the first request, not at import. */
export function undiciTransport(options: UndiciTransportOptions = {}): HttpTransport {
  let loaded: Promise<{ request: typeof import("undici").request; dispatcher: Dispatcher }> | undefined;
  const load = async (): Promise<{ request: typeof import("undici").request; dispatcher: Dispatcher }> => {
    const { Agent, request } = await import("undici");
    return { request, dispatcher: options.dispatcher ?? new Agent({ connect: { timeout: options.connectTimeoutMs ?? 10_000 }, headersTimeout: 0, bodyTimeout: 0 }) };
  };
  return {
    async send(request) {
      request.signal?.throwIfAborted();
      const timeoutMs = request.timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
      try {
        const undici = await (loaded ??= load());
        const answer = await undici.request(request.url, { method: request.method, headers: { ...request.headers }, body: request.body ?? null, signal, dispatcher: undici.dispatcher });
        const headers: Record<string, string> = {};
        for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value;
        return response(answer.statusCode, headers, await readBody(answer.body));
      } catch (error) {
        throw connectionError(request, timeout, timeoutMs, error);
      }
    },
    async close() {
      if (loaded && !options.dispatcher) await (await loaded).dispatcher.destroy();
    },
  };
}

/** A transport over a `fetch` function, for those whose tests or tracing hook into `fetch`. */
export function fetchTransport(fetch: typeof globalThis.fetch): HttpTransport {
  return {
    async send(request) {
      request.signal?.throwIfAborted();
      const timeoutMs = request.timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
      try {
        const init = { method: request.method, headers: { ...request.headers }, body: request.body ?? null, signal, duplex: "half", redirect: "manual" };
        const answer = await fetch(request.url, init as unknown as RequestInit);
        const body = answer.body ? await readBody(answer.body as unknown as ReadableStream<Uint8Array>) : new Uint8Array();
        return response(answer.status, Object.fromEntries(answer.headers), body);
      } catch (error) {
        throw connectionError(request, timeout, timeoutMs, error);
      }
    },
    close: () => Promise.resolve(),
  };
}
