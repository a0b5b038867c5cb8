/**
 * The AWS client's way through a proxy: its requests go out by the same transport as everything else's, so that one set of
 * variables, one set of words and one set of tests do for both. Without a proxy the client's own way is the faster one.
 */
import type { Readable } from "node:stream";
import { undiciTransport } from "../base/http.js";
import type { HttpRequest } from "../base/http.js";
import type { NetworkSettings } from "../base/network.js";

export interface ProxiedOptions {
  readonly network: NetworkSettings;
  readonly verifyCertificates: boolean;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** What is used of the client's own request. */
interface AwsRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable;
}

interface AwsAnswer {
  readonly response: { readonly statusCode: number; readonly headers: Record<string, string>; readonly body: Readable };
}

/** A handler as the client takes one. */
export interface ProxiedRequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(request: AwsRequest, options?: { readonly abortSignal?: unknown }): Promise<AwsAnswer>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
}

export function proxiedRequestHandler(options: ProxiedOptions): ProxiedRequestHandler {
  const { idleTimeoutMs, ...others } = options;
  const transport = undiciTransport({ ...others, background: true });
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(request, given) {
      const { status, headers, body } = await transport.stream({
        method: request.method as HttpRequest["method"],
        url: urlOf(request),
        headers: headersOf(request.headers),
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: given?.abortSignal as AbortSignal | undefined,
        // A large part takes its time to go out; the client's own limit ends what takes too long.
        timeoutMs: 15 * 60_000,
        idleTimeoutMs,
      });
      return { response: { statusCode: status, headers: { ...headers }, body } };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => void transport.close().catch(() => undefined),
  };
}

function urlOf({ protocol, hostname, port, path, query = {} }: AwsRequest): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as readonly string[]) : [value as string | null]).map((one) =>
      one === null ? escaped(name) : `${escaped(name)}=${escaped(one)}`,
    ),
  );
  return `${protocol}//${hostname}${port === undefined ? "" : `:${String(port)}`}${path}${pairs.length > 0 ? `?${pairs.join("&")}` : ""}`;
}

/** As the signature counts it: everything but what RFC 3986 leaves alone. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Without what the transport sees to itself, and refuses from others. */
function headersOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const own = new Set(["expect", "transfer-encoding", "connection"]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.has(name.toLowerCase())));
}
