/** Types of fields that recur all over the wire. */
import * as z from "zod/mini";

/** Text, null or absent. */
export const text = () => z.nullish(z.string());
/** A finite number, null or absent. */
export const number = () => z.nullish(z.number());
/** A whole number within the safe range, null or absent. */
export const integer = () => z.nullish(z.int());
/** True, false, null or absent. */
export const flag = () => z.nullish(z.boolean());
/** A list of texts, null or absent. */
export const texts = () => z.nullish(z.array(z.string()));
/** A JSON object of any content, null or absent. */
export const anyObject = () => z.nullish(z.record(z.string(), z.unknown()));
/** A map of text to text, null or absent. */
export const textMap = () => z.nullish(z.record(z.string(), z.string()));

/** A known word, or one that a newer server added. */
export type OpenEnum<Known extends string> = Known | (string & {});

/** Reads any text, and tells the compiler which words are known: a new status must not break an old client. */
export function openText<Known extends string>(): z.ZodMiniOptional<z.ZodMiniNullable<z.ZodMiniType<OpenEnum<Known>, OpenEnum<Known>>>> {
  return z.nullish(z.string());
}
