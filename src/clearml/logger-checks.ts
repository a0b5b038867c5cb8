/** What a logger cannot keep, by value: names and iterations that a computation made. Pure. */
import { MAX_KEYWORD_BYTES } from "../protocol/clearml/limits.js";

/** Why a name cannot be kept. */
export function lineNameProblem(name: string): string | undefined {
  if (name.trim() === "") return "a title or series must not be empty";
  if (name.length * 3 > MAX_KEYWORD_BYTES && Buffer.byteLength(name) > MAX_KEYWORD_BYTES)
    return `a title or series must not be longer than ${String(MAX_KEYWORD_BYTES)} bytes`;
  return undefined;
}

/** Why an iteration cannot be kept. */
export function iterationProblem(iteration: number): string | undefined {
  if (Number.isSafeInteger(iteration) && iteration >= 0) return undefined;
  return `iteration must be a whole number of 0 or more, not ${String(iteration)}`;
}
