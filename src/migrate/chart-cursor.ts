/** Goes along one line of a chart, step by step, for a comparison. */
import type { ClearML } from "../clearml/create-clearml.js";
import type { EventDocument } from "../protocol/clearml/event-document.js";
import type { MetricAddress } from "../records/metric-address.js";

/** One line, read once from its first step to its last. */
export class ChartCursor {
  readonly #events: AsyncGenerator<EventDocument, void, undefined>;
  /** The next point; undefined at the end. */
  event: EventDocument | undefined;

  private constructor(events: AsyncGenerator<EventDocument, void, undefined>) {
    this.#events = events;
  }

  /** @throws ApiError, ConnectionError; the signal's reason. */
  static async open(clearml: ClearML, task: string, { title, series }: MetricAddress, signal: AbortSignal): Promise<ChartCursor> {
    const reading = { task, type: "training_stats_scalar" as const, metrics: [{ metric: title, variants: [series] }] };
    const cursor = new ChartCursor(clearml.events.iterateEvents(reading, { signal }));
    await cursor.advance();
    return cursor;
  }

  /** Step of the next point: at the end behind all, and of one that has none before all. */
  get step(): number {
    return this.event ? (this.event.iter ?? Number.NEGATIVE_INFINITY) : Number.POSITIVE_INFINITY;
  }

  async advance(): Promise<void> {
    const next = await this.#events.next();
    this.event = next.done === true ? undefined : next.value;
  }
}
