/**
 * The line between a caller's bug and a computation's value (design, table 2.1). A wrong type throws at once, with field
 * and value named; a value that cannot be kept is answered with a reason. Written by hand, not by schema, because it
 * runs on every call of the training loop.
 */
import { ValidationError } from "./errors.js";

/** A value as it may stand in a message: short, and never an object's content. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}

/** @throws ValidationError always. */
export function wrongType(verb: string, field: string, expected: string, value: unknown): never {
  const message = `${verb}: ${field} must be ${expected}, not ${shown(value)}`;
  throw new ValidationError(message, [{ path: field, message: `must be ${expected}` }]);
}

export function checkObject(verb: string, field: string, value: unknown): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) wrongType(verb, field, "an object", value);
}

export function checkText(verb: string, field: string, value: unknown): asserts value is string {
  if (typeof value !== "string" || value === "") wrongType(verb, field, "a text that is not empty", value);
}

export function checkOptionalText(verb: string, field: string, value: unknown): asserts value is string | undefined {
  if (value !== undefined && typeof value !== "string") wrongType(verb, field, "a text", value);
}

export function checkOptionalBoolean(verb: string, field: string, value: unknown): asserts value is boolean | undefined {
  if (value !== undefined && typeof value !== "boolean") wrongType(verb, field, "true or false", value);
}

export function checkTexts(verb: string, field: string, value: unknown): asserts value is readonly string[] | undefined {
  if (value === undefined) return;
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string" || item === ""))
    wrongType(verb, field, "an array of texts", value);
}

/** Epochs and iterations: a number by type (else a throw); the answer is the reason why its value cannot be kept, if any. */
export function countProblem(verb: string, field: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number") wrongType(verb, field, "a number", value);
  if (!Number.isSafeInteger(value) || value < 0) return `${field} must be a whole number of 0 or more, not ${String(value)}`;
  return undefined;
}
