/**
 * The end of a job in MLflow: last figures, what went wrong, results, then the status. The status is what matters: what the
 * server answers to the rest does not keep it back, only that it does not answer. What it may take another time is tried again
 * after it. Safe to repeat.
 */
import { describeError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { MAX_TAG_LENGTH, textOf } from "../../mlflow/mlflow-names.js";
import { BATCH_LIMITS, type MlflowRunStatus } from "../../mlflow/mlflow-writer.js";
import { SINK_TAGS } from "../../mlflow/sink-tags.js";
import type { Delivery } from "../../outbox/sink.js";
import type { FinalFact, FinalStatus } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { splitIntoRequests } from "../request-plan.js";
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
  const limits = { lines: BATCH_LIMITS.metrics, characters: BATCH_LIMITS.characters };
  const points = splitIntoRequests([recordPoints(record, rules)], limits).filter(({ lines }) => lines.length > 0);
  const { results } = fact;
  const steps: { readonly name: string; readonly run: () => Promise<void> }[] = [
    ...points.map(({ lines }) => ({ name: "the final metrics", run: () => writer.logBatch(runId, { metrics: lines }, { signal }) })),
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
  let waiting: Delivery | undefined;
  for (const { name, run } of steps) {
    try {
      await run();
    } catch (error) {
      const outcome = failureOutcome(error, "single", signal);
      if (outcome.status === "retry" && outcome.cause === "unreachable") return outcome;
      if (outcome.status === "retry") waiting ??= outcome;
      else logger.warn(`MLflow did not take ${name} of run ${runId}: ${describeError(error)}`);
    }
  }
  try {
    await writer.updateRun(runId, STATUSES[fact.status], record.createdAtMs, { signal });
    return waiting ?? { status: "delivered" };
  } catch (error) {
    return failureOutcome(error, "single", signal);
  }
}

function reasonOf({ status, error, reason }: FinalFact): string | undefined {
  if (status === "failed" && error) return `${error.name}: ${error.message}`;
  return reason;
}
