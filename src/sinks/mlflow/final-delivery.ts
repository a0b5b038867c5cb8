/**
 * The end of a job in MLflow: last figures, what went wrong, results, then the status. The status is what matters: what the
 * server answers to the rest does not keep it back, only that it does not answer. What it may take another time is tried again
 * after it; what it refuses makes the record one that was refused, though its status is there. Safe to repeat.
 */
import { describeError } from "../../base/errors.js";
import { MAX_TAG_LENGTH, textOf } from "../../mlflow/mlflow-names.js";
import { BATCH_LIMITS, type MlflowRunStatus } from "../../mlflow/mlflow-writer.js";
import { SINK_TAGS } from "../../mlflow/sink-tags.js";
import { RESULTS_PATH } from "../../mlflow/sink-texts.js";
import type { Delivery } from "../../outbox/sink.js";
import type { FinalFact, FinalStatus } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { resultsText } from "../../records/results-text.js";
import { splitIntoRequests } from "../request-plan.js";
import { failureOutcome } from "./delivery-failure.js";
import { recordPoints } from "./record-points.js";
import { setTags, type RunCalls } from "./run-calls.js";
import { sendPoints } from "./send-points.js";
import { putText } from "./text-delivery.js";

const STATUSES = { completed: "FINISHED", failed: "FAILED", stopped: "KILLED" } as const satisfies Record<FinalStatus, MlflowRunStatus>;

/** How the end fared. */
export interface FinalDelivery {
  readonly outcome: Delivery;
  /** True when the run has its status, whatever became of the rest. */
  readonly hasEnded: boolean;
}

/** Delivers the end. */
export async function deliverFinal(calls: RunCalls, record: TrainerRecord, fact: FinalFact): Promise<FinalDelivery> {
  const { writer, runId, rules, signal } = calls;
  const why = reasonOf(fact);
  const limits = { lines: BATCH_LIMITS.metrics, characters: BATCH_LIMITS.characters };
  const points = splitIntoRequests([recordPoints(record, rules)], limits).filter(({ lines }) => lines.length > 0);
  const { results } = fact;
  const steps: { readonly name: string; readonly run: () => Promise<void> }[] = [
    ...points.map(({ lines }) => ({ name: "the final metrics", run: () => sendPoints(calls, lines) })),
    ...(why === undefined
      ? []
      : [{ name: "the reason", run: () => setTags(calls, [{ key: SINK_TAGS.reason, value: textOf(why, MAX_TAG_LENGTH).text }]) }]),
    ...(results === undefined
      ? []
      : [
          {
            name: "the results",
            run: () => putText(calls, RESULTS_PATH, `${resultsText(results)}\n`, "application/json"),
          },
        ]),
  ];
  let waiting: Delivery | undefined;
  const refused: string[] = [];
  for (const { name, run } of steps) {
    try {
      await run();
    } catch (error) {
      const outcome = failureOutcome(error, "single", signal);
      if (outcome.status === "retry" && outcome.cause === "unreachable") return { outcome, hasEnded: false };
      if (outcome.status === "retry") waiting ??= outcome;
      else refused.push(`${name}: ${describeError(error)}`);
    }
  }
  try {
    await writer.updateRun(runId, STATUSES[fact.status], record.createdAtMs, { signal });
  } catch (error) {
    return { outcome: failureOutcome(error, "single", signal), hasEnded: false };
  }
  if (waiting !== undefined) return { outcome: waiting, hasEnded: true };
  if (refused.length === 0) return { outcome: { status: "delivered" }, hasEnded: true };
  const reason = `MLflow run ${runId} has its status, ${STATUSES[fact.status]}, but not ${refused.join("; nor ")}`;
  return { outcome: { status: "rejected", reason }, hasEnded: true };
}

function reasonOf({ status, error, reason }: FinalFact): string | undefined {
  if (status === "failed" && error) return `${error.name}: ${error.message}`;
  return reason;
}
