/**
 * The MLflow sink: one job, one run, for the weeks in which a trainer writes to both. It has no schedule of its own: when to
 * try again is the outbox's decision. Nobody can ask a job to stop by MLflow, so it hears nothing.
 */
import { describeError, type ConfigError } from "../../base/errors.js";
import { artifactRoute } from "../../mlflow/artifact-route.js";
import { BATCH_LIMITS } from "../../mlflow/mlflow-writer.js";
import { SINK_TAGS } from "../../mlflow/sink-tags.js";
import type { BatchLimits, Delivery, DeliveryContext, Sink } from "../../outbox/sink.js";
import type { TrainerRecord } from "../../records/record.js";
import type { ObjectStore } from "../../storage/object-store.js";
import { inTurns } from "../in-turns.js";
import { splitIntoRequests } from "../request-plan.js";
import { failureOutcome } from "./delivery-failure.js";
import { deliverFinal } from "./final-delivery.js";
import type { MlflowSinkOptions } from "./mlflow-sink-options.js";
import { isPointRecord, recordPoints } from "./record-points.js";
import { RunBinding, type BoundRun } from "./run-binding.js";
import { sendPoints } from "./send-points.js";
import { setTags, type RunCalls } from "./run-calls.js";
import { ProxiedFiles, refusal, StoredFiles, type RunFiles } from "./run-files.js";
import { deliverSingle } from "./single-delivery.js";

/** The journal's name for this destination: its delivery state is kept under it. */
export const MLFLOW_SINK_NAME = "mlflow";

const FINAL_MEMORY = "final";
const TASK_MEMORY = "task";
const DELIVERED: Delivery = { status: "delivered" };

class MlflowSink implements Sink {
  readonly name = MLFLOW_SINK_NAME;
  readonly limits: BatchLimits = { maxRecords: 1_000, maxBytes: 8_000_000 };
  readonly #options: MlflowSinkOptions;
  readonly #binding: RunBinding;
  #run: BoundRun | undefined;
  /** The run has ended and runs again with the first record that is new. */
  #resting = false;
  /** Of the run that is reported to. */
  #files: { readonly runId: string; readonly files: RunFiles | ConfigError } | undefined;
  readonly #stores: ObjectStore[] = [];
  /** A deleted run was replaced once; nobody wants a third. */
  #replaced = false;

  constructor(options: MlflowSinkOptions) {
    this.#options = options;
    this.#binding = new RunBinding(options);
  }

  /** MLflow has no console. */
  accepts({ fact }: TrainerRecord): boolean {
    return fact.kind !== "log";
  }

  /** Finds the run. One that is missing is made with the first record, whose time is its start: that cannot be mended later. */
  async open({ memory, signal }: DeliveryContext): Promise<Delivery> {
    try {
      const binding = await this.#binding.find(memory, signal);
      if (binding === "absent") return DELIVERED;
      if ("refused" in binding) return { status: "rejected", reason: binding.refused };
      this.#run = binding.run;
      this.#resting = this.#options.mode === "live" && binding.run.status !== "RUNNING";
      return DELIVERED;
    } catch (error) {
      return failureOutcome(error, "single", signal);
    }
  }

  async deliver(batch: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[]> {
    const lost = this.#options.fence?.lost;
    if (lost !== undefined) return batch.map(() => ({ status: "rejected", reason: lost }));
    const outcomes: Delivery[] = [];
    while (outcomes.length < batch.length) {
      const part = await this.#deliverNext(batch.slice(outcomes.length), context);
      const failure = part.find(({ status }) => status !== "delivered");
      outcomes.push(...part.filter(({ status }) => status === "delivered"));
      if (failure === undefined) continue;
      // A run that was removed for good is answered with 404, which may as well be a wrong address.
      const isOutage = failure.status === "retry" && failure.cause === "unreachable";
      const found = isOutage ? "present" : await this.#afterRefusal(context);
      if (found === "replaced") continue;
      if (found === "present" && failure.status === "rejected") outcomes.push(failure);
      else while (outcomes.length < batch.length) outcomes.push(found === "present" ? failure : found);
    }
    return outcomes;
  }

  async close(): Promise<void> {
    for (const store of this.#stores) await store.close();
    await this.#options.onClose?.();
  }

  /** Outcomes of the first records: of all with points up to the first that has none, or of one record. The last may be a failure. */
  async #deliverNext(rest: readonly TrainerRecord[], context: DeliveryContext): Promise<readonly Delivery[]> {
    const [record] = rest;
    if (record === undefined) return [];
    const { memory, signal } = context;
    const calls = await this.#prepare(record, context);
    if ("status" in calls) return [calls];
    try {
      if (isPointRecord(record)) {
        const end = rest.findIndex((other) => !isPointRecord(other));
        return await this.#deliverPoints(end < 0 ? rest : rest.slice(0, end), calls);
      }
      if (record.fact.kind === "final") {
        const { outcome, hasEnded } = await deliverFinal(calls, record, record.fact);
        if (hasEnded) {
          await memory.set(FINAL_MEMORY, record.sequence);
          this.#resting = this.#options.mode === "live";
        }
        return [outcome];
      }
      const { files, openFile, logger } = this.#options;
      return [await deliverSingle(record, calls, { files, openFile, logger, memory })];
    } catch (error) {
      return [failureOutcome(error, "single", signal)];
    }
  }

  /** What must be before a record can go. That it is refused is no fault of the record, which waits. */
  async #prepare(record: TrainerRecord, context: DeliveryContext): Promise<RunCalls | Delivery> {
    try {
      const calls = await this.#callsFor(record, context);
      await this.#wake(record, calls, context);
      await this.#tellTask(calls, context);
      return calls;
    } catch (error) {
      const outcome = failureOutcome(error, "single", context.signal);
      return outcome.status === "rejected" ? { status: "retry", cause: "answered", reason: outcome.reason } : outcome;
    }
  }

