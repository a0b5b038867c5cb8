/**
 * What the existing backend's database cannot hold is taken out before it is sent, for it would answer 500 and the record
 * would be sent again for nothing: a NUL or half a surrogate pair in a text, a path longer than its column.
 */
import type { JsonValue } from "../../../base/json.js";

/** Columns of checkpoint paths (`platform-protocol`, 2.1). */
const MAX_PATH_CHARACTERS = 500;
/** Of a log line's `event_type`. */
const MAX_EVENT_TYPE_CHARACTERS = 10;

/** The same value with texts that PostgreSQL takes. Fields that are undefined are left out. Pure. */
export function storable(value: unknown): JsonValue {
  if (typeof value === "string") return value.replaceAll("\0", "").toWellFormed();
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== "object" || value === null) return (value ?? null) as JsonValue;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [storable(name) as string, storable(field)]));
}

/**
 * An address as the platform writes it: `s3://bucket/key`, without the host of a compatible store, which its own readers
 * would take for the bucket. Undefined for one that does not fit the column. Pure.
 */
export function platformPath(uri: string | undefined): string | undefined {
  const path = uri?.replace(/^s3:\/\/[^/]+:\d+\//, "s3://");
  return path !== undefined && path.length <= MAX_PATH_CHARACTERS ? path : undefined;
}

/** A word that fits the column. Pure. */
export function eventType(word: string): string {
  return word.slice(0, MAX_EVENT_TYPE_CHARACTERS);
}
