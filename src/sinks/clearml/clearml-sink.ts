/**
 * The ClearML sink: one job, one task. Turns records into calls and says how each fared; keeps the task's status true;
 * hears wishes to stop. It has no schedule of its own: when to try again is the outbox's decision.
 */
import { describeError } from "../../base/errors.js";
import type { ClearML } from "../../clearml/create-clearml.js";
import type { BatchLimits, Delivery, DeliveryContext, Sink } from "../../outbox/sink.js";
import { taskWebUrl } from "../../protocol/clearml/web-urls.js";
import type { TrainerRecord } from "../../records/record.js";
import type { ClearMLSinkOptions } from "./clearml-sink-options.js";
import { clientPort, type ClearMLPort, type TaskCalls } from "./clearml-port.js";
import { failureOutcome } from "./delivery-failure.js";
import { EventDelivery } from "./event-delivery.js";
import { MetricLines, safeRule, type AddressRule } from "./metric-lines.js";
import { isEventRecord, type NonFinitePolicy } from "./record-events.js";
import { deliverSingle } from "./single-delivery.js";
import { startPlan } from "./status-plan.js";
import { TaskBinding, type BoundTask } from "./task-binding.js";
import { holdFence } from "./task-fence.js";
import { applyStatus } from "./task-status.js";
import { TaskWatch } from "./task-watch.js";

/** Statuses in which a job's task waits for its first record before it runs again: the end was told, and may be all there is. */
const ENDED_WELL: ReadonlySet<string> = new Set(["completed", "closed"]);
const LOCKED: ReadonlySet<string> = new Set(["published", "publishing"]);
const PROGRESS_TIMEOUT_MS = 5_000;
const FINAL_MEMORY = "final";

export class ClearMLSink implements Sink {
  readonly name = "clearml";
  readonly limits: BatchLimits = { maxRecords: 1_000, maxBytes: 8_000_000 };
  readonly #port: ClearMLPort;
  readonly #options: ClearMLSinkOptions;
  readonly #binding: TaskBinding;
  readonly #events: EventDelivery;
  readonly #watch: TaskWatch;
  #lines: MetricLines | undefined;
  #task: BoundTask | undefined;
  /** The task has ended and runs again with the first record that is new. */
  #resting = false;
  /** A deleted task was replaced once; nobody wants a third. */
  #replaced = false;
  /** The task was asked for the fence by this process. */
  #claimed = false;
  /** Whole percent that ClearML was told last. */
  #percent: number | undefined;

  constructor(port: ClearMLPort, options: ClearMLSinkOptions) {
    const { clock, logger, job, onStopRequest, pollIntervalMs = 5_000, pingIntervalMs = 30_000 } = options;
    this.#port = port;
    this.#options = options;
    this.#binding = new TaskBinding(port, { ...options, operation: job.operation }, logger);
    this.#events = new EventDelivery(this.#nonFinite);
    this.#watch = new TaskWatch({ port, clock, logger, onStopRequest, pollIntervalMs, pingIntervalMs });
  }

  accepts(): boolean {
    return true;
  }

