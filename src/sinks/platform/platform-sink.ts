/**
 * The platform's backend as a destination: one POST a record, in order, over a kept-alive connection. When to try again
 * is the outbox's business; the words are the dialect's. Never follows a redirect and never lets the token into a message.
 */
import type { Clock } from "../../base/clock.js";
import { ConfigError, describeError } from "../../base/errors.js";
import { publicUrl, type HttpResponse, type HttpTransport } from "../../base/http.js";
import type { Logger } from "../../base/logger.js";
import type { BatchLimits, Delivery, DeliveryContext, Sink } from "../../outbox/sink.js";
import type { OperationType } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { FENCE_HEADER, type Fence } from "../fence.js";
import { deliveryOf } from "./answer.js";
import type { CallbackDialect, CallbackDialectFunction, CallbackInstruction, CallbackRequest } from "./dialect.js";
import { planDialect, readStopAnswer } from "./plan-dialect.js";

/** The journal's name for this destination: its delivery state is kept under it. */
export const PLATFORM_SINK_NAME = "platform";
/** From a request's start to the end of its answer. */
export const DEFAULT_CALLBACK_TIMEOUT_MS = 30_000;

export interface PlatformSinkOptions {
  /** `CALLBACK_URL`: http or https; a query stays, user and password become basic authorization unless there is a token. */
  readonly url: string;
  /** `CALLBACK_TOKEN`, sent as bearer token. */
  readonly token?: string | undefined;
  /** Default: the `plan` dialect. */
  readonly dialect?: CallbackDialect | CallbackDialectFunction | undefined;
  readonly job: { readonly operation: OperationType; readonly jobId?: string | undefined };
  /** The ClearML task, once it is known. Asked for each request. */
  readonly taskId?: (() => string | undefined) | undefined;
  /** Called when an answer asks the job to stop; not again while the same wish is repeated, and never for the answer to the job's end. */
  readonly onStopRequest?: ((reason: string) => void) | undefined;
  /** The right to write, where the worker numbers its trainers. Its number goes along as a header. */
  readonly fence?: Fence | undefined;
  /** Shared or own; the sink does not close it. */
  readonly transport: HttpTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default {@link DEFAULT_CALLBACK_TIMEOUT_MS}. */
  readonly requestTimeoutMs?: number | undefined;
}

const NOT_SENT: Delivery = { status: "retry", cause: "unreachable", reason: "not sent: an earlier record has to be delivered first" };

/** @throws ConfigError when the URL or the token cannot be used. */
export function createPlatformSink(options: PlatformSinkOptions): Sink {
  return new PlatformSink(options);
}

class PlatformSink implements Sink {
  readonly name = PLATFORM_SINK_NAME;
  readonly limits: BatchLimits = { maxRecords: 100, maxBytes: 4 * 1024 * 1024 };
  readonly #options: PlatformSinkOptions;
  readonly #base: URL;
  readonly #dialect: CallbackDialect;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];
  #lastWish: string | undefined;

