/**
 * Takes in a batch of events as the real server does: what is refused event by event and only counted, what makes the
 * whole call fail, and what the index refuses after it has stored the chunks before. @see clearml-protocol 4.2 to 4.5
 */
import { newId } from "../../base/ids.js";
import type { JsonObject } from "../../base/json.js";
import { EVENT_TYPES } from "../../protocol/clearml/event-document.js";
import { eventId } from "../../protocol/clearml/identity.js";
import { MAX_KEYWORD_BYTES } from "../../protocol/clearml/limits.js";
import type { EventType, StoredEvent } from "../store/store.js";
import { batchIsEmpty, eventsNotAdded, generalError, indexError, validationError } from "./api-failure.js";
import type { Call } from "./call.js";
import { updateStatistics } from "./event-statistics.js";
import { plainMap } from "./plain-map.js";
import { ParsedTime } from "./request-body.js";
import type { Fields } from "./request-body.js";

/** Events are indexed in chunks of this many; a refused one stops the call at its chunk. */
const CHUNK = 500;

const CONTROL = new Set([
  "type",
  "task",
  "model",
  "timestamp",
  "ts",
  "iter",
  "metric",
  "variant",
  "value",
  "values",
  "allow_locked",
  "model_event",
]);

/** An event on its way in. */
interface Incoming {
  readonly event: StoredEvent;
  /** What the index will say to it; it is tried all the same. */
  readonly refusal: string | undefined;
  readonly isModel: boolean;
  readonly xAxisLabel: string | undefined;
}

/** Why an event is left out, or the event. */
type Checked = { readonly error: string } | Incoming;

function iterationOf(given: unknown): number | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === "number") return Math.trunc(given);
  if (typeof given === "string" && /^\s*[+-]?\d+\s*$/.test(given)) return Number(given);
  throw generalError(`invalid literal for an iteration: ${JSON.stringify(given)}`);
}

function timestampOf(given: unknown, call: Call): number {
  if (given === undefined || given === null) return call.nowMs;
  if (typeof given !== "number" || !Number.isFinite(given)) throw generalError("timestamps must be whole milliseconds since the epoch");
  return Math.trunc(given);
}

function nameOf(given: unknown, field: string): string {
  if (given === undefined || given === null || given === "") return "";
  // An ISO date or time is no text any more at this point: the server fails here as well.
  if (typeof given !== "string") throw generalError(`${field} is not a string`);
  return given;
}

function storable(value: unknown): unknown {
  if (!(value instanceof ParsedTime)) return value;
  if (value.kind !== "datetime") throw generalError(`a ${value.kind} is not JSON serializable`);
  return value.toString();
}

function refusalOf(event: StoredEvent, value: unknown): string | undefined {
  if (
    value !== undefined &&
    value !== null &&
    event.type === "training_stats_scalar" &&
    (typeof value !== "number" || !Number.isFinite(value))
  ) {
    return "mapper_parsing_exception: failed to parse field [value] of type [float]";
  }
  const keywords: unknown[] = [
    event.metric,
    event.variant,
    event.extra["key"],
    event.extra["url"],
    event.extra["worker"],
    event.extra["level"],
  ];
  const tooLong = keywords.some(
    (keyword) => typeof keyword === "string" && keyword.length * 3 > MAX_KEYWORD_BYTES && Buffer.byteLength(keyword) > MAX_KEYWORD_BYTES,
  );
  return tooLong ? `immense term: a keyword is longer than ${String(MAX_KEYWORD_BYTES)} bytes` : undefined;
}

function isLocked(call: Call, entity: string, isModel: boolean): boolean {
  if (isModel) return call.store.models.get(entity)?.ready === true;
  const status = call.store.tasks.get(entity)?.status;
  return status === "published" || status === "publishing";
}

