/**
 * Puts a server without a socket ({@link WireHandler}) under msw. Knows nothing of what it serves.
 */
import { http, HttpResponse, type HttpHandler } from "msw/http";
import type { WireHandler, WireRequest, WireResponse } from "../protocol/handler.js";

/** Statuses that the fetch standard allows no body for. */
const WITHOUT_BODY = new Set([101, 103, 204, 205, 304]);

/** Longer than any answer. */
const UNREACHED_LENGTH = 2 ** 40;

/** A handler for everything that is sent to `origin` (`http://host:port`, without a path). */
export function mswHandler(origin: string, handler: WireHandler): HttpHandler {
  return http.all(`${origin}/*`, async ({ request }) => toResponse(request.method, await handler(toWireRequest(request))));
}

function toWireRequest(request: Request): WireRequest {
  return {
    method: request.method,
    url: new URL(request.url),
    headers: Object.fromEntries(request.headers),
    body: request.body ?? emptyBody(),
  };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

function toResponse(method: string, answer: WireResponse): Response {
  const { body } = answer;
  if (answer.destroy === true && body === undefined) return HttpResponse.error();
  const init = { status: answer.status, headers: { ...answer.headers } };
  if (method === "HEAD" || body === undefined || WITHOUT_BODY.has(answer.status)) return new HttpResponse(null, init);
  if (answer.destroy === true) {
    // Only a length that is never reached tells a client that something is missing: msw ends a failed stream as if it were whole.
    const headers = new Headers(init.headers);
    if (!headers.has("content-length")) headers.set("content-length", String(UNREACHED_LENGTH));
    return new HttpResponse(tornStream(body), { status: answer.status, headers });
  }
  if (typeof body === "string") return new HttpResponse(body, init);
  if (body instanceof Uint8Array) return new HttpResponse(body as Uint8Array<ArrayBuffer>, init);
  return new HttpResponse(ReadableStream.from(body), init);
}

/** Sends the body and then fails instead of ending, as a connection does that is reset halfway. */
function tornStream(body: NonNullable<WireResponse["body"]>): ReadableStream<Uint8Array> {
  async function* torn(): AsyncGenerator<Uint8Array> {
    if (typeof body === "string") yield new TextEncoder().encode(body);
    else if (body instanceof Uint8Array) yield body;
    else yield* body;
    throw new Error("the connection was reset by the test server");
  }
  return ReadableStream.from(torn());
}
