/**
 * Settings as ClearML keeps them: flat names in a section, texts with a type's name so that Python restores them; and
 * the way back, into the types that were written or into the shape of the caller's own settings. Pure.
 */
import type { JsonValue } from "../base/json.js";
import type { ParameterValue } from "../records/facts.js";
import { isIsoLookalike } from "../records/metric-address.js";

/** Values that can be connected: nested as deep as one likes. */
export interface ParameterTree {
  readonly [name: string]: unknown;
}

/**
 * Flattens `{ optimizer: { lr: 0.1 } }` to `optimizer/lr` with Python's names of types and its spelling of values
 * (`clearml-protocol`, 3.11). Arrays become JSON text; functions and `undefined` are left out.
 */
export function flattenParameters(tree: ParameterTree, prefix = ""): Record<string, ParameterValue> {
  const flat: Record<string, ParameterValue> = {};
  for (const [name, value] of Object.entries(tree)) {
    const key = `${prefix}${name}`.trim();
    if (key === "" || value === undefined || typeof value === "function" || typeof value === "symbol") continue;
    if (isTree(value) && Object.keys(value).length > 0) Object.assign(flat, flattenParameters(value, `${key}/`));
    else flat[key] = parameterValue(value);
  }
  return flat;
}

function isTree(value: unknown): value is ParameterTree {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** One value as text, in Python's spelling, with its type. */
export function parameterValue(value: unknown): ParameterValue {
  switch (typeof value) {
    case "string":
      return { value, type: "str" };
    case "boolean":
      return { value: value ? "True" : "False", type: "bool" };
    case "number":
      return Number.isInteger(value) ? { value: String(value), type: "int" } : { value: pythonFloat(value), type: "float" };
    case "bigint":
      return { value: String(value), type: "int" };
    default:
      // Without a type Python reads an empty text as None.
      if (value === null) return { value: "" };
      if (value instanceof Date) return { value: value.toISOString(), type: "str" };
      return { value: JSON.stringify(value), type: Array.isArray(value) ? listType(value) : "dict" };
  }
}

/** `list/int` when all items are of one type, as Python names it. */
function listType(items: readonly unknown[]): string {
  const types = new Set(items.map((item) => parameterValue(item).type?.split("/")[0] ?? "NoneType"));
  const [only] = types;
  return types.size === 1 && only !== undefined ? `list/${only}` : "list";
}

function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  // 1e-7 in JavaScript, 1e-07 in Python.
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** A kept parameter, as far as reading it back needs. */
export interface KeptParameter {
  readonly value?: string | null | undefined;
  readonly type?: string | null | undefined;
}

/** The value in the type it was written with; a text that does not fit its type stays text, as in Python. */
export function readParameter(kept: KeptParameter): JsonValue {
  const text = writtenText(kept.value ?? "");
  const type = (kept.type ?? "").toLowerCase().trim();
  if (type === "" || type === "nonetype") return text === "" ? null : text;
  if (type === "str") return text;
  if (type === "bool") return truthOf(text) ?? text;
  if (type === "int" || type === "float") return numberOf(text) ?? text;
  if (/^(list|tuple|dict)(\/|$)/.test(type)) return jsonOf(text) ?? text;
  return text;
}

/**
 * The caller's settings with what is kept put in the place of what they hold: types are those of the caller's values, and
 * of a value that is null the kept type. What is not kept, or cannot be read as such a value, stays as it was.
 */
export function intoShape(shape: ParameterTree, kept: Readonly<Record<string, KeptParameter>>, prefix = ""): ParameterTree {
  const filled: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(shape)) {
    const key = `${prefix}${name}`.trim();
    if (isTree(value) && Object.keys(value).length > 0) filled[name] = intoShape(value, kept, `${key}/`);
    else filled[name] = Object.hasOwn(kept, key) ? valueLike(value, kept[key] ?? {}) : value;
  }
  return filled;
}

function valueLike(value: unknown, kept: KeptParameter): unknown {
  const text = writtenText(kept.value ?? "");
  switch (typeof value) {
    case "string":
      return text;
    case "number":
      return numberOf(text) ?? value;
    case "boolean":
      return truthOf(text) ?? value;
    case "bigint":
      return /^-?\d+$/.test(text) ? BigInt(text) : value;
    case "object": {
      if (value === null) return readParameter(kept);
      if (value instanceof Date) return Number.isNaN(Date.parse(text)) ? value : new Date(text);
      const parsed = jsonOf(text);
      return parsed !== undefined && Array.isArray(parsed) === Array.isArray(value) ? parsed : value;
    }
    default:
      // Functions, symbols and undefined were never written.
      return value;
  }
}

/** Without the space that kept the server from reading a date. */
function writtenText(text: string): string {
  return text.endsWith(" ") && isIsoLookalike(text.slice(0, -1)) ? text.slice(0, -1) : text;
}

function numberOf(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  if (word === "nan") return Number.NaN;
  if (/^[+-]?inf(inity)?$/.test(word)) return word.startsWith("-") ? -Infinity : Infinity;
  // Python groups digits by underscores.
  return /^[+-]?(\d[\d_]*\.?[\d_]*|\.\d+)(e[+-]?\d+)?$/.test(word) ? Number(word.replaceAll("_", "")) : undefined;
}

function truthOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === "true") return true;
  if (word === "false" || word === "") return false;
  const number = numberOf(word);
  return number === undefined ? undefined : number !== 0;
}

/** JSON, or a list as Python prints one. */
function jsonOf(text: string): JsonValue | undefined {
  for (const candidate of [text, pythonLiteral(text)]) {
    try {
      const parsed = JSON.parse(candidate) as JsonValue;
      if (typeof parsed === "object" && parsed !== null) return parsed;
    } catch {
      // Not this way.
    }
  }
  return undefined;
}

function pythonLiteral(text: string): string {
  return text
    .trim()
    .replace(/^\(/, "[")
    .replace(/,?\s*\)$/, "]")
    .replaceAll(/'([^'"\\]*)'/g, '"$1"')
    .replaceAll(/\bTrue\b/g, "true")
    .replaceAll(/\bFalse\b/g, "false")
    .replaceAll(/\bNone\b/g, "null");
}
