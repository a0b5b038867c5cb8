/** One exchange with an MLflow server: a request, its answer read by a schema, and what a refusal is told as. It repeats nothing. */
import type { Readable } from "node:stream";
import type * as z from "zod/mini";
import type { Clock } from "../base/clock.js";
import { ApiError } from "../base/errors.js";
import { publicUrl, type HttpTransport } from "../base/http.js";
import { isOutageStatus, parseRetryAfter } from "../base/retry.js";
import type { Query } from "./files-place.js";
import { parseMlflowJson } from "./mlflow-json.js";
import type { MlflowConnection } from "./mlflow-options.js";
import { adviceOn, reasonOf } from "./refusal-reason.js";
import { WORKSPACE_HEADER } from "./workspaces.js";

/** Where the tracking and registry calls are, below the server's address. */
export const MLFLOW_API = "/api/2.0/mlflow";
/** As MLflow's own client has it. */
const REQUEST_TIMEOUT_MS = 120_000;

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What goes with a request. */
export interface MlflowContent {
  readonly query?: Query;
  /** JSON text, unless `headers` say otherwise. */
  readonly body?: string | Uint8Array | Readable;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 120,000 ms. */
  readonly timeoutMs?: number;
}

export interface MlflowWireOptions {
  readonly connection: Pick<MlflowConnection, "baseUrl" | "authorization"> & Partial<Pick<MlflowConnection, "workspace">>;
  readonly transport: HttpTransport;
  readonly clock: Clock;
}

/** The wire to one server. */
export class MlflowWire {
  readonly #options: MlflowWireOptions;

  constructor(options: MlflowWireOptions) {
    this.#options = options;
  }

  /** Address of the server, without a slash at its end. */
  get baseUrl(): string {
    return this.#options.connection.baseUrl;
  }

  /** For addresses of others that the server gave. */
  get transport(): HttpTransport {
    return this.#options.transport;
  }

  /** The workspace that all of it is about; undefined: the default one, unless a request's own headers name another. */
  get workspace(): string | undefined {
    return this.#options.connection.workspace;
  }

  /** What proves who asks, and which workspace is meant. */
  get headers(): Readonly<Record<string, string>> {
    const { authorization, workspace } = this.#options.connection;
    return {
      ...(authorization === undefined ? {} : { authorization }),
      ...(workspace === undefined ? {} : { [WORKSPACE_HEADER]: workspace }),
    };
  }

  /** A path below the address, with a query; a list is its name repeated. */
  url(path: string, query: Query): string {
    const parts = Object.entries(query).flatMap(([name, value]) =>
      [value ?? []].flat().map((each) => `${name}=${encodeURIComponent(String(each).toWellFormed())}`),
    );
    return `${this.baseUrl}${path}${parts.length === 0 ? "" : `?${parts.join("&")}`}`;
  }

  /** The text of a 200. @throws ApiError for any other answer; ConnectionError for none; the signal's reason. */
  async text(method: Method, path: string, content: MlflowContent, signal: AbortSignal): Promise<string> {
    const { query = {}, body, headers = {}, timeoutMs = REQUEST_TIMEOUT_MS } = content;
    const answer = await this.#options.transport.send({
      method,
      url: this.url(path, query),
      headers: { ...this.headers, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body }),
      timeoutMs,
      signal,
    });
    if (answer.status === 200) return answer.text();
    throw this.refusal(method, path, answer.status, reasonOf(answer.text()), answer.headers);
  }

  /** An answer's text read by a schema. @throws ApiError when it does not fit: what answered is no MLflow, or of another kind. */
  read<T extends z.ZodMiniType>(method: string, path: string, text: string, schema: T): z.output<T> {
    let value: unknown;
    try {
      value = parseMlflowJson(text);
    } catch (error) {
      throw this.refusal(method, path, 200, "the answer is no JSON: check that MLFLOW_TRACKING_URI names an MLflow server", {}, error);
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw this.refusal(
      method,
      path,
      200,
      `the answer has an unknown form at ${issue?.path.map(String).join(".") ?? "its root"}`,
      {},
      parsed.error,
    );
  }

  /** The error for an answer that is of no use. Its excerpt begins with MLflow's own error code, where the answer has one. */
  refusal(
    method: string,
    path: string,
    status: number,
    reason: string,
    headers: Readonly<Record<string, string>> = {},
    cause?: unknown,
  ): ApiError {
    const retryAfterMs = parseRetryAfter(headers["retry-after"], this.#options.clock.now());
    return new ApiError(`MLflow answered ${method} ${path} with ${String(status)}: ${reason}.${adviceOn(status)}`, {
      service: "mlflow",
      method,
      url: publicUrl(this.url(path, {})),
      status,
      bodyExcerpt: reason.slice(0, 500),
      // 500 is also how a missing file is answered: only what says of itself that it passes is waited for.
      retryable: isOutageStatus(status),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      cause,
    });
  }
}

/** True when MLflow itself refused with this status and error code, not a proxy or another program at the address. */
export function isMlflowAnswer(error: unknown, status: number, code: string): error is ApiError {
  return (
    ApiError.isInstance(error) &&
    error.service === "mlflow" &&
    error.status === status &&
    (error.bodyExcerpt === code || error.bodyExcerpt?.startsWith(`${code},`) === true)
  );
}
