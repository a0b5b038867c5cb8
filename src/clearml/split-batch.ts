/** Cuts events into requests of bearable size. */
import { ValidationError } from "../base/errors.js";
import { eventInput } from "../protocol/clearml/event-document.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { describeIssue } from "./answers.js";

/** Characters of one batch request: below the 15,728,640 at which the official SDK splits (`clearml-protocol`, 1.1). */
export const MAX_BATCH_CHARACTERS = 15_000_000;

type Event = RequestOf<"events.add_batch">;

/** Events of one request, and their lines. */
export interface Batch {
  readonly events: readonly Event[];
  readonly lines: readonly string[];
}

/**
 * Batches of at most `maxCharacters`, in order; an event that is longer by itself goes alone. No events, no batch.
 *
 * @throws ValidationError when an event does not fit its schema, a value that is not finite for instance: nothing is
 * sent then, since one bad event would fail its neighbours at the server (4.3).
 */
export function splitBatch(events: readonly Event[], maxCharacters: number = MAX_BATCH_CHARACTERS): Batch[] {
  const schema = eventInput();
  const batches: { events: Event[]; lines: string[] }[] = [];
  let characters = 0;
  for (const [index, event] of events.entries()) {
    const parsed = isPlainPoint(event) ? undefined : schema.safeParse(event);
    if (parsed?.success === false) {
      const issues = parsed.error.issues.map((issue) => ({
        path: [index, ...issue.path].map(String).join("."),
        message: describeIssue(`event ${String(index)}`, issue),
      }));
      throw new ValidationError(`The events cannot be sent: ${issues.map((issue) => issue.message).join("; ")}.`, issues);
    }
    const line = JSON.stringify(event);
    const last = batches.at(-1);
    if (last && characters + 1 + line.length <= maxCharacters) {
      last.events.push(event);
      last.lines.push(line);
      characters += 1 + line.length;
    } else {
      batches.push({ events: [event], lines: [line] });
      characters = line.length;
    }
  }
  return batches;
}

/**
 * True for a point that the schema accepts, without asking it: points come by the hundred thousand, and the schema takes
 * ten times as long. False says nothing; then the schema decides and finds the words.
 */
export function isPlainPoint(event: Event): boolean {
  return (
    event.type === "training_stats_scalar" &&
    typeof event.task === "string" &&
    typeof event.metric === "string" &&
    typeof event.variant === "string" &&
    Number.isFinite(event.value) &&
    Number.isSafeInteger(event.iter) &&
    Number.isSafeInteger(event.timestamp) &&
    event.worker === undefined &&
    event.model_event === undefined &&
    event.allow_locked === undefined &&
    event.x_axis_label === undefined
  );
}
