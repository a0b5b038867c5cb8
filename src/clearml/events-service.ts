/** `events.*`: reporting and reading points, console lines and plots (`clearml-protocol`, 4). */
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";
import type { EventDocument } from "../protocol/clearml/event-document.js";
import { readEvents, type EventReading } from "./read-events.js";
import { readLog, type LogReading } from "./read-log.js";
import { readScalars, type ScalarPoint, type ScalarReading } from "./read-scalars.js";
import { splitBatch } from "./split-batch.js";
import type { CallOptions, ClearMLSession } from "./session.js";

/** What became of a batch. */
export interface BatchOutcome {
  readonly added: number;
  /** Above 0: a part of the batch was refused. The server does not say which. */
  readonly errors: number;
  /** How many, by the server's message. */
  readonly errorsInfo: Readonly<Record<string, number>>;
}

/** Events. Methods are named as the endpoints; their errors are those of {@link ClearMLSession.call}. */
export class EventsService {
  readonly #session: ClearMLSession;

  constructor(session: ClearMLSession) {
    this.#session = session;
  }

  add(request: RequestOf<"events.add">, options?: CallOptions): Promise<ResponseOf<"events.add">> {
    return this.#session.call("events.add", request, options);
  }

  /**
   * Reports events, in as many requests as their size asks for, in order. The first request that fails ends it; what
   * went before is stored. Sending all of it again is harmless, save for console lines, which would be there twice: a
   * batch with console lines is not repeated after an unclear failure.
   */
  async addBatch(events: readonly RequestOf<"events.add_batch">[], options: CallOptions = {}): Promise<BatchOutcome> {
    let added = 0;
    let errors = 0;
    const errorsInfo: Record<string, number> = {};
    for (const batch of splitBatch(events)) {
      const repeatable = options.repeatable ?? !batch.events.some((event) => event.type === "log");
      const answer = await this.#session.callBatch("events.add_batch", batch.lines, { ...options, repeatable });
      added += answer.added ?? 0;
      errors += answer.errors ?? 0;
      for (const [message, count] of Object.entries(answer.errors_info ?? {})) errorsInfo[message] = (errorsInfo[message] ?? 0) + count;
    }
    return { added, errors, errorsInfo };
  }

  /** All console lines of a task, page after page, oldest first unless asked otherwise. */
  iterateLog(reading: LogReading, options?: CallOptions): AsyncGenerator<EventDocument, void, undefined> {
    return readLog((request) => this.getTaskLog(request, options), reading);
  }

  /** All events of one kind, exact and with their times, page after page, in the order of their iterations. Not for console lines. */
  iterateEvents(
    reading: Pick<EventReading, "type" | "metrics" | "pageSize"> & { readonly task: string },
    options?: CallOptions,
  ): AsyncGenerator<EventDocument, void, undefined> {
    const { task, ...rest } = reading;
    return readEvents((request) => this.getTaskEvents(request, options), { id: task, isModel: false, ...rest });
  }

  /** All points of a chart with their exact values, page after page, in the order of their iterations. */
  iterateScalars(reading: ScalarReading, options?: CallOptions): AsyncGenerator<ScalarPoint, void, undefined> {
    return readScalars((request) => this.scalarMetricsIterRaw(request, options), reading);
  }

  /** Curves by chart and line, averaged down to `samples` points a line (2000 unless asked otherwise, 6000 at most). */
  scalarMetricsIterHistogram(
    request: RequestOf<"events.scalar_metrics_iter_histogram">,
    options?: CallOptions,
  ): Promise<ResponseOf<"events.scalar_metrics_iter_histogram">> {
    return this.#session.call("events.scalar_metrics_iter_histogram", request, options);
  }

  /** The same for up to 100 tasks. */
  multiTaskScalarMetricsIterHistogram(
    request: RequestOf<"events.multi_task_scalar_metrics_iter_histogram">,
    options?: CallOptions,
  ): Promise<ResponseOf<"events.multi_task_scalar_metrics_iter_histogram">> {
    return this.#session.call("events.multi_task_scalar_metrics_iter_histogram", request, options);
  }

  /** One page of exact values; see {@link EventsService.iterateScalars}. */
  scalarMetricsIterRaw(
    request: RequestOf<"events.scalar_metrics_iter_raw">,
    options?: CallOptions,
  ): Promise<ResponseOf<"events.scalar_metrics_iter_raw">> {
    return this.#session.call("events.scalar_metrics_iter_raw", request, options);
  }

  /** One page of console lines; see {@link EventsService.iterateLog}. */
  getTaskLog(request: RequestOf<"events.get_task_log">, options?: CallOptions): Promise<ResponseOf<"events.get_task_log">> {
    return this.#session.call("events.get_task_log", request, options);
  }

  /** One page of events that have an iteration. Not for console lines. */
  getTaskEvents(request: RequestOf<"events.get_task_events">, options?: CallOptions): Promise<ResponseOf<"events.get_task_events">> {
    return this.#session.call("events.get_task_events", request, options);
  }

  getTaskPlots(request: RequestOf<"events.get_task_plots">, options?: CallOptions): Promise<ResponseOf<"events.get_task_plots">> {
    return this.#session.call("events.get_task_plots", request, options);
  }

  /** The values of the summary table. */
  getTaskSingleValueMetrics(
    request: RequestOf<"events.get_task_single_value_metrics">,
    options?: CallOptions,
  ): Promise<ResponseOf<"events.get_task_single_value_metrics">> {
    return this.#session.call("events.get_task_single_value_metrics", request, options);
  }

  /** Names of charts and of their lines. */
  getScalarMetricsAndVariants(
    request: RequestOf<"events.get_scalar_metrics_and_variants">,
    options?: CallOptions,
  ): Promise<ResponseOf<"events.get_scalar_metrics_and_variants">> {
    return this.#session.call("events.get_scalar_metrics_and_variants", request, options);
  }

  getTaskLatestScalarValues(
    request: RequestOf<"events.get_task_latest_scalar_values">,
    options?: CallOptions,
  ): Promise<ResponseOf<"events.get_task_latest_scalar_values">> {
    return this.#session.call("events.get_task_latest_scalar_values", request, options);
  }

  getTaskMetrics(request: RequestOf<"events.get_task_metrics">, options?: CallOptions): Promise<ResponseOf<"events.get_task_metrics">> {
    return this.#session.call("events.get_task_metrics", request, options);
  }

  /** One page of samples: images, sounds, texts held elsewhere, by iteration, newest first. */
  debugImages(request: RequestOf<"events.debug_images">, options?: CallOptions): Promise<ResponseOf<"events.debug_images">> {
    return this.#session.call("events.debug_images", request, options);
  }

  deleteForModel(request: RequestOf<"events.delete_for_model">, options?: CallOptions): Promise<ResponseOf<"events.delete_for_model">> {
    return this.#session.call("events.delete_for_model", request, options);
  }

  deleteForTask(request: RequestOf<"events.delete_for_task">, options?: CallOptions): Promise<ResponseOf<"events.delete_for_task">> {
    return this.#session.call("events.delete_for_task", request, options);
  }
}
