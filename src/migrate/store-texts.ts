/** Texts of a tracking folder as MLflow's Python writes and reads them: the mappings of `meta.yaml`, integers, floats. Pure. */

/** A number as it is to stand in a mapping. */
export interface YamlInteger {
  readonly number: string;
}

/** A mapping. JSON's texts are YAML's, but for the characters that PyYAML wants written out. */
export function yaml(fields: Readonly<Record<string, unknown>>): string {
  const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
  const escaped = (value: unknown): string =>
    JSON.stringify(value ?? null).replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const line = ([name, value]: readonly [string, unknown]): string =>
    `${name}: ${typeof value === "object" && value !== null && "number" in value ? String(value.number) : escaped(value)}\n`;
  return Object.entries(fields).map(line).join("");
}

/** An integer of a lossless copy; `null` for one that is not there. */
export function integer(value: unknown): YamlInteger | null {
  return value === undefined || value === null ? null : { number: integerText(value) };
}

/** A decimal integer of any size. */
export function integerText(value: unknown): string {
  return typeof value === "object" && value !== null ? String((value as { readonly int64: unknown }).int64) : String(value);
}

/** A double, with Python's words for what is not finite. */
export function doubleText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const text = String((value as { readonly double: unknown }).double);
  return text.replace("Infinity", "inf").replace("NaN", "nan");
}
