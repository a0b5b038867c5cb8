/**
 * Reads a request's body and query string as the real server's parser does: bare NaN and Infinity pass, strings that
 * are exactly an ISO date or time turn into something else, query arguments become numbers and booleans.
 * @see clearml-protocol 1.1 and 4.3
 */
import { badRequest, generalError } from "./api-failure.js";

/**
 * A string that the parser took for a date, time or moment. No schema takes it for text, so it fails where the real
 * server fails; where the server writes it back it does so in its own form.
 */
export class ParsedTime {
  readonly kind: "date" | "time" | "datetime";
  readonly text: string;

  constructor(kind: "date" | "time" | "datetime", text: string) {
    this.kind = kind;
    this.text = text;
  }

  /** How the server writes it back. */
  toString(): string {
    return this.kind === "datetime" ? this.text.replace("T", " ").replace(/Z$/, "+00:00") : this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?$/;
const DATETIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?$/;

/** Top-level fields that are moments, where the change of type is what the server wants. */
const MOMENTS = new Set([
  "created",
  "started",
  "completed",
  "published",
  "status_changed",
  "last_update",
  "last_change",
  "last_used",
  "timestamp",
]);

function coerceTimes(value: unknown): unknown {
  if (typeof value === "string") {
    // All three forms begin with a digit, which most texts do not: this runs for every text of every event.
    const first = value.charCodeAt(0);
    if (value.length < 8 || value.length > 32 || first < 0x30 || first > 0x39) return value;
    if (DATE.test(value)) return new ParsedTime("date", value);
    if (TIME.test(value)) return new ParsedTime("time", value);
    return DATETIME.test(value) ? new ParsedTime("datetime", value) : value;
  }
  if (typeof value === "object" && value !== null) for (const key of Object.keys(value)) coerceField(value as Fields, key);
  return value;
}

/** A body's fields. */
export type Fields = Record<string, unknown>;

/** In place: what was just parsed belongs to nobody else, and events come by the hundred thousand. */
function coerceField(fields: Fields, key: string): void {
  const value = fields[key];
  const read = coerceTimes(value);
  // Not by assignment, which gives a meaning to the name `__proto__`.
  if (read !== value) Object.defineProperty(fields, key, { value: read, enumerable: true, writable: true, configurable: true });
}

function coerceFields(fields: Fields): Fields {
  for (const key of Object.keys(fields)) if (!MOMENTS.has(key)) coerceField(fields, key);
  return fields;
}

/** Stands for a bare literal while JSON.parse is at work; a lone surrogate cannot come in over UTF-8. */
const MARK = "\\ud800";

/** JSON, with the bare literals NaN, Infinity and -Infinity that Python writes. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
      token.startsWith('"') ? token : `"${MARK}${token}"`,
    );
    return JSON.parse(marked, (_key, value: unknown) =>
      typeof value === "string" && value.startsWith("\ud800") ? Number(value.slice(1)) : value,
    ) as unknown;
  }
}

function parseFields(text: string): Fields {
  let parsed: unknown;
  try {
    parsed = parseJson(text);
  } catch {
    throw badRequest("Bad request (failed parsing the body as JSON)");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw generalError("the body must be a JSON object");
  return coerceFields(parsed as Fields);
}

/** The lines of an `application/json-lines` body. A line feed at the end is fine, an empty line between others is not. */
export function parseBatch(text: string): Fields[] {
  if (text.trim() === "") return [];
  const lines = text.endsWith("\n") ? text.slice(0, -1).split("\n") : text.split("\n");
  return lines.map((line) => {
    try {
      return parseFields(line);
    } catch {
      throw badRequest("Bad request (failed parsing a line of the batch as a JSON object)");
    }
  });
}

function queryValue(text: string): unknown {
  if (/^(?:\d+\.?\d*|\.\d+)$/.test(text)) return Number(text);
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  return text;
}

/** Merges the query string into the body: dotted names nest, repeated ones and those with `[]` become lists. */
function mergeQuery(body: Fields, query: URLSearchParams): Fields {
  const merged: Fields = { ...body };
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name).map(queryValue);
    const isList = name.endsWith("[]") || values.length > 1;
    const path = (name.endsWith("[]") ? name.slice(0, -2) : name).split(".");
    let target = merged;
    for (const part of path.slice(0, -1)) {
      const next = target[part];
      const nested: Fields = typeof next === "object" && next !== null && !Array.isArray(next) ? { ...(next as Fields) } : {};
      Object.defineProperty(target, part, { value: nested, enumerable: true, writable: true, configurable: true });
      target = nested;
    }
    Object.defineProperty(target, path.at(-1) ?? name, {
      value: isList ? values : values[0],
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return merged;
}

/** A plain body with its query arguments; an empty body is an empty object. */
export function parseBody(text: string, query: URLSearchParams): Fields {
  const body = text.trim() === "" ? {} : parseFields(text);
  return query.size === 0 ? body : mergeQuery(body, query);
}
