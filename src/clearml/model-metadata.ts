/** Facts about a model, as texts with Python's names of their types, so that Python's `get_metadata_casted` restores them. Pure. */
import type { MetadataInput, ModelDocument } from "../protocol/clearml/model-document.js";
import { freeText, nameText } from "./clearml-text.js";
import { flattenParameters } from "./parameter-values.js";

/** A value that metadata can hold. */
export type MetadataValue = string | number | boolean | readonly unknown[] | { readonly [key: string]: unknown };

/** An entry as the server has it. */
export interface MetadataEntry {
  readonly value: string;
  /** Python's name of the value's type: `str`, `int`, `float`, `bool`, `list`, `dict`; undefined where none was said. */
  readonly type: string | undefined;
}

/** The entry on its way to the server: a value that it would read as a date gets a trailing space (`clearml-protocol`, 4.3). */
export function metadataEntry(key: string, value: MetadataValue, type?: string): MetadataInput & { readonly key: string } {
  // Wrapped in a list of its own, a nested object is a value here and no tree.
  const { value: text, type: inferred } = isPlain(value)
    ? { value: JSON.stringify(value), type: "dict" }
    : (flattenParameters({ value })["value"] ?? { value: "", type: "str" });
  return { key: nameText(key).trim(), value: freeText(text), ...((type ?? inferred) === undefined ? {} : { type: type ?? inferred }) };
}

/** All entries of a document. */
export function metadataEntries(document: Pick<ModelDocument, "metadata">): Readonly<Record<string, MetadataEntry>> {
  return Object.fromEntries(
    Object.entries(document.metadata ?? {}).map(([key, item]) => [
      item.key ?? key,
      { value: item.value ?? "", type: item.type ?? undefined },
    ]),
  );
}

/** The value with its type restored; the text itself where that cannot be done. */
export function castMetadata({ value, type }: MetadataEntry): unknown {
  const text = value.trim();
  switch (type?.split("/")[0]) {
    case "int":
    case "float": {
      const number = Number(text);
      return text === "" || Number.isNaN(number) ? value : number;
    }
    case "bool":
      return /^(true|1|yes|y|on)$/i.test(text) ? true : /^(false|0|no|n|off|none|)$/i.test(text) ? false : value;
    case "list":
    case "tuple":
    case "dict":
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return value;
      }
    default:
      return value;
  }
}

function isPlain(value: MetadataValue): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && !Array.isArray(value);
}
