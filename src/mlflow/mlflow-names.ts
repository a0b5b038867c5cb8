/**
 * The one validator in front of everything that is written: names and texts as MLflow takes them. Pure and without
 * memory: a name that must be changed gets a digest of the original, so no two names ever become one, in no process.
 */
import { createHash } from "node:crypto";

/** Of a metric's, parameter's or tag's name. */
const MAX_KEY_LENGTH = 250;
/** Of a parameter's value; older servers than 2.8 took 500. */
export const MAX_PARAMETER_LENGTH = 6_000;
/** Of a tag's value; 8,000 since 2.17. */
export const MAX_TAG_LENGTH = 5_000;
/** Of one part of a file's path; most file systems take 255 bytes. */
const MAX_PART_BYTES = 200;
const DIGEST_LENGTH = 8;

/** How a server takes names. */
export interface NameRules {
  /** True: a colon may stand in a name. MLflow 3 takes it. */
  readonly colons: boolean;
}

/** The rules of a server, by the version that it says it is; undefined for one that does not say. */
export function nameRulesOf(version: string | undefined): NameRules {
  const major = /^(\d+)\./.exec(version ?? "")?.[1];
  return { colons: major !== undefined && Number(major) >= 3 };
}

/**
 * A name as MLflow takes it: letters, digits, `_ - . /`, blanks, of at most 250 characters, and its own normal path. One
 * that is so already stays as it is.
 */
export function keyOf(name: string, rules: NameRules): string {
  const clean = name.replaceAll(rules.colons ? /[^\p{L}\p{N}_\-. :/]/gu : /[^\p{L}\p{N}_\-. /]/gu, "_");
  const parts = clean.split("/").map((part) => (part === "" || /^\.+$/.test(part) ? "_" : part));
  const key = parts.join("/");
  if (key === name && key.length <= MAX_KEY_LENGTH) return key;
  return `${cut(key, MAX_KEY_LENGTH - DIGEST_LENGTH - 1)}-${digestOf(name)}`;
}

/** A tag's name that is the caller's own: it may not take the place of MLflow's tags, or of ours. */
export function callersTag(name: string, rules: NameRules): string {
  const key = keyOf(name, rules);
  return /^(mlflow|trainer_sdk)\./.test(key) ? `tag.${key}` : key;
}

/** One part of a file's path: no slash, nothing that a URL, a file system or the server's own check would take for more than a letter. */
export function pathPart(name: string): string {
  const clean = name.trim().replaceAll(/[^\p{L}\p{N}_\-. ]/gu, "_");
  const isWhole = clean === name && !/^\.*$/.test(clean) && Buffer.byteLength(clean) <= MAX_PART_BYTES;
  if (isWhole) return clean;
  let kept = clean;
  while (Buffer.byteLength(kept) > MAX_PART_BYTES - DIGEST_LENGTH - 1) kept = cut(kept, kept.length - 8);
  kept = kept.replace(/^\.*$/, "_").replace(/^\.+/, "_.");
  const dot = kept.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [kept.slice(0, dot), kept.slice(dot)] : [kept, ""];
  return `${stem}-${digestOf(name)}${extension}`;
}

/** A text of at most so many characters, and whether it is whole. Lone surrogates, which no UTF-8 can carry, become U+FFFD. */
export function textOf(value: string, maxLength: number): { readonly text: string; readonly whole: boolean } {
  const text = value.toWellFormed();
  return text.length <= maxLength ? { text, whole: true } : { text: cut(text, maxLength), whole: false };
}

/** Not through the middle of a character. */
function cut(text: string, length: number): string {
  const end = /[\uD800-\uDBFF]/.test(text.charAt(length - 1)) ? length - 1 : length;
  return text.slice(0, Math.max(0, end)).trimEnd().replace(/\/+$/, "");
}

/** Over the code units: as UTF-8 all lone surrogates are one. */
function digestOf(name: string): string {
  return createHash("sha256").update(name, "utf16le").digest("hex").slice(0, DIGEST_LENGTH);
}
