/**
 * A connection to ClearML's API: typed calls, retries, closing. It knows no task and no model; the services stand on
 * it. One session serves a whole process: callers share its token and its sockets.
 */
import { systemClock, type Clock } from "../base/clock.js";
import { ClosedError, ConfigError, ValidationError } from "../base/errors.js";
import { DEFAULT_REQUEST_TIMEOUT_MS, undiciTransport } from "../base/http.js";
import type { Random } from "../base/ids.js";
import { readNetwork } from "../base/network.js";
import { silentLogger, type Logger } from "../base/logger.js";
import {
  ENDPOINTS,
  type BatchEndpointName,
  type EndpointName,
  type RequestOf,
  type ResponseOf,
  type SingleEndpointName,
} from "../protocol/clearml/endpoints.js";
import { JSON_LINES } from "../protocol/clearml/limits.js";
import { describeIssue, readData } from "./answers.js";
import { ApiExchange, type ApiAnswer, type ApiRequest } from "./api-exchange.js";
import {
  clearmlCertificates,
  resolveClearMLOptions,
  type CallRetry,
  type ClearMLSessionOptions,
  type Environment,
  type SessionTransport,
} from "./options.js";
import { DEFAULT_RETRY_BUDGET_MS, mayRepeat, retrying } from "../base/retrying.js";

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Limit of one attempt. Default: the session's `requestTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Default: the session's. False: one attempt. */
  readonly retry?: CallRetry | false | undefined;
  /**
   * Whether doing it twice is as good as doing it once, so that it may be sent again when nobody knows whether it
   * arrived. Default: false for what creates (tasks, models, projects, queues, clones), takes a task out of a queue, or
   * writes console lines; else true.
   */
  readonly repeatable?: boolean | undefined;
}

/** What the server says of itself in its token. */
export interface ClearMLServerInfo {
  readonly apiVersion: string | undefined;
  readonly serverVersion: string | undefined;
  readonly serverBuild: string | undefined;
  /** `basic` for the open server. */
  readonly featureSet: string | undefined;
}

const JSON_TYPE = "application/json";
/** A second call makes a second one, or takes a second one away. */
const NOT_REPEATABLE: ReadonlySet<string> = new Set<EndpointName>([
  "tasks.create",
  "tasks.clone",
  "models.create",
  "projects.create",
  "queues.create",
  "queues.get_next_task",
]);

