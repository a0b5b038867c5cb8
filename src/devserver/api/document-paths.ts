/** Dotted paths into documents, as filters, orders and `only_fields` name them; parts of a path are key-escaped. @see clearml-protocol 3.8, 3.10 */
import { unescapeKey } from "../../protocol/clearml/identity.js";

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parts(path: string): string[] {
  return path.split(".").map(unescapeKey);
}

/** All values at the path; lists on the way are walked through, and an absent value is none. */
export function valuesAt(document: object, path: string): unknown[] {
  let found: unknown[] = [document];
  for (const part of parts(path)) {
    found = found
      .flatMap((value) => (isObject(value) && Object.hasOwn(value, part) ? value[part] : []))
      .filter((value) => value !== undefined && value !== null);
  }
  return found;
}

function pick(value: unknown, path: readonly string[]): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  if (Array.isArray(value)) return value.map((item) => pick(item, path));
  if (!isObject(value) || !Object.hasOwn(value, part)) return undefined;
  const picked = pick(value[part], rest);
  return picked === undefined ? undefined : { [part]: picked };
}

function merge(left: unknown, right: unknown): unknown {
  if (Array.isArray(left) && Array.isArray(right)) return left.map((item, at) => merge(item, right[at]));
  if (!isObject(left) || !isObject(right)) return right;
  const merged: Record<string, unknown> = { ...left };
  for (const [key, value] of Object.entries(right)) merged[key] = Object.hasOwn(merged, key) ? merge(merged[key], value) : value;
  return merged;
}

/** The document with only these fields and its id; all of them when none are named. */
export function project(document: { readonly id: string }, onlyFields: readonly string[] | null | undefined): object {
  if (!onlyFields || onlyFields.length === 0) return document;
  let picked: unknown = { id: document.id };
  for (const path of onlyFields) {
    const field = pick(document, parts(path));
    if (field !== undefined) picked = merge(picked, field);
  }
  return picked as object;
}
