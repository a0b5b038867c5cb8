/** What a model's metadata in ClearML should be, and names and texts as ClearML shows them. Pure, and not the code that writes them. */
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import { isIsoLookalike } from "../records/metric-address.js";

/** A name and its value. */
export type MetadataPair = readonly [name: string, value: string];

export interface ExpectedMetadata {
  readonly facts: readonly MetadataPair[];
  /** Tags of MLflow: under their own names, or told apart from names that are taken. */
  readonly tags: readonly MetadataPair[];
  /** MLflow's answers, as text. */
  readonly document: string;
}

/** What the migration itself and an upload write beside them. */
const OWN_KEYS: ReadonlySet<string> = new Set(["trainer_sdk_mlflow", "mlflow_files", "sha256", "size_bytes", "sha256_of"]);

type Compare = (what: string, inMlflow: string | undefined, inClearML: string | null | undefined) => void;

/** Each fact and tag, and that there is nothing else. */
export function compareMetadata(expected: ExpectedMetadata, metadata: ModelDocument["metadata"], same: Compare): void {
  const left = new Map(Object.entries(metadata ?? {}).map(([key, item]) => [item.key ?? key, item.value ?? ""]));
  for (const [name, value] of [...expected.facts, ["mlflow_document", expected.document] as const]) {
    same(name, asShown(value), left.get(name));
    left.delete(name);
  }
  for (const [name, value] of expected.tags) {
    const shown = asShown(value);
    const key = [...left].find(([at, found]) => found === shown && isNameOf(at, name))?.[0];
    // The one that has the name and another value is what a person looks for.
    const near = key ?? [...left.keys()].find((at) => isNameOf(at, name));
    same(`tag ${name}`, shown, near === undefined ? undefined : left.get(near));
    if (near !== undefined) left.delete(near);
  }
  for (const [key, value] of left) if (!OWN_KEYS.has(key)) same(`metadata ${key}`, undefined, value);
}

/** A name as ClearML keeps it: stripped, of three characters at least, and none that it would read as a date. */
export function nameAsShown(name: string | undefined, otherwise: string): string {
  const text = (name?.trim() || otherwise).trim().toWellFormed();
  return (isIsoLookalike(text) ? `${text}_` : text).padEnd(3, "_");
}

/** A text as ClearML holds it: one that it would read as a date has a space behind it. */
export function asShown(text: string): string {
  const wellFormed = text.toWellFormed();
  return isIsoLookalike(wellFormed) ? `${wellFormed} ` : wellFormed;
}

/** A text of which nobody reads a password: the addresses in it have no user. That of a machine, as in `ssh://git@host`, is told. */
export function asPublic(text: string): string {
  const [start = "", ...rest] = text.split(/([a-z][a-z\d+.-]*:\/\/)/i);
  return rest.reduce((shown, part, at) => shown + (at % 2 === 0 ? part : withoutUserInfo(rest[at - 1] ?? "", part)), start);
}

function withoutUserInfo(scheme: string, part: string): string {
  const address = part.split(/[\s"'<>`]/, 1)[0] ?? "";
  const host = address.split(/[/?#]/, 1)[0] ?? "";
  const mayHide = /^[^:[\]]+:(?:\d*\D)/.test(host);
  const from = host.includes("@") ? host : mayHide ? address : "";
  if (!from.includes("@")) return part;
  const user = from.slice(0, from.lastIndexOf("@"));
  const name = /^((git\+)?ssh|sftp)/i.test(scheme) ? (/^[\w.-]+/.exec(user)?.[0] ?? "") : "";
  return `${name === "" ? "" : `${name}@`}${part.slice(user.length + 1)}`;
}

/** `x`, or of several names that ClearML takes for one `x (2)`. */
function isNameOf(key: string, name: string): boolean {
  const text = name.trim().toWellFormed();
  const base = text === "" ? "(no name)" : isIsoLookalike(text) ? `${text}_` : text;
  return key === base || (key.startsWith(`${base} (`) && /^ \(\d+\)$/.test(key.slice(base.length)));
}
