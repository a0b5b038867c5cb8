/**
 * The end of a job in MLflow: last figures, what went wrong, results, then the status. The status is what matters: what the
 * server refuses of the rest does not keep it back, what it cannot take right now does. Safe to repeat.
 */
import { describeError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { MAX_TAG_LENGTH, textOf } from "../../mlflow/mlflow-names.js";
import type { MlflowRunStatus } from "../../mlflow/mlflow-writer.js";
import { SINK_TAGS } from "../../mlflow/sink-tags.js";
import type { Delivery } from "../../outbox/sink.js";
import type { FinalFact, FinalStatus } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { failureOutcome } from "./delivery-failure.js";
import { recordPoints } from "./record-points.js";
import { setTags, type RunCalls } from "./run-calls.js";
import { putText } from "./text-delivery.js";

const STATUSES = { completed: "FINISHED", failed: "FAILED", stopped: "KILLED" } as const satisfies Record<FinalStatus, MlflowRunStatus>;
const RESULTS_PATH = "results.json";

/** Delivers the end. */
export async function deliverFinal(calls: RunCalls, record: TrainerRecord, fact: FinalFact, logger: Logger): Promise<Delivery> {
  const { writer, runId, rules, signal } = calls;
  const reason = reasonOf(fact);
  const points = recordPoints(record, rules);
  const { results } = fact;
  const steps: { readonly name: string; readonly run: () => Promise<void> }[] = [
    ...(points.length === 0 ? [] : [{ name: "the final metrics", run: () => writer.logBatch(runId, { metrics: points }, { signal }) }]),
    ...(reason === undefined
      ? []
      : [{ name: "the reason", run: () => setTags(calls, [{ key: SINK_TAGS.reason, value: textOf(reason, MAX_TAG_LENGTH).text }]) }]),
    ...(results === undefined
      ? []
      : [
          {
            name: "the results",
            run: () => putText(calls, RESULTS_PATH, `${JSON.stringify(results, undefined, 2)}\n`, "application/json"),
          },
        ]),
  ];
  for (const { name, run } of steps) {
    try {
      await run();
    } catch (error) {
      const outcome = failureOutcome(error, "single", signal);
      if (outcome.status === "retry") return outcome;
      logger.warn(`MLflow did not take ${name} of run ${runId}: ${describeError(error)}`);
    }
  }
  try {
    await writer.updateRun(runId, STATUSES[fact.status], record.createdAtMs, { signal });
    return { status: "delivered" };
  } catch (error) {
    return failureOutcome(error, "single", signal);
  }
}

function reasonOf({ status, error, reason }: FinalFact): string | undefined {
  if (status === "failed" && error) return `${error.name}: ${error.message}`;
  return reason;
}
