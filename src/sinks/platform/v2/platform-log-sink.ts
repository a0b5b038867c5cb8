/**
 * Log lines for the existing backend: one request each, at a bounded rate, in a lane of their own. Its answer is the only
 * one that shows the job's real status.
 */
import * as z from "zod";
import type { Clock } from "../../../base/clock.js";
import { onFirstUse } from "../../../base/on-first-use.js";
import type { BatchLimits, Delivery, DeliveryContext, Sink } from "../../../outbox/sink.js";
import type { TrainerRecord } from "../../../records/record.js";
import { parseJson } from "../../../base/json.js";
import type { CallbackClient } from "../callback-client.js";
import { deliverInOrder } from "../platform-sink.js";
import { isLogged, toPlatformV2Request } from "./platform-v2-dialect.js";
import type { PlatformV2Job } from "./platform-v2-job.js";
import type { UserWish } from "./user-wish.js";

/** The journal's name for this destination. */
export const PLATFORM_LOG_SINK_NAME = "platform-logs";
/** At most fifty lines a second: each is a transaction of the database that the whole platform lives on. */
const LINE_INTERVAL_MS = 20;

export interface PlatformLogSinkOptions {
  readonly client: CallbackClient;
  readonly job: PlatformV2Job;
  readonly clock: Clock;
  readonly wish: UserWish;
}

const answerSchema = onFirstUse(() => z.looseObject({ job_status: z.string() }));

export function createPlatformLogSink(options: PlatformLogSinkOptions): Sink {
  return new PlatformLogSink(options);
}

class PlatformLogSink implements Sink {
  readonly name = PLATFORM_LOG_SINK_NAME;
  readonly limits: BatchLimits = { maxRecords: 50, maxBytes: 1024 * 1024 };
  readonly #options: PlatformLogSinkOptions;
  #nextAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PlatformLogSinkOptions) {
    this.#options = options;
  }

  accepts(record: TrainerRecord): boolean {
    return isLogged(record, this.#options.job);
  }

  deliver(batch: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[]> {
    return deliverInOrder(batch, (record) => this.#deliverOne(record, context));
  }

  async #deliverOne(record: TrainerRecord, context: DeliveryContext): Promise<Delivery> {
    const { client, job, wish } = this.#options;
    if (!(await this.#pace(context.signal)))
      return { status: "retry", cause: "unreachable", reason: "not sent: the deadline of closing has passed" };
    const request = toPlatformV2Request(record, { job, state: {} });
    if (request === undefined) return { status: "delivered" };
    const { delivery, response } = await client.post({ path: request.path, body: JSON.stringify(request.body) }, record.id, context);
    const answer = answerSchema().safeParse(delivery.status === "delivered" ? parseJson(response?.text() ?? "") : undefined);
    if (answer.success) wish.hear(answer.data.job_status);
    return delivery;
  }

  /** Waits for its turn; false when there is no more time for it. */
  async #pace(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const waitMs = this.#nextAtMs - clock.monotonic();
    if (waitMs > 0) await clock.sleep(waitMs, { signal }).catch(() => undefined);
    this.#nextAtMs = clock.monotonic() + LINE_INTERVAL_MS;
    return !signal.aborted;
  }
}
