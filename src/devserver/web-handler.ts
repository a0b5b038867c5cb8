/**
 * The web port: the dashboard's page under every address that ClearML's web application has, the API and the files
 * behind it as the stock web container serves them, the callback receiver, and the stream of changes.
 * @see clearml-protocol 1.1, 11
 */
import type { WireHandler, WireRequest, WireResponse } from "../protocol/handler.js";
import { TOKEN_COOKIE } from "../protocol/clearml/limits.js";
import { tokenCookie } from "./api/tokens.js";
import type { Tokens } from "./api/tokens.js";
import type { ChangeFeed } from "./change-feed.js";
import { contentTypeOf } from "./files/content-types.js";

/** What the web port serves, each part a server without a socket. */
export interface WebHandlerOptions {
  readonly api: WireHandler;
  readonly files: WireHandler;
  readonly callbacks: WireHandler;
  readonly tokens: Tokens;
  readonly feed: ChangeFeed;
  /** A file of the built page by its name, or undefined. */
  readonly readAsset: (name: string) => Promise<Uint8Array | undefined>;
  /** Serves `/__faults` and `/__requests`; undefined: those addresses are pages like any other. */
  readonly control: WireHandler | undefined;
}

const ASSET = /^\/([\w-]+\.(?:js|css|map|svg|ico|png|woff2))$/;

const NOT_BUILT = "The dashboard has not been built. In a checkout, run: npm run build\n";

/** The cookie of this very port: cookies do not tell ports apart, and two servers on one machine must not log each other out. */
const portCookie = (url: URL): string => `${TOKEN_COOKIE}_${url.port}`;

function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const [key, value] = pair.trim().split("=");
    if (key === name && value) return value;
  }
  return undefined;
}

/** The request as the server behind `prefix` sees it, with this port's cookie as its token. */
function behind(prefix: string, request: WireRequest): WireRequest {
  const url = new URL(request.url);
  url.pathname = url.pathname.slice(prefix.length) || "/";
  const token =
    request.headers["authorization"] === undefined ? cookieValue(request.headers["cookie"], portCookie(request.url)) : undefined;
  return { ...request, url, headers: token === undefined ? request.headers : { ...request.headers, authorization: `Bearer ${token}` } };
}

async function page(request: WireRequest, { tokens, readAsset }: WebHandlerOptions): Promise<WireResponse> {
  const html = await readAsset("index.html");
  if (!html) return { status: 503, headers: { "content-type": "text/plain; charset=utf-8" }, body: NOT_BUILT };
  const token = tokens.issue();
  const cookie = tokenCookie(token);
  return {
    status: 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-frame-options": "SAMEORIGIN",
      // One header for both: a line feed would not be a header, a list of two is what the listener splits.
      "set-cookie": `${cookie}\n${cookie.replace(TOKEN_COOKIE, portCookie(request.url))}`,
    },
    ...(request.method === "HEAD" ? {} : { body: html }),
  };
}

async function asset(name: string, { readAsset }: WebHandlerOptions): Promise<WireResponse> {
  const bytes = await readAsset(name);
  if (!bytes) return { status: 404, headers: { "content-type": "text/plain" }, body: "Not found" };
  return {
    status: 200,
    headers: { "content-type": contentTypeOf(name), "cache-control": "no-cache", "x-content-type-options": "nosniff" },
    body: bytes,
  };
}

const below = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

/** Serves the web port. */
export function createWebHandler(options: WebHandlerOptions): WireHandler {
  return async (request) => {
    const path = request.url.pathname;
    if (below(path, "/api")) return options.api(behind("/api", request));
    if (below(path, "/files")) return options.files(behind("/files", request));
    if (below(path, "/callbacks")) return options.callbacks(request);
    if (options.control && path.startsWith("/__")) return options.control(request);
    if (request.method !== "GET" && request.method !== "HEAD")
      return { status: 405, headers: { "content-type": "text/plain" }, body: "Method not allowed" };
    if (path === "/live") return options.feed.stream();
    const name = ASSET.exec(path)?.[1];
    return name === undefined ? page(request, options) : asset(name, options);
  };
}
