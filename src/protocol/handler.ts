/**
 * A server without a socket: a function from request to response. The embedded ClearML, the callback receiver and the
 * S3 double are such functions; an HTTP listener or msw puts them on a network, and fault switches wrap them.
 * Not the `fetch` types, because a `Request` cannot carry a body with GET, which the official Python client sends.
 */

/** A request as it came in. */
export interface WireRequest {
  readonly method: string;
  /** Absolute. */
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Read at most once, to its end or not at all. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** An answer, or the connection torn down (`destroy`): before any byte, or after `body` was partly sent. */
export interface WireResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** The socket is reset instead of the answer's end; with no `body`, instead of the whole answer. */
  readonly destroy?: boolean;
}

/** A server without a socket. Never rejects: what goes wrong is an answer. */
export type WireHandler = (request: WireRequest) => Promise<WireResponse>;

/** The whole body. */
export async function readBytes(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}