  /** Binds the task and, for a job that runs, starts it. */
  async open(context: DeliveryContext): Promise<Delivery> {
    try {
      const binding = await this.#binding.bind(context.memory, context.signal);
      if ("refused" in binding) return { status: "rejected", reason: binding.refused };
      this.#lines ??= MetricLines.load(context.memory, this.#addressRule());
      const refusal = await this.#fenced({ port: this.#port, ...binding.task, signal: context.signal });
      if (refusal) {
        // Open, so that every record finds its refusal, and is not left in a journal that somebody would deliver later.
        this.#task = binding.task;
        return { status: "delivered" };
      }
      const { status } = binding.task;
      this.#resting = this.#options.mode === "live" && (ENDED_WELL.has(status) || finalSequence(context) !== undefined);
      return (await this.#adopt(binding.task, context)) ?? { status: "delivered" };
    } catch (error) {
      return failureOutcome(error, "single", context.signal);
    }
  }

  async deliver(batch: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[]> {
    const outcomes: Delivery[] = [];
    const fence = await this.#checkFence(context);
    if (fence) return batch.map(() => fence);
    const fillWith = (outcome: Delivery): void => {
      while (outcomes.length < batch.length) outcomes.push(outcome);
    };
    while (outcomes.length < batch.length) {
      const part = await this.#deliverNext(batch.slice(outcomes.length), context);
      outcomes.push(...part.filter(({ status }) => status === "delivered"));
      const failure = part.at(-1);
      if (failure === undefined || failure.status === "delivered") continue;
      if (failure.status === "retry") fillWith(failure);
      else {
        const task = await this.#afterRefusal(context);
        if (task === "replaced") continue;
        if (task === "locked" && failure.status === "undecided") {
          // No need to look for the one bad event: a published task takes none.
          const refusal: Delivery = {
            status: "rejected",
            reason: `ClearML task ${this.#task?.taskId ?? ""} is published and takes no more points and lines`,
          };
          for (let at = outcomes.length; at < batch.length && isEventRecord(batch[at] as TrainerRecord); at++) outcomes.push(refusal);
        } else if (typeof task === "object") fillWith(task);
        // Of a refused event nobody knows whose it was; a refused artifact is itself, and the next record may be right.
        else if (failure.status === "rejected") outcomes.push(failure);
        else fillWith(failure);
      }
    }
    await this.#tellPercent(
      batch.filter((_, index) => outcomes[index]?.status === "delivered"),
      context,
    );
    return outcomes;
  }

  async close(): Promise<void> {
    await this.#watch.stop();
  }

  /** Outcomes of the first records: of all events up to the first record that is none, or of one record. The last may be a failure. */
  async #deliverNext(rest: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[]> {
    const [record] = rest;
    if (record === undefined) return [];
    const { memory, signal } = context;
    if (this.#task === undefined || this.#lines === undefined)
      return [{ status: "retry", cause: "unreachable", reason: "the sink was not opened" }];
    const calls: TaskCalls = { port: this.#port, taskId: this.#task.taskId, projectId: this.#task.projectId, signal };
    const lines = this.#lines;
    try {
      await this.#wake(record, calls, context);
      if (isEventRecord(record)) {
        const end = rest.findIndex((other) => !isEventRecord(other));
        return await this.#events.deliver(end < 0 ? rest : rest.slice(0, end), calls, lines, memory, context.ambiguous);
      }
      const { owner, logger } = this.#options;
      const final = record.fact.kind === "final";
      // A poll must not find, and judge, the status that this very call is setting.
      if (final) await this.#watch.stop();
      const mapping = { taskId: calls.taskId, lines, nonFinite: this.#nonFinite };
      const outcome = await deliverSingle(record, calls, {
        mapping,
        owner,
        fence: this.#options.fence?.epoch,
        logger,
        taskName: this.#task.name,
        memory,
        saveLines: () => lines.save(memory),
      });
      if (final && outcome.status === "delivered") {
        await memory.set(FINAL_MEMORY, record.sequence);
        // An earlier attempt's end, told late: what this one says runs the task again.
        if (this.#options.mode === "live" && record.sequence < (context.ownFrom ?? 0)) this.#resting = true;
      } else if (final && this.#options.mode === "live") this.#watch.start(calls.taskId);
      return [outcome];
    } catch (error) {
      return [failureOutcome(error, "single", signal)];
    }
  }

  /** Why nothing may be written, if so. A failure to ask is one: without an answer nothing is sent. */
  async #checkFence({ signal }: DeliveryContext): Promise<Delivery | undefined> {
    if (this.#task === undefined) return undefined;
    try {
      return await this.#fenced({ port: this.#port, ...this.#task, signal });
    } catch (error) {
      return failureOutcome(error, "single", signal);
    }
  }

  async #fenced(calls: TaskCalls): Promise<Delivery | undefined> {
    const { fence, mode, runId, logger } = this.#options;
    if (fence === undefined || mode === "drain") return undefined;
    if (fence.lost === undefined) {
      const verdict = await holdFence(calls, { epoch: fence.epoch, runId }, !this.#claimed);
      this.#claimed = true;
      if (verdict.status === "held") return undefined;
      logger.error(`${fence.lose(verdict.reason)}; nothing more is written to ClearML`);
      await this.#watch.stop();
    }
    return { status: "rejected", reason: fence.lost ?? "" };
  }

  /** Takes the task as the job's own: tells who wants to know, starts it where that is due, watches it. A failure, or nothing. */
  async #adopt(task: BoundTask, { signal }: DeliveryContext): Promise<Delivery | undefined> {
    const { logger, mode, onBound } = this.#options;
    const { webHost } = this.#port;
    const isNew = this.#task?.taskId !== task.taskId;
    this.#task = task;
    this.#percent = undefined;
    const webUrl = webHost === undefined ? undefined : taskWebUrl(webHost, task);
    if (webUrl !== undefined && isNew && mode !== "drain") logger.info(`ClearML shows the job at ${webUrl}`);
    try {
      onBound({ id: task.taskId, projectId: task.projectId, webUrl });
    } catch (error) {
      logger.warn(`whoever was told of ClearML task ${task.taskId} threw: ${describeError(error)}`);
    }
    if (LOCKED.has(task.status))
      logger.warn(
        `ClearML task ${task.taskId} is published: it takes no more points, lines or files. Give the job an id of its own, or another task.`,
      );
    if (mode === "drain" || this.#resting || LOCKED.has(task.status)) return undefined;
    return this.#start({ port: this.#port, taskId: task.taskId, projectId: task.projectId, signal });
  }

  async #start(calls: TaskCalls): Promise<Delivery | undefined> {
    const { workerName } = this.#options;
    const outcome = await applyStatus(calls, ({ status }) => startPlan(status), {
      reason: "started",
      message: workerName === undefined ? undefined : `Running on ${workerName}`,
    });
    if (outcome === "gone")
      return { status: "retry", cause: "answered", reason: `ClearML task ${calls.taskId} was deleted while it was being started` };
    if (outcome !== "locked") this.#watch.start(calls.taskId);
    return undefined;
  }

  /** A new attempt's first record brings an ended task back to life, once. An old record that is replayed does not. */
  async #wake(record: TrainerRecord, calls: TaskCalls, context: DeliveryContext): Promise<void> {
    if (!this.#resting || record.fact.kind === "final" || record.sequence <= (finalSequence(context) ?? 0)) return;
    try {
      await this.#start(calls);
    } catch (error) {
      if (failureOutcome(error, "single", calls.signal).status === "retry") throw error;
      // A status that cannot be had is no reason to lose what the record says.
      this.#options.logger.warn(`ClearML task ${calls.taskId} could not be started again: ${describeError(error)}`);
    }
    this.#resting = false;
    await context.memory.set(FINAL_MEMORY, null);
  }

  /** Was it refused because somebody deleted the task? Then another takes its place, once. */
  async #afterRefusal(context: DeliveryContext): Promise<"present" | "locked" | "replaced" | Delivery> {
    const { logger } = this.#options;
    const task = this.#task;
    try {
      if (task === undefined) return "present";
      const found = await this.#binding.read(task.taskId, context.signal);
      if (found) return LOCKED.has(found.status) ? "locked" : "present";
      await this.#watch.stop();
      if (this.#replaced)
        return { status: "rejected", reason: `ClearML task ${task.taskId} was deleted, like the one before it; a third is not made` };
      const replacement = await this.#binding.rebind(task.taskId, context.memory, context.signal);
      this.#replaced = true;
      await context.memory.set(FINAL_MEMORY, null);
      this.#resting = false;
      logger.error(
        `ClearML task ${task.taskId} was deleted while the job reported to it; everything delivered to it is lost there. The job goes on with task ${replacement.taskId}.`,
      );
      return (await this.#adopt(replacement, context)) ?? "replaced";
    } catch (error) {
      return failureOutcome(error, "single", context.signal);
    }
  }

  /** The newest percentage, once for a batch and only when the whole percent changed. Nothing depends on it. */
  async #tellPercent(delivered: readonly TrainerRecord[], { signal }: DeliveryContext): Promise<void> {
    const newest = delivered.findLast(({ fact }) => fact.kind === "progress" && fact.percent !== undefined)?.fact;
    if (newest?.kind !== "progress" || newest.percent === undefined || this.#task === undefined || signal.aborted) return;
    const percent = Math.floor(Math.min(100, Math.max(0, newest.percent)));
    if (percent === this.#percent) return;
    try {
      await this.#port.call(
        "tasks.edit_runtime",
        { task: this.#task.taskId, add_or_update: { progress: String(percent) } },
        { signal, timeoutMs: PROGRESS_TIMEOUT_MS },
      );
      this.#percent = percent;
    } catch (error) {
      this.#options.logger.debug(`ClearML did not take the progress of task ${this.#task.taskId}: ${describeError(error)}`);
    }
  }

  get #nonFinite(): NonFinitePolicy {
    return this.#options.nonFinite ?? "companion";
  }

  #addressRule(): AddressRule | undefined {
    const { metricAddress, logger } = this.#options;
    if (metricAddress === undefined) return undefined;
    let told = false;
    return safeRule(metricAddress, (name, error) => {
      if (!told)
        logger.warn(`metricAddress failed for ${JSON.stringify(name)}: ${describeError(error)}. The default rule is used where it does.`);
      told = true;
    });
  }
}

/** Sequence of the end that was delivered last, while no newer record has come. */
function finalSequence({ memory }: DeliveryContext): number | undefined {
  const kept = memory.get(FINAL_MEMORY);
  return typeof kept === "number" ? kept : undefined;
}

/** The sink of a job over a ClearML client. The client stays the caller's to close. */
export function createClearMLSink(options: ClearMLSinkOptions & { readonly clearml: Pick<ClearML, "session" | "projects"> }): Sink {
  return new ClearMLSink(clientPort(options.clearml), options);
}
