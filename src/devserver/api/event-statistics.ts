/** What a batch of events changes in its tasks and models: last_iteration, last_metrics, last_update. @see clearml-protocol 3.9, 4.5 */
import type { StoredEvent } from "../store/store.js";
import type { ChangeKind, Call } from "./call.js";
import { updatedLastMetrics } from "./last-metrics.js";
import type { SummarisedPoint } from "./last-metrics.js";

/** Metrics of the machine's own state do not move a task's iteration. */
const MACHINE = new Set([":monitor:machine", ":monitor:gpu"]);

const KINDS: Readonly<Record<StoredEvent["type"], ChangeKind>> = {
  training_stats_scalar: "scalar",
  training_stats_vector: "scalar",
  training_debug_image: "image",
  plot: "plot",
  log: "log",
};

/** An event with what its statistics need. */
export interface CountedEvent {
  readonly event: StoredEvent;
  readonly isModel: boolean;
  readonly xAxisLabel: string | undefined;
}

function pointsOf(events: readonly CountedEvent[]): SummarisedPoint[] {
  return events.flatMap(({ event, xAxisLabel }) => {
    if (event.type !== "training_stats_scalar" || event.value === undefined) return [];
    return [
      {
        metric: event.metric,
        variant: event.variant,
        value: event.value,
        iteration: event.iteration ?? 0,
        timestamp: event.timestamp,
        xAxisLabel,
      },
    ];
  });
}

function lastIteration(current: number, events: readonly CountedEvent[]): number {
  return events.reduce(
    (highest, { event }) => (event.iteration === undefined || MACHINE.has(event.metric) ? highest : Math.max(highest, event.iteration)),
    Math.max(current, 0),
  );
}

/** Updates every task and model that the events belong to. */
export function updateStatistics(events: readonly CountedEvent[], call: Call): void {
  for (const [entity, own] of Map.groupBy(events, ({ event }) => event.entity)) {
    const task = own[0]?.isModel === true ? undefined : call.store.tasks.get(entity);
    const model = own[0]?.isModel === true ? call.store.models.get(entity) : undefined;
    const points = pointsOf(own);
    const metrics = (task ?? model)?.last_metrics ?? {};
    const changes = {
      last_iteration: lastIteration((task ?? model)?.last_iteration ?? 0, own),
      last_metrics: points.length === 0 ? metrics : updatedLastMetrics(metrics, points),
      last_update: call.now,
    };
    if (task) call.store.tasks.put({ ...task, ...changes });
    if (model) call.store.models.put({ ...model, ...changes });
    for (const kind of new Set(own.map(({ event }) => KINDS[event.type]))) call.notify(entity, kind);
  }
}
