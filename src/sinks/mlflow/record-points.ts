/** A record as points of an MLflow run. Pure. Names are the caller's own, step and time those of the record. */
import { keyOf, type NameRules } from "../../mlflow/mlflow-names.js";
import { metricLine } from "../../mlflow/mlflow-writer.js";
import type { Fact, MetricValue } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";

/** Where MLflow shows the machine's load. */
const SYSTEM_PREFIX = "system/";
/** Chart of the figures that a job ends with, as in ClearML. */
const SUMMARY_PREFIX = "Summary/";

const POINT_KINDS: ReadonlySet<Fact["kind"]> = new Set(["started", "progress", "validation", "scalar", "resources"]);

/** True for a record that becomes points and nothing else, so that its neighbours can share its request. */
export function isPointRecord({ fact }: TrainerRecord): boolean {
  return POINT_KINDS.has(fact.kind);
}

/**
 * The points of a record, as JSON; none for a fact that has none. The step is the iteration, else the epoch, else the
 * record's sequence number, as in ClearML; 0 for a single value.
 */
export function recordPoints(record: TrainerRecord, rules: NameRules): string[] {
  const { fact, createdAtMs } = record;
  const line = (name: string, value: MetricValue, step: number): string => metricLine(keyOf(name, rules), value, createdAtMs, step);
  switch (fact.kind) {
    case "progress":
    case "validation": {
      const step = fact.iteration ?? fact.epoch ?? record.sequence;
      return Object.entries(fact.metrics).map(([name, value]) => line(name, value, step));
    }
    case "scalar":
      return [line([fact.title, fact.series].filter((part) => part.trim() !== "").join("/"), fact.value, fact.iteration ?? 0)];
    case "resources":
      return Object.entries(fact.readings).map(([name, value]) => line(`${SYSTEM_PREFIX}${name}`, value, fact.iteration));
    case "final":
      return Object.entries(fact.finalMetrics ?? {}).map(([name, value]) => line(`${SUMMARY_PREFIX}${name}`, value, 0));
    default:
      return [];
  }
}
