/** Settings as ClearML keeps them: flat names in a section, texts with a type's name so that Python restores them. */
import type { ParameterValue } from "../records/facts.js";

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

function parameterValue(value: unknown): ParameterValue {
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
      if (value === null) return { value: "", type: "NoneType" };
      if (value instanceof Date) return { value: value.toISOString(), type: "str" };
      return { value: JSON.stringify(value), type: Array.isArray(value) ? "list" : "dict" };
  }
}

function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  // 1e-7 in JavaScript, 1e-07 in Python.
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}
