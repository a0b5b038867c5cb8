/** What makes two things the same at the server: events by hashed identity, summaries by hashed names, keys by escaping. */
import { hash } from "node:crypto";

function md5(text: string): string {
  return hash("md5", text);
}

/** The fields that an event is identified by. */
export interface EventIdentity {
  readonly task?: string | null | undefined;
  readonly iter?: number | null | undefined;
  readonly metric?: string | null | undefined;
  readonly variant?: string | null | undefined;
  readonly key?: string | null | undefined;
}

/**
 * Document id of an event: MD5 of those of task, iter, metric, variant and key that are present, joined by hyphens in
 * this order. A second event of the same id takes the first one's place. Console lines have no such id: the server gives
 * them a random one, so a repeated line is a second line (`clearml-protocol`, 4.4).
 */
export function eventId(event: EventIdentity): string {
  let text: string | undefined;
  for (const value of [event.task, event.iter, event.metric, event.variant, event.key])
    if (value !== undefined && value !== null) text = text === undefined ? String(value) : `${text}-${String(value)}`;
  return md5(text ?? "");
}

/** Key of a metric's or a variant's name in `last_metrics`: MD5 of its UTF-8 (`clearml-protocol`, 3.9). */
export function metricHash(name: string): string {
  return md5(name);
}

/**
 * Form in which the server keeps names of hyperparameters, sections, configuration items, labels and metadata. Plain
 * names travel; the escaped form is needed in `only_fields`, `order_by` and filters alone (`clearml-protocol`, 3.8, 3.10).
 */
export function escapeKey(name: string): string {
  const escaped = name.trim().replaceAll("%", "%%").replaceAll(".", "%2E").replaceAll("$", "%24").replaceAll("__", "%_%_");
  return escaped.startsWith("_") ? `%${escaped}` : escaped;
}

/** Inverse of {@link escapeKey}. */
export function unescapeKey(key: string): string {
  return key.replaceAll(/%(%|2E|24|_)/g, (_whole, code: string) => (code === "2E" ? "." : code === "24" ? "$" : code));
}
