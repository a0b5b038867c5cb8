/**
 * MLflow's JSON, read without loss. The server prints 64-bit integers as numbers, which `JSON.parse` rounds above 2^53;
 * here those come as `bigint`. Everything else is what `JSON.parse` gives.
 */

/** A value of an answer: JSON, with `bigint` where a number would have been rounded. */
export type MlflowValue = string | number | bigint | boolean | null | readonly MlflowValue[] | { readonly [key: string]: MlflowValue };

/** Only a text in which a number begins with so many digits needs the slow way, which takes ten times as long; decimal places do not. */
const LONG_INTEGER = /(?:^|[\s:,[])-?\d{16}/;

/** The value of a JSON text. @throws SyntaxError when it is none. */
export function parseMlflowJson(text: string): MlflowValue {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text) as MlflowValue;
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value !== "number" || Number.isSafeInteger(value) || context?.source === undefined) return value;
    return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
  };
  return JSON.parse(text, exact) as MlflowValue;
}

/** JSON that keeps what {@link parseMlflowJson} gave: an integer that a number cannot hold becomes `{"int64":"..."}`. */
export function lossless(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return { int64: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { double: String(value) };
  return Object.is(value, -0) ? { double: "-0" } : value;
}
