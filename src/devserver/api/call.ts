/** One call of an endpoint: what it may use, and how endpoints are written down. */
import type * as z from "zod/mini";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { ENDPOINTS } from "../../protocol/clearml/endpoints.js";
import type { BatchEndpointName, EndpointName, RequestOf } from "../../protocol/clearml/endpoints.js";
import type { Store } from "../store/store.js";
import type { Fields } from "./request-body.js";
import type { Scrolls } from "./scrolls.js";
import type { Identity, Tokens } from "./tokens.js";

/** What somebody who watches the server is told. */
export type ChangeKind = "task" | "scalar" | "plot" | "image" | "log" | "model" | "project" | "callback";

/** Told of every change; `id` is the task's, model's or project's, or for a callback its job's. */
export type Notify = (id: string, kind: ChangeKind) => void;

/** What the endpoints of one server share. */
export interface ApiContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tokens: Tokens;
  readonly scrolls: Scrolls;
  readonly notify: Notify;
}

/** One request on its way. */
export interface Call extends ApiContext {
  readonly identity: Identity;
  /** False for a call without credentials, where that is allowed; {@link identity} is then the server's only user. */
  readonly authenticated: boolean;
  /** The token it came with, when there was one. */
  readonly token: string | undefined;
  /** The request's fields as they came, nulls left out; for filters whose names no schema can list. */
  readonly fields: Fields;
  readonly nowMs: number;
  /** {@link nowMs} in the server's own format. */
  readonly now: string;
  /** Name of the worker that calls, from its header. */
  readonly worker: string;
  /** Adds a header to the answer. */
  readonly setHeader: (name: string, value: string) => void;
}

/** `token`: must be authenticated. `optional`: may be. `open`: is not looked at. */
export type Access = "token" | "optional" | "open";

/** An endpoint as the handler runs it. */
export interface ServedEndpoint {
  readonly name: string;
  /** Lowest API version that has it. */
  readonly since: string;
  readonly access: Access;
  readonly kind: "single" | "batch";
  /** Undefined: the endpoint is given the lines as they came. */
  readonly schema: (() => z.ZodMiniType) | undefined;
  readonly run: (request: never, call: Call) => unknown;
}

interface ServeOptions {
  readonly since?: string;
  readonly access?: Access;
}

/** An endpoint whose request schema client and server share. A batch endpoint is given its lines. */
export function serve<N extends EndpointName>(
  name: N,
  run: (request: N extends BatchEndpointName ? RequestOf<N>[] : RequestOf<N>, call: Call) => unknown,
  options: ServeOptions = {},
): ServedEndpoint {
  return {
    name,
    since: options.since ?? "1.0",
    access: options.access ?? "token",
    kind: ENDPOINTS[name].kind,
    schema: () => ENDPOINTS[name].request,
    run,
  };
}

/** An endpoint that only the server knows: other clients call it, ours does not. */
export function serveOther<S extends z.ZodMiniType>(
  name: string,
  schema: () => S,
  run: (request: z.output<S>, call: Call) => unknown,
  options: ServeOptions = {},
): ServedEndpoint {
  return { name, since: options.since ?? "1.0", access: options.access ?? "token", kind: "single", schema, run };
}

/** An endpoint that looks at its lines by itself, since a bad line must not fail its neighbours. A single call is one line. */
export function serveRaw(
  name: EndpointName,
  kind: "single" | "batch",
  run: (lines: readonly Fields[], call: Call) => unknown,
): ServedEndpoint {
  return { name, since: "1.0", access: "token", kind, schema: undefined, run };
}
