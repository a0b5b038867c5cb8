/**
 * The `meta.yaml` files of a file store. They come from PyYAML, which leaves texts such as `1234e567` without quotes that a
 * reader of YAML 1.2 takes for numbers. So every scalar is read as the text that it is, and only what must be a number is made one.
 */
import { readFile } from "node:fs/promises";
// What reads folders is loaded for them alone; so only what is used of the parser is bundled.
import { FAILSAFE_SCHEMA, load, nullYaml11Tag } from "js-yaml";
import type { Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import { describeFileError, errnoOf } from "../storage/file-errors.js";

/** What a file says: texts, `null` where it says nothing, mappings of these. */
type MetaFields = Readonly<Record<string, unknown>>;

/** A file that was read; that is not there; that is there and tells nothing. */
export type MetaFile =
  { readonly kind: "read"; readonly meta: Meta } | { readonly kind: "missing" } | { readonly kind: "damaged"; readonly reason: string };

/** MLflow rewrites these files in place, and a reader may come in the middle. */
const ATTEMPTS = 3;
const BETWEEN_ATTEMPTS_MS = 100;

/** The fields of one file. */
export class Meta {
  readonly #fields: MetaFields;

  constructor(fields: MetaFields) {
    this.#fields = fields;
  }

  /** A text; undefined for one that is null, empty without quotes, or not there. */
  text(name: string): string | undefined {
    const value = this.#fields[name];
    return typeof value === "string" ? value : undefined;
  }

  /** A 64-bit integer; undefined for what is none. */
  integer(name: string): number | bigint | undefined {
    return integerOf(this.text(name) ?? "");
  }

  /** The texts of a mapping. */
  pairs(name: string): { readonly key: string; readonly value: string }[] {
    const value = this.#fields[name];
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
    return Object.entries(value).map(([key, text]) => ({ key, value: typeof text === "string" ? text : "" }));
  }
}

/** A decimal integer; `bigint` where a number would round it. */
export function integerOf(text: string): number | bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text.replace(/^\+/, ""));
}

/** Reads one file. @throws The signal's reason. */
export async function readMeta(
  path: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<MetaFile> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const file = await readOnce(path);
    if (file.kind !== "damaged" || attempt === ATTEMPTS) return file;
    await clock.sleep(BETWEEN_ATTEMPTS_MS, { signal, keepAlive: true });
  }
}

async function readOnce(path: string): Promise<MetaFile> {
  try {
    const text = await readFile(path, "utf8");
    if (text.trim() === "") return { kind: "damaged", reason: "it is empty" };
    const fields = load(text, { schema: FAILSAFE_SCHEMA.withTags(nullYaml11Tag) });
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields))
      return { kind: "read", meta: new Meta(fields as MetaFields) };
    return { kind: "damaged", reason: "it is no mapping" };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return { kind: "missing" };
    return { kind: "damaged", reason: errno === undefined ? describeError(error).split("\n", 1).join("") : describeFileError(error) };
  }
}
