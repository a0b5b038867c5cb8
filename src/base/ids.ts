/** Identifiers, and the randomness they come from. */
import { randomBytes } from "node:crypto";

/** A source of numbers in [0, 1), as `Math.random`; injected wherever jitter is drawn. */
export type Random = () => number;

/** 32 lower-case hexadecimal characters, the form that ClearML gives its own ids. */
export function newId(): string {
  return randomBytes(16).toString("hex");
}
