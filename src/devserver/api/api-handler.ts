/** The API server: from a request to the endpoint that answers it, and every failure to its envelope. @see clearml-protocol 1 */
import { describeError } from "../../base/errors.js";
import { API_VERSION, JSON_LINES } from "../../protocol/clearml/limits.js";
import { TRANSACTION_HEADER, WORKER_HEADER } from "../../protocol/clearml/http-headers.js";
import { readBytes } from "../../protocol/handler.js";
import type { WireHandler, WireRequest, WireResponse } from "../../protocol/handler.js";
import { ApiFailure, badRequest, endpointNotFound, unauthorized, validationError } from "./api-failure.js";
import type { ApiContext, Call, ServedEndpoint } from "./call.js";
import { envelope, wireTime } from "./envelope.js";
import type { EndpointMeta } from "./envelope.js";
import { parseBatch, parseBody } from "./request-body.js";
import type { Fields } from "./request-body.js";
import { createWatchdog } from "./watchdog.js";

/** Every answer carries these. */
const HEADERS = { server: "clearml" };

const PATH = /^\/(?:v(\d+\.?\d+)\/)?([A-Za-z_]\w*)\.([A-Za-z_]\w*)\/?$/;

/** `2.9` is below `2.34`: parts are numbers. */
function isAtLeast(version: string, since: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [sinceMajor = 0, sinceMinor = 0] = since.split(".").map(Number);
  return major === sinceMajor ? minor >= sinceMinor : major > sinceMajor;
}

/** The request without nulls at its top: to the server they are as if they were not there. */
const withoutNulls = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

function validated(endpoint: ServedEndpoint, fields: Fields): unknown {
  if (!endpoint.schema) return fields;
  const parsed = endpoint.schema().safeParse(withoutNulls(fields));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw validationError(`error for field '${issue?.path.join(".") ?? ""}'. ${issue?.message ?? "invalid"}`);
}

function requestOf(endpoint: ServedEndpoint, body: { readonly fields: Fields; readonly lines: readonly Fields[] | undefined }): unknown {
  const isRaw = endpoint.schema === undefined;
  if (endpoint.kind === "batch" || isRaw) return (body.lines ?? [body.fields]).map((line) => validated(endpoint, line));
  return validated(endpoint, body.fields);
}

function identify(endpoint: ServedEndpoint, request: WireRequest, context: ApiContext): Pick<Call, "identity" | "token" | "authenticated"> {
  const anonymous = { identity: context.tokens.identity, token: undefined, authenticated: false };
  if (endpoint.access === "open") return anonymous;
  try {
    const found = context.tokens.authenticate(request.headers);
    if (found) return { ...found, authenticated: true };
  } catch (error) {
    if (endpoint.access !== "optional") throw error;
  }
  if (endpoint.access === "optional") return anonymous;
  throw unauthorized(20, "missing credentials");
}

/** Serves the endpoints. */
export function createApiHandler(context: ApiContext, endpoints: readonly ServedEndpoint[]): WireHandler {
  const byName = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  const lookAfterTasks = createWatchdog(context);

  const answer = async (request: WireRequest, meta: EndpointMeta): Promise<WireResponse> => {
    const endpoint = byName.get(meta.name);
    if (!endpoint || !isAtLeast(meta.requestedVersion, endpoint.since)) throw endpointNotFound(meta.name, meta.requestedVersion);
    const text = Buffer.from(await readBytes(request.body)).toString("utf8");
    const who = identify(endpoint, request, context);
    const lines = request.headers["content-type"] === JSON_LINES ? parseBatch(text) : undefined;
    const fields = lines ? {} : parseBody(text, request.url.searchParams);
    if (lines && endpoint.kind !== "batch") throw badRequest("Bad request (batch is not supported by this endpoint)");
    const headers: Record<string, string> = {};
    const nowMs = context.clock.now();
    const call: Call = {
      ...context,
      ...who,
      fields: withoutNulls(fields),
      nowMs,
      now: wireTime(nowMs),
      worker: request.headers[WORKER_HEADER] ?? request.headers["x-trains-worker"] ?? "<unknown>",
      setHeader(name, value) {
        headers[name] = value;
      },
    };
    let kept: ApiFailure | undefined;
    const data = context.store.transaction(() => {
      lookAfterTasks();
      try {
        return endpoint.run(requestOf(endpoint, { fields, lines }) as never, call);
      } catch (error) {
        if (!(error instanceof ApiFailure) || !error.keepsWrites) throw error;
        kept = error;
        return {};
      }
    });
    return envelope(meta, data, kept?.shape, { ...HEADERS, ...headers });
  };

  return async (request) => {
    if (request.method === "OPTIONS") return { status: 200, headers: HEADERS, body: "" };
    if (request.headers["content-encoding"] !== undefined)
      return { status: 415, headers: { ...HEADERS, "content-type": "text/plain" }, body: "Content encoding is not supported" };
    const match = PATH.exec(request.url.pathname);
    const name = match ? `${match[2] ?? ""}.${match[3] ?? ""}` : "";
    const requestedVersion = match?.[1] ?? API_VERSION;
    const transaction = request.headers[TRANSACTION_HEADER] ?? request.headers["x-trains-trx"];
    const meta: EndpointMeta = { name, requestedVersion, actualVersion: byName.get(name)?.since ?? "1.0", transaction };
    try {
      if (!match) throw badRequest(`Bad request (invalid path ${request.url.pathname})`);
      return await answer(request, meta);
    } catch (error) {
      if (error instanceof ApiFailure) return envelope(meta, {}, error.shape, HEADERS);
      context.logger.error("An API call failed unexpectedly.", { endpoint: name, error });
      return envelope(meta, {}, { code: 500, subcode: 0, message: `General data error (${describeError(error)})` }, HEADERS);
    }
  };
}
