/** One exchange with the API: headers, token, the one resend after a refused token. No retries, no schemas. */
import { hostname } from "node:os";
import type { Clock } from "../base/clock.js";
import type { HttpResponse, HttpTransport } from "../base/http.js";
import type { Logger } from "../base/logger.js";
import { VERSION } from "../base/version.js";
import { ENDPOINTS, type EndpointName } from "../protocol/clearml/endpoints.js";
import { CLIENT_HEADER, WORKER_HEADER } from "../protocol/clearml/http-headers.js";
import { API_VERSION } from "../protocol/clearml/limits.js";
import type { TokenPayload } from "../protocol/clearml/token.js";
import { dataOf, readData, type AnsweredCall } from "./answers.js";
import type { ResolvedClearMLConnection } from "./options.js";
import { TokenKeeper } from "./token-keeper.js";

/** Answered without a login. */
const ANONYMOUS: ReadonlySet<string> = new Set<EndpointName>(["debug.ping"]);

/** A request as it goes out. */
export interface ApiRequest {
  /** `service.action`. */
  readonly endpoint: string;
  readonly body: string;
  readonly contentType: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** `data` of an answer, not yet read by a schema, and the call for messages about it. */
export interface ApiAnswer {
  readonly data: unknown;
  readonly call: AnsweredCall;
}

export interface ApiExchangeOptions {
  readonly connection: ResolvedClearMLConnection;
  readonly transport: HttpTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Limit of a login. */
  readonly loginTimeoutMs: number;
  /** Ends logins; they belong to all callers and so to none of them. */
  readonly signal: AbortSignal;
}

/** Talks to the API as one user. */
export class ApiExchange {
  readonly #options: ApiExchangeOptions;
  readonly #tokens: TokenKeeper;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #basic: string | undefined;

  constructor(options: ApiExchangeOptions) {
    const { accessKey, secretKey, token, workerName } = options.connection;
    this.#options = options;
    this.#headers = {
      accept: "application/json",
      [CLIENT_HEADER]: `trainer-sdk-${VERSION}`,
      [WORKER_HEADER]: headerText(workerName ?? hostname()),
    };
    this.#basic = accessKey === undefined ? undefined : Buffer.from(`${accessKey}:${secretKey ?? ""}`, "utf8").toString("base64");
    this.#tokens = new TokenKeeper({ login: (previous) => this.#login(previous), token, clock: options.clock });
  }

  /** What the token says; undefined before the first login. */
  get tokenPayload(): TokenPayload | undefined {
    return this.#tokens.payload;
  }

  /** See {@link TokenKeeper.token}. */
  token(signal: AbortSignal, rejected?: string): Promise<string> {
    return this.#tokens.token(signal, rejected);
  }

  /**
   * Sends once, and once more under a new token if the one at hand is refused: a token may be revoked before it expires.
   * `onSend` tells with true that the request itself is on its way, with false that it certainly is not.
   *
   * @throws ApiError, ConnectionError, the signal's reason.
   */
  async send(request: ApiRequest, onSend: (sent: boolean) => void): Promise<ApiAnswer> {
    const path = `v${API_VERSION}/${request.endpoint}`;
    if (ANONYMOUS.has(request.endpoint)) return this.#read(request, path, await this.#post(request, path, undefined));
    let token = await this.#tokens.token(request.signal);
    onSend(true);
    let answer = await this.#post(request, path, `Bearer ${token}`);
    if (answer.status === 401) {
      onSend(false);
      token = await this.#tokens.token(request.signal, token);
      onSend(true);
      answer = await this.#post(request, path, `Bearer ${token}`);
    }
    return this.#read(request, path, answer);
  }

  async #login(previous: string | undefined): Promise<string> {
    const { signal, loginTimeoutMs: timeoutMs, logger, connection } = this.#options;
    const request: ApiRequest = { endpoint: "auth.login", body: "{}", contentType: "application/json", signal, timeoutMs };
    // Without a version: that is how servers of any age are greeted (1.7).
    const path = "auth.login";
    const authorization = this.#basic === undefined ? `Bearer ${previous ?? ""}` : `Basic ${this.#basic}`;
    const { data, call } = this.#read(request, path, await this.#post(request, path, authorization));
    const { token } = readData(ENDPOINTS["auth.login"].response, data, call);
    logger.debug("logged in to ClearML", { apiHost: connection.apiHost });
    return token;
  }

  #post(request: ApiRequest, path: string, authorization: string | undefined): Promise<HttpResponse> {
    const headers = { ...this.#headers, "content-type": request.contentType, ...(authorization === undefined ? {} : { authorization }) };
    const { body, timeoutMs, signal } = request;
    return this.#options.transport.send({ method: "POST", url: this.#url(path), headers, body, timeoutMs, signal });
  }

  #read(request: ApiRequest, path: string, answer: HttpResponse): ApiAnswer {
    const secrets = [this.#tokens.current ?? "", this.#options.connection.secretKey ?? "", this.#basic ?? ""];
    const call = {
      endpoint: request.endpoint,
      url: this.#url(path),
      secrets,
      nowMs: this.#options.clock.now(),
      serverApiVersion: this.#tokens.payload?.api_version ?? undefined,
    };
    return { data: dataOf(answer, call), call };
  }

  #url(path: string): string {
    return `${this.#options.connection.apiHost}/${path}`;
  }
}

/** Header values are ASCII; a machine may be called anything. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}
