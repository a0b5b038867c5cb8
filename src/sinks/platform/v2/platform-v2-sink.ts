/**
 * The existing platform's backend as a destination. It neither orders nor counts what it gets, and a progress report sets a
 * finished or cancelled job back to running, so the sink keeps the rules: look before a report, nothing after the end,
 * resend only what is not there.
 */
import type { Random } from "../../../base/ids.js";
import type { Logger } from "../../../base/logger.js";
import type { Delivery, DeliveryContext, Sink } from "../../../outbox/sink.js";
import type { TrainerRecord } from "../../../records/record.js";
import { CallbackClient, type CallbackClientOptions } from "../callback-client.js";
import type { CallbackRequest } from "../dialect.js";
import { CALLBACK_LIMITS, deliverInOrder, PLATFORM_SINK_NAME } from "../platform-sink.js";
import { JobPage, type JobView } from "./job-page.js";
import { JobWatch } from "./job-watch.js";
import { metricColumns } from "./metric-columns.js";
import { isReported, toPlatformV2Request, type PlatformV2Context } from "./platform-v2-dialect.js";
import type { PlatformV2Job } from "./platform-v2-job.js";
import { createPlatformLogSink } from "./platform-log-sink.js";
import { afterRecord, readRunState, writeRunState, type RunState } from "./run-state.js";
import { UserWish } from "./user-wish.js";

/** Its clients wait a minute for an answer, and the backend is known to take nearly as long. */
export const PLATFORM_V2_TIMEOUT_MS = 75_000;
/** Default of {@link PlatformV2SinkOptions.pollIntervalMs}. */
const DEFAULT_POLL_INTERVAL_MS = 5_000;
/** How long a look at the job's status holds: one for a burst of reports, none for a report that waited. */
const LOOK_HOLDS_MS = 1_000;

export interface PlatformV2SinkOptions extends CallbackClientOptions {
  readonly job: PlatformV2Job;
  /** `drain`: nothing is asked but what deliveries need. */
  readonly mode: "live" | "drain";
  /** The ClearML task that the SDK writes to, once it is known. */
  readonly taskId?: (() => string | undefined) | undefined;
  /** Called when the user has cancelled or stopped the job; once for each time. */
  readonly onStopRequest?: ((reason: string) => void) | undefined;
  readonly random: Random;
  readonly logger: Logger;
  /** How often a running training job is asked for its status. Default 5000 ms. */
  readonly pollIntervalMs?: number | undefined;
}

/**
 * Reports, and log lines in a lane of their own: a log line is a request there, and thousands of them must not stand
 * between an epoch and its report.
 *
 * @throws ConfigError when the URL cannot be used.
 */
export function createPlatformV2Sinks(options: PlatformV2SinkOptions): readonly Sink[] {
  const { requestTimeoutMs = PLATFORM_V2_TIMEOUT_MS, clock, job, logger } = options;
  const client = new CallbackClient({ ...options, requestTimeoutMs });
  let state: RunState = {};
  const wish = new UserWish({
    jobId: job.jobId,
    hasBegun: () => state.begunAtMs !== undefined,
    onStopRequest: (reason) => {
      logger.warn(`stop requested: ${reason}`);
      options.onStopRequest?.(reason);
    },
  });
  const reports = new PlatformV2Sink(options, client, wish, (next) => (state = next));
  return [reports, createPlatformLogSink({ client, job, clock, wish })];
}

class PlatformV2Sink implements Sink {
  readonly name = PLATFORM_SINK_NAME;
  readonly limits = CALLBACK_LIMITS;
  readonly #options: PlatformV2SinkOptions;
  readonly #client: CallbackClient;
  readonly #page: JobPage;
  readonly #wish: UserWish;
  readonly #watch: JobWatch | undefined;
  readonly #onState: (state: RunState) => void;
  #state: RunState | undefined;
  #look: { readonly view: JobView; readonly atMs: number } | undefined;
  #hasWarnedOfTwo = false;