function check(fields: Fields, call: Call): Checked {
  const { type: givenType, model } = fields as { type?: unknown; model?: unknown };
  if (typeof givenType !== "string" || givenType === "") return { error: "Event must have a 'type' field" };
  const type = givenType.replaceAll(" ", "_") as EventType;
  if (!(EVENT_TYPES as readonly string[]).includes(type)) return { error: `Invalid event type ${type}` };
  const isModel = fields["model_event"] === true || (fields["task"] === undefined && typeof model === "string");
  if (isModel && type === "log") return { error: "Log events are not supported for models" };
  const entity = fields["task"] ?? model;
  if (typeof entity !== "string" || entity === "") return { error: "Event must have a 'task' field" };
  const iteration = iterationOf(fields["iter"]);
  if (iteration !== undefined && !Number.isSafeInteger(iteration)) return { error: "Iteration number is out of range" };
  const exists = isModel ? call.store.models.get(entity) !== undefined : call.store.tasks.get(entity) !== undefined;
  if (!exists || (isLocked(call, entity, isModel) && fields["allow_locked"] !== true))
    return { error: `Invalid ${isModel ? "model" : "task"} id ${entity}` };
  const metric = nameOf(fields["metric"], "metric");
  const variant = nameOf(fields["variant"], "variant");
  // A point of a chart has nothing else.
  const others = Object.keys(fields).filter((key) => !CONTROL.has(key));
  const extra: Fields = Object.fromEntries(others.map((key) => [key, storable(fields[key])]));
  extra["worker"] ??= call.worker;
  if (isModel) extra["model_event"] = true;
  const isScalar = type === "training_stats_scalar";
  const value = isScalar ? fields["value"] : undefined;
  const other = isScalar ? undefined : type === "training_stats_vector" ? (fields["values"] ?? fields["value"]) : fields["value"];
  if (other !== undefined) extra["value"] = other;
  const key = typeof extra["key"] === "string" ? extra["key"] : undefined;
  const event: StoredEvent = {
    type,
    id:
      type === "log"
        ? newId()
        : eventId({
            task: entity,
            iter: iteration,
            metric: fields["metric"] as string | undefined,
            variant: fields["variant"] as string | undefined,
            key,
          }),
    entity,
    ...(iteration === undefined ? {} : { iteration }),
    timestamp: timestampOf(fields["timestamp"] ?? fields["ts"], call),
    metric,
    variant,
    ...(typeof value === "number" ? { value } : {}),
    extra: extra as JsonObject,
  };
  const label = fields["x_axis_label"];
  return { event, refusal: refusalOf(event, value), isModel, xAxisLabel: typeof label === "string" ? label : undefined };
}

/** Contradictions between the events of one batch. @throws ApiFailure 400/12 */
function mustAgree(lines: readonly Fields[]): void {
  const kinds = new Map<string, { readonly isModel: boolean; readonly allowLocked: boolean }>();
  for (const line of lines) {
    const entity = line["task"] ?? line["model"];
    if (typeof entity !== "string") continue;
    const kind = { isModel: line["model_event"] === true || line["task"] === undefined, allowLocked: line["allow_locked"] === true };
    const known = kinds.get(entity) ?? kind;
    kinds.set(entity, known);
    if (known.isModel !== kind.isModel) throw validationError(`Inconsistent model_event setting for ${entity}`);
    if (known.allowLocked !== kind.allowLocked) throw validationError(`Inconsistent allow_locked setting for ${entity}`);
  }
}

/** What `events.add_batch` answers. */
export interface AddedEvents {
  readonly added: number;
  readonly errors: number;
  readonly errors_info: Readonly<Record<string, number>>;
}

/**
 * Stores what can be stored and updates the statistics of the tasks and models it belongs to.
 * @throws ApiFailure 400/17 for an empty batch, 400/131 when nothing was added, 500/100 when the index refused an event
 * (the chunks before it stay, the statistics are not updated), 500/0 for what the server cannot read at all.
 */
export function addEvents(lines: readonly Fields[], call: Call): AddedEvents {
  if (lines.length === 0) throw batchIsEmpty();
  mustAgree(lines);
  const info = plainMap<number>();
  const incoming: Incoming[] = [];
  for (const line of lines) {
    const checked = check(line, call);
    if ("error" in checked) info[checked.error] = (info[checked.error] ?? 0) + 1;
    else incoming.push(checked);
  }
  for (let start = 0; start < incoming.length; start += CHUNK) {
    const chunk = incoming.slice(start, start + CHUNK);
    const refused = chunk.find((one) => one.refusal !== undefined);
    if (refused) throw indexError(refused.refusal ?? "refused");
    call.store.events.put(chunk.map((one) => one.event));
  }
  if (info["Iteration number is out of range"] !== undefined) throw indexError("an iteration is outside of the range of a long");
  const errors = Object.values(info).reduce((sum, count) => sum + count, 0);
  if (incoming.length === 0) throw eventsNotAdded(info);
  updateStatistics(incoming, call);
  return { added: incoming.length, errors, errors_info: info };
}
