/**
 * The platform's backend as a destination: one POST a record, in order, over a kept-alive connection. When to try again
 * is the outbox's business, the words are the dialect's, the requests are the client's.
 */
import { describeError } from "../../base/errors.js";
import type { HttpResponse } from "../../base/http.js";
import { parseJson } from "../../base/json.js";
import type { Logger } from "../../base/logger.js";
import type { BatchLimits, Delivery, DeliveryContext, Sink } from "../../outbox/sink.js";
import type { OperationType } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { CallbackClient, type CallbackClientOptions } from "./callback-client.js";
import type { CallbackDialect, CallbackDialectFunction, CallbackInstruction, CallbackRequest } from "./dialect.js";
import { planDialect, readStopAnswer } from "./plan-dialect.js";

/** The journal's name for this destination: its delivery state is kept under it. */
export const PLATFORM_SINK_NAME = "platform";
/** Bounds of one batch. */
export const CALLBACK_LIMITS: BatchLimits = { maxRecords: 100, maxBytes: 4 * 1024 * 1024 };
/** Nothing may overtake a record that has to wait. */
export const NOT_SENT: Delivery = {
  status: "retry",
  cause: "unreachable",
  reason: "not sent: an earlier record has to be delivered first",
};

export interface PlatformSinkOptions extends CallbackClientOptions {
  /** Default: the `plan` dialect. */
  readonly dialect?: CallbackDialect | CallbackDialectFunction | undefined;
  readonly job: { readonly operation: OperationType; readonly jobId?: string | undefined };
  /** The ClearML task, once it is known. Asked for each request. */
  readonly taskId?: (() => string | undefined) | undefined;
  /** Called when an answer asks the job to stop; not again while the same wish is repeated, and never for the answer to the job's end. */
  readonly onStopRequest?: ((reason: string) => void) | undefined;
  readonly logger: Logger;
}

/** @throws ConfigError when the URL or the token cannot be used. */
export function createPlatformSink(options: PlatformSinkOptions): Sink {
  return new PlatformSink(options);
}

/** Delivers one by one; after the first that has to wait, nothing more is sent. */
export async function deliverInOrder(
  batch: readonly TrainerRecord[],
  deliverOne: (record: TrainerRecord) => Promise<Delivery>,
): Promise<readonly Delivery[]> {
  const outcomes: Delivery[] = [];
  for (const record of batch) outcomes.push(outcomes.at(-1)?.status === "retry" ? NOT_SENT : await deliverOne(record));
  return outcomes;
}

class PlatformSink implements Sink {
  readonly name = PLATFORM_SINK_NAME;
  readonly limits = CALLBACK_LIMITS;
  readonly #options: PlatformSinkOptions;
  readonly #client: CallbackClient;
  readonly #dialect: CallbackDialect;
  #lastWish: string | undefined;

  constructor(options: PlatformSinkOptions) {
    this.#options = options;
    this.#client = new CallbackClient(options);
    const { dialect = planDialect } = options;
    this.#dialect = typeof dialect === "function" ? { name: "custom", toRequest: dialect } : dialect;
  }

  accepts(record: TrainerRecord): boolean {
    return this.#dialect.accepts?.(record) ?? true;
  }

  deliver(batch: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[]> {
    return deliverInOrder(batch, (record) => this.#deliverOne(record, context));
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
      checkHeaders(request.headers);
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
    const { delivery, response } = await this.#client.post({ ...request, body }, record.id, context);
    if (delivery.status !== "delivered" || response === undefined) return delivery;
    if (response.status === 409)
      this.#options.logger.info(`the backend knows ${record.id} already (409 to a repeated delivery)`, { sink: this.name });
    if (record.fact.kind !== "final") this.#hear(response);
    return delivery;
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
}

/** @throws TypeError for headers that no client could send: at every try, and with everything behind them. */
function checkHeaders(headers: CallbackRequest["headers"] = {}): void {
  const http = process.getBuiltinModule("node:http");
  for (const [name, value] of Object.entries(headers)) {
    http.validateHeaderName(name);
    http.validateHeaderValue(name, value);
  }
}

/** Undefined for what JSON has no words for: a dialect of the user's own may give anything. */
function jsonOf(body: unknown): string | undefined {
  return JSON.stringify(body);
}