  constructor(options: PlatformV2SinkOptions, client: CallbackClient, wish: UserWish, onState: (state: RunState) => void) {
    const { job, mode, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS } = options;
    this.#options = options;
    this.#client = client;
    this.#wish = wish;
    this.#onState = onState;
    this.#page = new JobPage(client, job.jobId);
    // Inference and export jobs cannot be asked: nothing of theirs is at this address.
    if (mode === "live" && job.operation === "training")
      this.#watch = new JobWatch({
        ...options,
        page: this.#page,
        pollIntervalMs,
        onStatus: (status, taskId) => {
          this.#wish.hear(status);
          this.#warnOfTwoWriters(taskId);
        },
      });
  }

  accepts(record: TrainerRecord): boolean {
    // Files are not reported by themselves, but what is reported later names them.
    return isReported(record, this.#options.job) || ["checkpoint", "model", "artifact"].includes(record.fact.kind);
  }

  open({ memory }: DeliveryContext): Promise<Delivery> {
    this.#take(readRunState(memory));
    this.#watch?.start();
    return Promise.resolve({ status: "delivered" });
  }

  async deliver(batch: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[]> {
    this.#take(this.#state ?? readRunState(context.memory));
    return deliverInOrder(batch, (record) => this.#deliverOne(record, context));
  }

  async close(): Promise<void> {
    await this.#watch?.stop();
  }

  async #deliverOne(record: TrainerRecord, context: DeliveryContext): Promise<Delivery> {
    const state = this.#state ?? {};
    const { job } = this.#options;
    const late = tooLate(record, state);
    if (late) return late;
    const turn = job.operation === "training" ? await this.#beforeReport(record, context) : {};
    if (turn.delivery) return this.#settled(record, turn.delivery, context);
    const request = isReported(record, job) ? toPlatformV2Request(record, { job, state, ...turn }) : undefined;
    const delivery = request ? await this.#post(record, request, context) : ({ status: "delivered" } as const);
    return this.#settled(record, delivery, context);
  }

  async #post(record: TrainerRecord, { path, body }: CallbackRequest, context: DeliveryContext): Promise<Delivery> {
    const { delivery } = await this.#client.post({ path, body: JSON.stringify(body) }, record.id, context);
    // The status at the backend is now another one.
    this.#look = undefined;
    return delivery;
  }

  /** Looks where a report could do harm. A `delivery` in the answer stands for the request. */
  async #beforeReport(
    { fact }: TrainerRecord,
    context: DeliveryContext,
  ): Promise<Pick<PlatformV2Context, "userMark"> & { readonly delivery?: Delivery }> {
    const { kind } = fact;
    if (kind !== "started" && kind !== "progress" && kind !== "final") return {};
    const view = await this.#lookAtJob(context.signal);
    if (view.status === "retry") return { delivery: view };
    const status = view.status === "seen" ? view.job.status : undefined;
    if (kind === "final") {
      // Its answer was lost: a second end would log the final metrics once more.
      if (context.ambiguous && status === fact.status) return { delivery: { status: "delivered" } };
      return { userMark: status === "cancelled" || status === "stopped" ? status : undefined };
    }
    const mark = this.#wish.hear(status);
    if (mark !== undefined) {
      const reason = `the user has ended the job (it is ${mark} at the backend), and a report would set it back to running`;
      return { delivery: { status: "rejected", reason } };
    }
    const columns = kind === "progress" ? metricColumns(fact.metrics) : undefined;
    if (!context.ambiguous || kind !== "progress" || columns === undefined) return {};
    const hasRow = await this.#page.hasRow(fact.epoch ?? 0, columns, context);
    if (typeof hasRow === "object") return { delivery: hasRow };
    return hasRow ? { delivery: { status: "delivered" } } : {};
  }

  async #lookAtJob(signal: AbortSignal): Promise<JobView> {
    const { clock } = this.#options;
    if (this.#look && clock.monotonic() - this.#look.atMs < LOOK_HOLDS_MS) return this.#look.view;
    const view = await this.#page.job({ signal });
    this.#look = view.status === "seen" ? { view, atMs: clock.monotonic() } : undefined;
    if (view.status === "seen") this.#warnOfTwoWriters(view.job.clearml_task_id ?? undefined);
    return view;
  }

  async #settled(record: TrainerRecord, delivery: Delivery, { memory }: DeliveryContext): Promise<Delivery> {
    if (delivery.status !== "delivered") return delivery;
    const next = afterRecord(this.#state ?? {}, record);
    this.#take(next);
    await writeRunState(memory, next);
    // After the end there is nothing left to be stopped.
    if (record.fact.kind === "final") await this.#watch?.stop();
    return delivery;
  }

  #take(state: RunState): void {
    this.#state = state;
    this.#onState(state);
  }

  #warnOfTwoWriters(taskId: string | undefined): void {
    if (this.#hasWarnedOfTwo || taskId === undefined || taskId !== this.#options.taskId?.()) return;
    this.#hasWarnedOfTwo = true;
    this.#options.logger.warn(
      `the backend writes metrics to the ClearML task ${taskId} too, in a chart of its own called "metrics"; let one of them write: clear the job's clearml_task_id, or set TRAINER_SINKS=platform`,
    );
  }
}

/** A report from before an end that the backend has heard of: a letter put back in line, or a checkpoint's late upload. */
function tooLate({ fact, sequence }: TrainerRecord, { final }: RunState): Delivery | undefined {
  if (final === undefined || sequence >= final.sequence) return undefined;
  if (fact.kind !== "started" && fact.kind !== "progress" && fact.kind !== "final") return undefined;
  return {
    status: "rejected",
    reason: `the backend has the job's end (${final.status}) already, and a report from before it would set the job back to running`,
  };
}
