/** Which points of MLflow can be points of a chart of ClearML, and why others cannot: those live in the lossless copy alone. Pure. */
import type { MlflowPoint } from "../mlflow/mlflow-documents.js";
import { SINGLE_VALUE_ITERATION } from "../protocol/clearml/limits.js";
import type { SteppedPoint } from "./points-by-step.js";

/** Why a point is in no chart. */
export type NoChartReason =
  /** NaN or an infinity: ClearML's index refuses the batch that holds one. */
  | "not-finite"
  /** Beyond what 32 bits of floating point hold, which is what the index stores. Databases keep infinities as such numbers. */
  | "too-large"
  /** Step or time cannot be told exactly by a number, or the step is the one by which ClearML marks single values. */
  | "step";

/** Undefined: it can be drawn. */
export function noChartReason({ value, step, timestamp }: MlflowPoint): NoChartReason | undefined {
  if (!Number.isFinite(value)) return "not-finite";
  if (!Number.isFinite(Math.fround(value))) return "too-large";
  if (!Number.isSafeInteger(step) || !Number.isSafeInteger(timestamp) || step === SINGLE_VALUE_ITERATION) return "step";
  return undefined;
}

/** Those that can be drawn, in the order given. */
export function chartPointsOf(points: readonly MlflowPoint[]): SteppedPoint[] {
  return points
    .filter((point) => noChartReason(point) === undefined)
    .map(({ step, timestamp, value }) => ({ step: Number(step), timestamp: Number(timestamp), value }));
}

/** True when `next` takes the place of `before` at one step: the later one, and of one moment the greater. */
export function replaces(before: SteppedPoint, next: SteppedPoint): boolean {
  if (before.timestamp !== next.timestamp) return next.timestamp > before.timestamp;
  return next.value >= before.value;
}