  async #deliverPoints(records: readonly TrainerRecord[], calls: RunCalls): Promise<Delivery[]> {
    const { rules, signal } = calls;
    const outcomes: Delivery[] = [];
    const linesOf = await inTurns(records, (record) => recordPoints(record, rules));
    for (const { lines, completes } of splitIntoRequests(linesOf, { lines: BATCH_LIMITS.metrics, characters: BATCH_LIMITS.characters })) {
      try {
        await sendPoints(calls, lines);
      } catch (error) {
        return [...outcomes, failureOutcome(error, "points", signal)];
      }
      while (outcomes.length < completes) outcomes.push(DELIVERED);
    }
    return outcomes;
  }

  async #callsFor(record: TrainerRecord, { memory, signal }: DeliveryContext): Promise<RunCalls> {
    signal.throwIfAborted();
    const { writer } = this.#options;
    this.#run ??= await this.#binding.create(record.createdAtMs, memory, signal);
    const { runId, artifactUri } = this.#run;
    const files = (this.#files?.runId === runId ? this.#files : (this.#files = { runId, files: await this.#filesOf(runId, artifactUri) }))
      .files;
    return { writer, runId, files, rules: this.#binding.rules, signal };
  }

  /** Loads nothing where the server takes the files itself. */
  async #filesOf(runId: string, artifactUri: string | undefined): Promise<RunFiles | ConfigError> {
    const { writer, openStore } = this.#options;
    const route = artifactRoute(artifactUri, writer.baseUrl);
    if (route !== undefined) return new ProxiedFiles(writer, route);
    const address = artifactUri?.replace(/\/\/[^/]*@/, "//").slice(0, 200) ?? "a place that is not told";
    const store = artifactUri === undefined ? undefined : await openStore?.(artifactUri);
    if (typeof store !== "object") return refusal(runId, address, store ?? "the server does not take them");
    this.#stores.push(store);
    return new StoredFiles(writer, runId, store);
  }

  /** A new attempt's first record brings an ended run back to life, once. An old record that is replayed does not. */
  async #wake({ fact, sequence }: TrainerRecord, { writer, runId, signal }: RunCalls, { memory }: DeliveryContext): Promise<void> {
    const ended = memory.get(FINAL_MEMORY);
    if (!this.#resting || fact.kind === "final" || (typeof ended === "number" && sequence <= ended)) return;
    await writer.updateRun(runId, "RUNNING", undefined, { signal });
    this.#resting = false;
    await memory.set(FINAL_MEMORY, null);
  }

  /** The ClearML task of the same job, once it is known and not told yet: by it a migration knows that the run is there already. */
  async #tellTask(calls: RunCalls, { memory }: DeliveryContext): Promise<void> {
    const taskId = this.#options.taskId();
    const told = `${calls.runId}:${taskId ?? ""}`;
    if (taskId === undefined || memory.get(TASK_MEMORY) === told) return;
    await setTags(calls, [{ key: SINK_TAGS.taskId, value: taskId }]);
    await memory.set(TASK_MEMORY, told);
  }

  /** Was it refused because somebody deleted the run? Then another takes its place, once. */
  async #afterRefusal({ memory, signal }: DeliveryContext): Promise<"present" | "replaced" | Delivery> {
    const { logger } = this.#options;
    const before = this.#run;
    if (before === undefined) return "present";
    try {
      if (await this.#binding.read(before.runId, signal)) return "present";
      if (this.#replaced)
        return { status: "rejected", reason: `MLflow run ${before.runId} was deleted, like the one before it; a third is not made` };
      await this.#binding.goBeside(before.experimentId, signal);
      this.#replaced = true;
      this.#run = undefined;
      logger.error(
        `MLflow run ${before.runId} was deleted while the job reported to it; everything delivered to it is lost there. The job goes on with another run.`,
      );
      await memory.set(FINAL_MEMORY, null);
      return "replaced";
    } catch (error) {
      logger.debug(`MLflow run ${before.runId} could not be looked at after a refusal: ${describeError(error)}`);
      return failureOutcome(error, "single", signal);
    }
  }
}

/** The sink of a job over a writer. The writer stays the caller's. */
export function createMlflowSink(options: MlflowSinkOptions): Sink {
  return new MlflowSink(options);
}
