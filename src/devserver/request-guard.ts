/**
 * Who may talk to the server: programs of this machine that address it by a loopback name, and pages of its own
 * origins. Anything else is a page of somewhere else that tries to reach in through the browser.
 */
import type { IncomingMessage } from "node:http";

/** Origins of the three ports, in every spelling of this machine. */
export type OwnOrigins = ReadonlySet<string>;

const NAMES = ["127.0.0.1", "localhost", "[::1]"];

/** Origins of these ports. */
export function ownOrigins(ports: readonly number[]): OwnOrigins {
  return new Set(ports.flatMap((port) => NAMES.map((name) => `http://${name}:${String(port)}`)));
}

/** Why the request is refused, or undefined. */
export function refusalOf(request: IncomingMessage, own: OwnOrigins): string | undefined {
  const { host, origin } = request.headers;
  if (host === undefined || !own.has(`http://${host.toLowerCase()}`))
    return "Forbidden: this server answers to 127.0.0.1 and localhost alone.";
  if (origin !== undefined && !own.has(origin.toLowerCase())) return "Forbidden: pages of other origins may not use this server.";
  return undefined;
}

/** Headers by which a page of the web port may read an answer of the other ports. */
export function crossOriginHeaders(origin: string | undefined): Record<string, string> {
  if (origin === undefined) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE, OPTIONS",
    "access-control-allow-headers":
      "authorization, content-type, idempotency-key, range, x-clearml-client, x-clearml-worker, x-clearml-trx",
    "access-control-expose-headers": "content-range, content-length, retry-after",
    vary: "origin",
  };
}
