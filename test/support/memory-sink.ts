/**
 * A destination that remembers. A test decides with `answer` how the next deliveries fare; without it everything is taken.
 * It passes the same contract suite as the real sinks, so it cannot lie about the port.
 */
import type { BatchLimits, Delivery, DeliveryContext, Sink } from "../../src/outbox/sink.js";
import type { TrainerRecord } from "../../src/records/record.js";

/** One call of `deliver`, as it came. */
export interface SeenBatch {
  readonly sequences: readonly number[];
  readonly ambiguous: boolean;
}

export interface MemorySinkOptions {
  readonly name?: string;
  readonly limits?: BatchLimits;
  readonly accepts?: (record: TrainerRecord) => boolean;
  readonly open?: (context: DeliveryContext) => Promise<Delivery>;
}

export class MemorySink implements Sink {
  readonly name: string;
  readonly limits: BatchLimits;
  /** What has arrived, in order of arrival; a resend appears twice. */
  readonly delivered: TrainerRecord[] = [];
  /** Every call of `deliver`, whether or not anything came of it. */
  readonly batches: SeenBatch[] = [];
  closed = 0;
  /** Decides how a batch fares. Absent: delivered. */
  answer:
    | ((
        batch: readonly TrainerRecord[],
        context: DeliveryContext,
      ) => Promise<readonly Delivery[] | Delivery> | readonly Delivery[] | Delivery)
    | undefined;
  open?: (context: DeliveryContext) => Promise<Delivery>;
  readonly #accepts: (record: TrainerRecord) => boolean;

  constructor(options: MemorySinkOptions = {}) {
    this.name = options.name ?? "memory";
    this.limits = options.limits ?? { maxRecords: 100, maxBytes: 1024 * 1024 };
    this.#accepts = options.accepts ?? (() => true);
    if (options.open) this.open = options.open;
  }

  accepts(record: TrainerRecord): boolean {
    return this.#accepts(record);
  }

  async deliver(batch: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[] | Delivery> {
    context.signal.throwIfAborted();
    this.batches.push({ sequences: batch.map((record) => record.sequence), ambiguous: context.ambiguous });
    const outcome = (await this.answer?.(batch, context)) ?? { status: "delivered" };
    for (const [index, record] of batch.entries()) {
      const own = Array.isArray(outcome) ? (outcome as readonly Delivery[])[index] : (outcome as Delivery);
      // After the first retry nothing later was sent, as the port says.
      if (own?.status === "retry") break;
      if (own?.status === "delivered") this.delivered.push(record);
    }
    return outcome;
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }

  /** The sequences that have arrived. */
  get sequences(): number[] {
    return this.delivered.map((record) => record.sequence);
  }
}