  constructor(options: PlatformSinkOptions) {
    this.#options = options;
    const base = parseBase(options.url);
    const authorization = authorizationOf(base, options.token);
    this.#secrets = [options.token ?? "", decoded(base.password), base.password, authorization?.split(" ")[1] ?? ""];
    base.username = "";
    base.password = "";
    base.hash = "";
    this.#base = base;
    this.#headers = {
      "content-type": "application/json",
      accept: "application/json",
      ...(authorization === undefined ? {} : { authorization }),
      ...(options.fence === undefined ? {} : { [FENCE_HEADER]: String(options.fence.epoch) }),
    };
    const { dialect = planDialect } = options;
    this.#dialect = typeof dialect === "function" ? { name: "custom", toRequest: dialect } : dialect;
  }

  accepts(record: TrainerRecord): boolean {
    return this.#dialect.accepts?.(record) ?? true;
  }

  async deliver(batch: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[]> {
    const outcomes: Delivery[] = [];
    for (const record of batch) {
      // Nothing may overtake a record that has to wait: the rest is not sent.
      const waits = outcomes.at(-1)?.status === "retry";
      outcomes.push(waits ? NOT_SENT : await this.#deliverOne(record, context));
    }
    return outcomes;
  }

  async #deliverOne(record: TrainerRecord, context: DeliveryContext): Promise<Delivery> {
    const lost = this.#options.fence?.lost;
    if (lost !== undefined) return { status: "rejected", reason: lost };
    let request: CallbackRequest | undefined;
    let body: string | undefined;
    try {
      const { job, taskId } = this.#options;
      request = this.#dialect.toRequest(record, { operation: job.operation, jobId: job.jobId, taskId: taskId?.() });
      if (request === undefined) return { status: "delivered" };
      body = jsonOf(request.body);
    } catch (error) {
      return {
        status: "rejected",
        reason: `the callback dialect ${this.#dialect.name} failed on ${record.id} (${record.fact.kind}): ${describeError(error)}`,
      };
    }
    if (body === undefined)
      return {
        status: "rejected",
        reason: `the callback dialect ${this.#dialect.name} gave no body for ${record.id} (${record.fact.kind})`,
      };
    return this.#post(record, request, body, context);
  }

  async #post(record: TrainerRecord, request: CallbackRequest, body: string, context: DeliveryContext): Promise<Delivery> {
    const { transport, clock, fence, logger, requestTimeoutMs = DEFAULT_CALLBACK_TIMEOUT_MS } = this.#options;
    const url = this.#urlOf(request.path);
    let response: HttpResponse;
    try {
      const headers = { ...this.#headers, "idempotency-key": record.id, ...lowerCased(request.headers) };
      response = await transport.send({ method: "POST", url, headers, body, timeoutMs: requestTimeoutMs, signal: context.signal });
    } catch (error) {
      if (context.signal.aborted)
        return { status: "retry", cause: "unreachable", reason: `POST ${publicUrl(url)} was given up: the deadline of closing has passed` };
      return { status: "retry", cause: "unreachable", reason: this.#clean(describeError(error)) };
    }
    const outcome = deliveryOf(response, {
      target: `POST ${publicUrl(url)}`,
      ambiguous: context.ambiguous,
      secrets: this.#secrets,
      nowMs: clock.now(),
    });
    if (response.status === 412 && fence !== undefined)
      return { status: "rejected", reason: fence.lose(`the backend hears a later one (POST ${publicUrl(url)} answered 412)`) };
    if (response.status === 409 && outcome.status === "delivered")
      logger.info(`the backend knows ${record.id} already (409 to a repeated delivery)`, { sink: this.name });
    if (outcome.status === "delivered" && record.fact.kind !== "final") this.#hear(response);
    return outcome;
  }

  /** Looks for a wish in a delivered answer. */
  #hear(response: HttpResponse): void {
    let instruction: CallbackInstruction | undefined;
    try {
      const body = parseJson(response.text());
      instruction = this.#dialect.readAnswer ? this.#dialect.readAnswer(body) : readStopAnswer(body);
    } catch (error) {
      this.#options.logger.warn(`the callback dialect ${this.#dialect.name} could not read an answer: ${describeError(error)}`, {
        sink: this.name,
      });
    }
    if (instruction === undefined) {
      this.#lastWish = undefined;
      return;
    }
    if (instruction.reason === this.#lastWish) return;
    this.#lastWish = instruction.reason;
    this.#options.onStopRequest?.(instruction.reason);
  }

  /** The path is appended to the base's own; whatever a dialect writes, host and scheme stay the base's. */
  #urlOf(path: string): string {
    const url = new URL(this.#base);
    const [pathname = "", ...query] = path.split("?");
    url.pathname = `${this.#base.pathname.replace(/\/+$/, "")}/${pathname.replace(/^\/+/, "")}`;
    for (const [name, value] of new URLSearchParams(query.join("?"))) url.searchParams.append(name, value);
    return url.href;
  }

  #clean(text: string): string {
    return this.#secrets.reduce((cleaned, secret) => (secret === "" ? cleaned : cleaned.replaceAll(secret, "***")), text);
  }
}

function parseBase(url: string): URL {
  const refuse = (message: string): never => {
    throw new ConfigError(`CALLBACK_URL cannot be used: ${message}.`, [{ path: "CALLBACK_URL", message }]);
  };
  if (!URL.canParse(url)) return refuse("it is no URL; write http://host:port/path");
  const base = new URL(url);
  if (base.protocol !== "http:" && base.protocol !== "https:") return refuse("only http and https are spoken");
  return base;
}

function authorizationOf(base: URL, token: string | undefined): string | undefined {
  if (token !== undefined && token !== "") {
    if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
    const message = "it holds characters that a header cannot carry (a space, a line's end, a letter beyond ASCII)";
    throw new ConfigError(`CALLBACK_TOKEN cannot be used: ${message}.`, [{ path: "CALLBACK_TOKEN", message }]);
  }
  if (base.username === "" && base.password === "") return undefined;
  const pair = `${decoded(base.username)}:${decoded(base.password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Undefined for what JSON has no words for: a dialect of the user's own may give anything. */
function jsonOf(body: unknown): string | undefined {
  return JSON.stringify(body);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
