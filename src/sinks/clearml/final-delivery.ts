/**
 * The end of a job in ClearML: last figures, results, then the status. The status is what matters: figures that the
 * server refuses do not keep it back, figures that it cannot take right now do. Safe to repeat.
 */
import { describeError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import type { Delivery } from "../../outbox/sink.js";
import type { FinalFact } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { RESULTS_CONFIGURATION, resultsText } from "../../records/results-text.js";
import type { TaskCalls } from "./clearml-port.js";
import { MAX_STATUS_TEXT_LENGTH, cutText } from "../../clearml/clearml-text.js";
import { failureOutcome, type Carried } from "./delivery-failure.js";
import { summaryEvents, type EventMapping } from "./record-events.js";
import { finalPlan } from "./status-plan.js";
import { configurationItem, setConfiguration, setRuntime } from "../../clearml/task-edits.js";
import { applyStatus, isOurs } from "./task-status.js";

/** Runtime key under which the trainer leaves the outcome to the worker that owns the end (design 2.2). */
export const OUTCOME_RUNTIME_KEY = "trainer_sdk_outcome";

export interface FinalDeliveryParts {
  readonly mapping: EventMapping;
  /** `worker`: the outcome is left for the platform's worker, which announces the end. */
  readonly owner: "trainer" | "worker";
  /** The attempt, told with the outcome: the worker must not take an earlier attempt's word for a later one's. */
  readonly fence?: number | undefined;
  readonly logger: Logger;
  /** Claimed lines are made durable before their points are sent. */
  saveLines(): Promise<void>;
}

/** Delivers the end. */
export async function deliverFinal(calls: TaskCalls, record: TrainerRecord, fact: FinalFact, parts: FinalDeliveryParts): Promise<Delivery> {
  for (const step of figures(calls, record, fact, parts)) {
    try {
      await step.run();
    } catch (error) {
      const outcome = failureOutcome(error, step.carried, calls.signal);
      if (outcome.status === "retry" && step.needed) return outcome;
      parts.logger.warn(`ClearML did not take ${step.name} of task ${calls.taskId}: ${describeError(error)}`);
    }
  }
  try {
    if (parts.owner === "worker") {
      await setRuntime(calls, { [OUTCOME_RUNTIME_KEY]: outcomeText(record, fact, parts.fence) });
      return { status: "delivered" };
    }
    const words = { reason: fact.status, message: statusMessage(fact) };
    // A re-delivered end finds its own status there and does not stamp it anew.
    const outcome = await applyStatus(
      calls,
      (view) => (view.status === fact.status && isOurs(view) ? [] : finalPlan(fact.status, view.status)),
      words,
    );
    if (outcome === "locked")
      parts.logger.warn(`ClearML task ${calls.taskId} is published, so its status stays; the job's own end was "${fact.status}"`);
    if (outcome === "gone") return { status: "rejected", reason: `ClearML task ${calls.taskId} was deleted` };
    return { status: "delivered" };
  } catch (error) {
    return failureOutcome(error, "single", calls.signal);
  }
}

interface FigureStep {
  readonly name: string;
  /** False: what cannot be written right now is passed over. */
  readonly needed: boolean;
  readonly carried: Carried;
  run(): Promise<void>;
}

function figures(calls: TaskCalls, record: TrainerRecord, fact: FinalFact, parts: FinalDeliveryParts): FigureStep[] {
  const steps: FigureStep[] = [];
  const events = summaryEvents(record, fact.finalMetrics ?? {}, parts.mapping);
  if (events.length > 0) {
    steps.push({
      name: "the final metrics",
      needed: true,
      carried: "events",
      run: async () => {
        await parts.saveLines();
        const { errors } = await calls.port.addEvents(
          events.map((event) => JSON.stringify(event)),
          { signal: calls.signal },
        );
        if ((errors ?? 0) > 0)
          parts.logger.warn(`ClearML refused ${String(errors)} of ${String(events.length)} final metrics of task ${calls.taskId}`);
      },
    });
  }
  const { results } = fact;
  if (results !== undefined) {
    const item = configurationItem({
      name: RESULTS_CONFIGURATION,
      text: resultsText(results),
      type: "json",
      description: "Results of the job, as the trainer reported them",
    });
    steps.push({ name: "the results", needed: true, carried: "single", run: () => setConfiguration(calls, item) });
  }
  // Of a failed or stopped job the percentage stays where it was: that is how far it came.
  if (fact.status === "completed")
    steps.push({ name: "the progress", needed: false, carried: "single", run: () => setRuntime(calls, { progress: "100" }) });
  return steps;
}

function statusMessage(fact: FinalFact): string | undefined {
  if (fact.status === "failed" && fact.error) return `${fact.error.name}: ${fact.error.message}`;
  return fact.reason;
}

/** For the worker: what the trainer would have announced. Read by `finalizeTask` and friends. */
function outcomeText(record: TrainerRecord, fact: FinalFact, fence: number | undefined): string {
  const { status, finalMetrics, reason, error, epoch, totalEpochs } = fact;
  const text = (value: string): string => cutText(value, MAX_STATUS_TEXT_LENGTH);
  return JSON.stringify({
    status,
    run_id: record.runId,
    sequence: record.sequence,
    reported_at: new Date(record.createdAtMs).toISOString(),
    ...(fence === undefined ? {} : { fence }),
    ...(epoch === undefined ? {} : { epoch }),
    ...(totalEpochs === undefined ? {} : { total_epochs: totalEpochs }),
    ...(finalMetrics === undefined ? {} : { final_metrics: finalMetrics }),
    ...(reason === undefined ? {} : { reason: text(reason) }),
    ...(error === undefined ? {} : { error: { name: error.name, message: text(error.message) } }),
  });
}
