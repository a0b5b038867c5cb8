/** The filters of searches: lists with exclusion and markers, ranges, moments, patterns. @see clearml-protocol 3.8 */
import { fieldsValueError, invalidRegex } from "./api-failure.js";
import { valuesAt } from "./document-paths.js";
import type { Fields } from "./request-body.js";

/** Which fields of a kind of document can be filtered, and how. A name that ends in a dot stands for all below it. */
export interface SearchRules {
  readonly lists: readonly string[];
  readonly patterns: readonly string[];
  readonly ranges: readonly string[];
  /** Fields that hold a moment and take `">=2025-01-01"` or a list of such conditions. */
  readonly moments: readonly string[];
  /** Compared as they are. */
  readonly exact: readonly string[];
}

type Predicate = (document: object) => boolean;

const named = (names: readonly string[], field: string): boolean =>
  names.some((name) => (name.endsWith(".") ? field.startsWith(name) : field === name));

/** A regular expression from Python's spelling, as far as the two differ in what clients write. @throws ApiFailure 400/21 */
export function pythonRegex(pattern: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = pattern
    .slice(flags?.[0].length ?? 0)
    .replaceAll("(?P<", "(?<")
    .replaceAll("\\A", "^")
    .replaceAll("\\Z", "$");
  try {
    return new RegExp(body, flags?.[1] ?? "");
  } catch {
    throw invalidRegex(pattern);
  }
}

/** Time of a text, or undefined when it is none; without a zone it is UTC. */
function momentOf(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  const at = Date.parse(hasZone ? text : text.includes("T") ? `${text}Z` : text);
  return Number.isNaN(at) ? undefined : at;
}

/** What a range compares: numbers as they are, anything else as a moment. */
const comparable = (value: unknown): number | undefined => (typeof value === "number" ? value : momentOf(value));

function listPredicate(field: string, given: unknown): Predicate {
  const items: unknown[] = Array.isArray(given) ? given : [given];
  const included: (string | null)[] = [];
  const excluded: (string | null)[] = [];
  let all = false;
  let negateNext = false;
  for (const item of items) {
    if (item !== null && typeof item !== "string") throw fieldsValueError("expected a list of strings", { field });
    if (item === "__$all" || item === "__$and") all = true;
    else if (item === "__$any" || item === "__$or") all = false;
    else if (item === "__$not") negateNext = true;
    else if (item !== "__$nop") {
      const isExcluded = negateNext || item?.startsWith("-") === true;
      const value = !negateNext && item?.startsWith("-") ? item.slice(1) : item;
      (isExcluded ? excluded : included).push(value);
      negateNext = false;
    }
  }
  return (document) => {
    const values = valuesAt(document, field);
    const holds = (value: string | null): boolean => (value === null ? values.length === 0 : values.includes(value));
    if (excluded.some(holds)) return false;
    return included.length === 0 || (all ? included.every(holds) : included.some(holds));
  };
}

function rangePredicate(field: string, given: unknown): Predicate | undefined {
  if (!Array.isArray(given) || given.length !== 2) return undefined;
  const [low, high] = given.map((bound) => (bound === null ? undefined : comparable(bound)));
  if (low === undefined && high === undefined) return undefined;
  return (document) => {
    const [value] = valuesAt(document, field).map(comparable);
    return value !== undefined && (low === undefined || value >= low) && (high === undefined || value <= high);
  };
}

function momentPredicate(field: string, given: unknown): Predicate | undefined {
  const conditions = (Array.isArray(given) ? given : [given]).flatMap((text) => {
    const match = typeof text === "string" ? /^(>=|<=|>|<)?(.*)$/.exec(text) : null;
    const at = momentOf(match?.[2]);
    // A moment that cannot be read is dropped from the filter without a word.
    return at === undefined ? [] : [{ operator: match?.[1] ?? "==", at }];
  });
  if (conditions.length === 0) return undefined;
  return (document) => {
    const [value] = valuesAt(document, field).map(momentOf);
    if (value === undefined) return false;
    return conditions.every(({ operator, at }) => {
      if (operator === ">=") return value >= at;
      if (operator === ">") return value > at;
      if (operator === "<=") return value <= at;
      return operator === "<" ? value < at : value === at;
    });
  };
}

function anyTextMatches(document: object, field: string, regex: RegExp): boolean {
  return valuesAt(document, field).some((value) => typeof value === "string" && regex.test(value));
}

function multiPredicate(given: unknown, mode: "some" | "every"): Predicate | undefined {
  const { fields, pattern } = (given ?? {}) as { fields?: unknown; pattern?: unknown };
  if (!Array.isArray(fields) || typeof pattern !== "string") return undefined;
  const regex = pythonRegex(pattern);
  return (document) => fields[mode]((field) => typeof field === "string" && anyTextMatches(document, field, regex));
}

function predicateOf(rules: SearchRules, field: string, given: unknown): Predicate | undefined {
  if (field === "_any_") return multiPredicate(given, "some");
  if (field === "_all_") return multiPredicate(given, "every");
  if (field === "search_text" && typeof given === "string" && given !== "") {
    const wanted = given.toLowerCase();
    return (document) =>
      ["id", "name", "comment"].some((name) =>
        valuesAt(document, name).some((value) => typeof value === "string" && value.toLowerCase().includes(wanted)),
      );
  }
  if (named(rules.lists, field)) return Array.isArray(given) && given.length === 0 ? undefined : listPredicate(field, given);
  if (named(rules.patterns, field) && typeof given === "string") {
    const regex = pythonRegex(given);
    return (document) => anyTextMatches(document, field, regex);
  }
  if (named(rules.moments, field)) return momentPredicate(field, given);
  if (named(rules.ranges, field)) return rangePredicate(field, given);
  if (named(rules.exact, field)) return (document) => valuesAt(document, field).includes(given);
  return undefined;
}

/** The documents that pass every filter among the request's fields; fields that are no filter are ignored. */
export function filterDocuments<D extends object>(documents: Iterable<D>, rules: SearchRules, fields: Fields): D[] {
  const predicates = Object.entries(fields).flatMap(([field, given]) => predicateOf(rules, field, given) ?? []);
  return [...documents].filter((document) => predicates.every((predicate) => predicate(document)));
}