/** A session with ClearML's API. */
export class ClearMLSession implements AsyncDisposable {
  /** API server, without a slash at its end. */
  readonly apiHost: string;
  /** Web application; undefined when it was not given and cannot be derived. */
  readonly webHost: string | undefined;
  /** File server; undefined when it was not given and cannot be derived. */
  readonly filesHost: string | undefined;
  /** The way to the network, shared with the file server's client. */
  readonly transport: SessionTransport;
  readonly #ownsTransport: boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  readonly #retry: CallRetry | false;
  readonly #exchange: ApiExchange;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  /**
   * Opens nothing: the first call logs in. What is not given is taken from `env`.
   *
   * @throws ConfigError with everything that is wrong or missing.
   */
  constructor(options: ClearMLSessionOptions = {}, env: Environment = process.env) {
    const { options: connection, issues } = resolveClearMLOptions(options, env);
    if (!connection || issues.length > 0) {
      throw new ConfigError(
        `ClearML cannot be used as configured: ${issues.map((issue) => `${issue.path} ${issue.message}`).join("; ")}.`,
        issues,
      );
    }
    this.apiHost = connection.apiHost;
    this.webHost = connection.webHost;
    this.filesHost = connection.filesHost;
    this.transport =
      options.transport ??
      undiciTransport({ verifyCertificates: connection.verifyCertificates, network: readNetwork(env, clearmlCertificates(env)) });
    this.#ownsTransport = options.transport === undefined;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#logger = options.logger ?? silentLogger;
    this.#timeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.#retry = options.retry ?? {};
    this.#exchange = new ApiExchange({
      connection,
      transport: this.transport,
      clock: this.#clock,
      logger: this.#logger,
      loginTimeoutMs: this.#timeoutMs,
      signal: this.#closing.signal,
    });
  }

  /** What the server said of itself at the last login; undefined before. */
  get serverInfo(): ClearMLServerInfo | undefined {
    const payload = this.#exchange.tokenPayload;
    return (
      payload && {
        apiVersion: payload.api_version ?? undefined,
        serverVersion: payload.server_version ?? undefined,
        serverBuild: payload.server_build ?? undefined,
        featureSet: payload.feature_set ?? undefined,
      }
    );
  }

  /**
   * A token that is good for now, for the file server for instance. Logs in when there is none or it is about to expire;
   * callers who need it at the same time share one login. With `rejected`, the token that a server has just refused, a
   * newer one. One attempt.
   *
   * @throws ApiError when the login is refused; ConnectionError when no answer came; the signal's reason; ClosedError.
   */
  async token(signal?: AbortSignal, rejected?: string): Promise<string> {
    return this.#exchange.token(this.#joined(signal), rejected);
  }

  /**
   * Calls an endpoint and resolves with its answer's `data`. Failures that may pass are tried again within the budget.
   *
   * @throws ValidationError when the request does not fit the endpoint's schema; ApiError when ClearML said no (see
   * `isClearMLError`); ConnectionError when no answer came; the signal's reason when it aborted; ClosedError.
   */
  async call<Name extends SingleEndpointName>(
    endpoint: Name,
    request: RequestOf<Name>,
    options: CallOptions = {},
  ): Promise<ResponseOf<Name>> {
    const schemas = ENDPOINTS[endpoint];
    checkRequest(endpoint, endpoint, schemas.request, request);
    const isLine = endpoint === "events.add" && (request as { readonly type?: unknown }).type === "log";
    const { data, call } = await this.#perform(
      endpoint,
      JSON.stringify(request),
      JSON_TYPE,
      options,
      !isLine && !NOT_REPEATABLE.has(endpoint),
    );
    return readData(schemas.response, data, call) as ResponseOf<Name>;
  }

  /**
   * Calls an endpoint that takes JSON lines. A line given as text is sent as it is.
   *
   * @throws As {@link ClearMLSession.call}. ClearML may answer 200 to a batch that it took in part: read the answer.
   */
  async callBatch<Name extends BatchEndpointName>(
    endpoint: Name,
    lines: readonly (RequestOf<Name> | string)[],
    options: CallOptions = {},
  ): Promise<ResponseOf<Name>> {
    const schemas = ENDPOINTS[endpoint];
    let repeatable = true;
    const texts = lines.map((line, index) => {
      if (typeof line !== "string") checkRequest(endpoint, `line ${String(index)}`, schemas.request, line);
      // Of a ready line nobody knows whether it is a console line.
      if (endpoint === "events.add_batch" && (typeof line === "string" || ("type" in line && line.type === "log"))) repeatable = false;
      return typeof line === "string" ? line : JSON.stringify(line);
    });
    const { data, call } = await this.#perform(endpoint, texts.join("\n"), JSON_LINES, options, repeatable);
    return readData(schemas.response, data, call) as ResponseOf<Name>;
  }

  /**
   * Calls any endpoint of the API, also one that this package has no types for.
   *
   * @throws As {@link ClearMLSession.call}, save that nothing is checked.
   */
  async callUntyped(endpoint: string, request: Readonly<Record<string, unknown>>, options: CallOptions = {}): Promise<unknown> {
    const { data } = await this.#perform(endpoint, JSON.stringify(request), JSON_TYPE, options, !NOT_REPEATABLE.has(endpoint));
    return data;
  }

  /** Ends calls that are under way with ClosedError and frees the sockets. All callers share one promise. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closing.abort(new ClosedError("The ClearML session was closed."));
      this.#closed = this.#ownsTransport ? this.transport.close() : Promise.resolve();
    }
    return this.#closed;
  }

  /** The same as {@link ClearMLSession.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #perform(
    endpoint: string,
    body: string,
    contentType: string,
    options: CallOptions,
    repeatableByDefault: boolean,
  ): Promise<ApiAnswer> {
    const signal = this.#joined(options.signal);
    signal.throwIfAborted();
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const request: ApiRequest = { endpoint, body, contentType, signal, timeoutMs };
    let sent = false;
    const onSend = (now: boolean): void => {
      sent = now;
    };
    const retry = options.retry ?? this.#retry;
    if (retry === false) return this.#exchange.send(request, onSend);

    const repeatable = options.repeatable ?? repeatableByDefault;
    let isFirst = true;
    return retrying(
      (leftMs) => {
        // The first attempt has its whole time, whatever the budget; the budget bounds what comes after.
        const limitMs = isFirst ? timeoutMs : Math.min(timeoutMs, leftMs);
        isFirst = false;
        sent = false;
        return this.#exchange.send({ ...request, timeoutMs: limitMs }, onSend);
      },
      {
        budgetMs: retry.budgetMs ?? DEFAULT_RETRY_BUDGET_MS,
        clock: this.#clock,
        random: this.#random,
        signal,
        mayRepeat: (error) => mayRepeat(error, { repeatable, sent }),
        onWait: (error, delayMs) => {
          this.#logger.debug("a ClearML call failed and is tried again", { endpoint, delayMs: Math.round(delayMs), reason: error.message });
        },
      },
    );
  }

  #joined(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
  }
}

function checkRequest(endpoint: string, root: string, schema: (typeof ENDPOINTS)[EndpointName]["request"], request: unknown): void {
  const parsed = schema.safeParse(request);
  if (parsed.success) return;
  const issues = parsed.error.issues.map((issue) => ({ path: issue.path.map(String).join("."), message: describeIssue(root, issue) }));
  throw new ValidationError(`The request to ${endpoint} is not valid: ${issues.map((issue) => issue.message).join("; ")}.`, issues);
}
