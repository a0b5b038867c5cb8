/** Events as they go out, the tokens that page through them, and whom a reading is about. @see clearml-protocol 4.6 */
import type { Call } from "./call.js";
import { generalError, invalidScrollId } from "./api-failure.js";
import { modelOf, taskOf } from "./lookup.js";
import type { EventRow, IterationCursor } from "../store/store.js";

/** An event with the fields it came with. */
export function eventOnTheWire(row: EventRow): object {
  return {
    model_event: false,
    ...row.extra,
    type: row.type,
    task: row.entity,
    timestamp: row.timestamp,
    metric: row.metric,
    variant: row.variant,
    ...(row.iteration === undefined ? {} : { iter: row.iteration }),
    ...(row.value === undefined ? {} : { value: row.value }),
  };
}

/** A self-contained token: where the next page begins. The last iteration 0 begins anew, as the real server's does. */
export function scrollOf(rows: readonly EventRow[], given: IterationCursor | undefined): string {
  const last = rows.at(-1);
  const at = last ? { iteration: last.iteration ?? 0, sequence: last.sequence } : given;
  return Buffer.from(JSON.stringify(at ? [at.iteration, at.sequence] : [])).toString("base64url");
}

/** The place that a token stands for. @throws ApiFailure 400/1104 when it is none. */
export function cursorOf(scrollId: string | null | undefined): IterationCursor | undefined {
  if (!scrollId) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(scrollId, "base64url").toString("utf8"));
  } catch {
    throw invalidScrollId();
  }
  if (!Array.isArray(parsed)) throw invalidScrollId();
  const [iteration, sequence] = parsed as unknown[];
  if (parsed.length === 0 || iteration === 0) return undefined;
  if (typeof iteration !== "number" || typeof sequence !== "number") throw invalidScrollId();
  return { iteration, sequence };
}

/** Readings that sort by iteration fail when an event has none. @throws ApiFailure 500/0 */
export function mustHaveIterations(rows: readonly EventRow[]): readonly EventRow[] {
  if (rows.some((row) => row.iteration === undefined)) throw generalError("an event has no 'iter'");
  return rows;
}

/** Checks that the task, or with `isModel` the model, is there and gives its name. @throws ApiFailure 400/101 or 400/201 */
export function readableName(call: Call, id: string, isModel: boolean | null | undefined): string {
  return isModel === true ? modelOf(call, id).name : taskOf(call, id).name;
}
