/**
 * Where in a store a file goes. A key carries a digest of the content, so what was announced under it can never become
 * something else. Keys are made of safe characters alone: nothing that a URL, a shell or a file system would read its own way.
 */
import { extname } from "node:path";
import type { Issue } from "../base/errors.js";

/** Key of a checkpoint. */
export const CHECKPOINT_KEY_TEMPLATE = "checkpoints/{jobId}/{type}-{epoch}-{digest8}{ext}";
/** Key of a model's weights. */
export const MODEL_KEY_TEMPLATE = "models/{jobId}/{name}-{digest8}{ext}";
/** Key of an artifact. */
export const ARTIFACT_KEY_TEMPLATE = "artifacts/{jobId}/{name}-{digest8}{ext}";

/** Key of a sample: one for each content at each iteration. */
export const MEDIA_KEY_TEMPLATE = "metrics/{jobId}/{name}/{type}-{iteration}-{digest8}{ext}";

/** S3 takes 1,024 bytes; the store's prefix needs room too. */
const MAX_KEY_BYTES = 900;
const MAX_PART_CHARACTERS = 120;
const PLACEHOLDERS = ["jobId", "runId", "operation", "type", "name", "epoch", "iteration", "sha256", "digest8", "ext"] as const;

/** What a template's placeholders stand for. An absent one goes, together with the hyphen or underscore before it. */
export interface ObjectKeyParts {
  readonly jobId: string;
  /** Hexadecimal SHA-256 of the content; `{digest8}` is its first eight characters. */
  readonly sha256: string;
  /** The file's own name; `{ext}` is its ending, such as `.pt` or `.tar.gz`. */
  readonly fileName: string;
  readonly runId?: string | undefined;
  readonly operation?: string | undefined;
  readonly type?: string | undefined;
  readonly name?: string | undefined;
  readonly epoch?: number | undefined;
  readonly iteration?: number | undefined;
}

/**
 * What is wrong with a template of the user's; empty when it can be used. `path` names the option or variable it came from.
 * An alias is overwritten and never announced, so it needs no digest.
 */
export function objectKeyTemplateIssues(template: string, path: string, options: { readonly isAlias?: boolean } = {}): readonly Issue[] {
  const issues: Issue[] = [];
  const names = [...template.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? "");
  for (const name of names) {
    if (!(PLACEHOLDERS as readonly string[]).includes(name))
      issues.push({ path, message: `{${name}} is no placeholder; use ${PLACEHOLDERS.map((known) => `{${known}}`).join(" ")}.` });
  }
  if (options.isAlias !== true && !names.includes("digest8") && !names.includes("sha256")) {
    issues.push({
      path,
      message: "it lacks {digest8} or {sha256}, without which a later file would replace one that was already announced.",
    });
  }
  if (/[{}]/.test(template.replace(/\{[^{}]*\}/g, ""))) issues.push({ path, message: "a brace is left open." });
  return issues;
}

/**
 * Renders a key. Never empty, never with a leading slash, an empty segment, `.` or `..`, a control character or a
 * space, whatever the parts hold. Pure.
 */
export function renderObjectKey(template: string, parts: ObjectKeyParts): string {
  const values = valuesOf(parts);
  const text = template.replace(/[-_]?\{([^{}]*)\}/g, (match, name: string) => {
    const value = values[name] ?? "";
    if (value === "") return "";
    return match.startsWith("{") ? value : `${match.charAt(0)}${value}`;
  });
  const segments = text
    .split("/")
    .map(cleanSegment)
    .filter((segment) => segment !== "");
  const key = segments.join("/");
  if (key === "") return parts.sha256;
  // Only a template of the user's can be this long; the digest alone still tells contents apart.
  return Buffer.byteLength(key) > MAX_KEY_BYTES ? `${parts.sha256}${values["ext"] ?? ""}` : key;
}

function valuesOf(parts: ObjectKeyParts): Readonly<Record<string, string>> {
  return {
    jobId: cleanValue(parts.jobId),
    runId: cleanValue(parts.runId ?? ""),
    operation: cleanValue(parts.operation ?? ""),
    type: cleanValue(parts.type ?? ""),
    name: cleanValue(parts.name ?? ""),
    epoch: parts.epoch === undefined ? "" : cleanValue(String(parts.epoch)),
    iteration: parts.iteration === undefined ? "" : cleanValue(String(parts.iteration)),
    sha256: cleanValue(parts.sha256),
    digest8: cleanValue(parts.sha256.slice(0, 8)),
    ext: extensionOf(parts.fileName),
  };
}

/** One value: its slashes are not the template's, so they go; letters and digits of any script stay. */
function cleanValue(value: string): string {
  const safe = value.normalize("NFC").replace(/[^\p{L}\p{N}._=+@-]+/gu, "_");
  return Array.from(safe).slice(0, MAX_PART_CHARACTERS).join("");
}

/** One segment of the rendered key: the template's own text is cleaned here, and dots that would climb or hide are taken away. */
function cleanSegment(segment: string): string {
  return segment.replace(/[^\p{L}\p{N}._=+@-]+/gu, "_").replace(/^[.-]+/, "");
}

/** `.pt`, `.safetensors`, `.tar.gz`; empty when the name has none or it is no plain word. */
function extensionOf(fileName: string): string {
  const last = extname(fileName);
  if (!/^\.[A-Za-z0-9]{1,16}$/.test(last)) return "";
  const inner = extname(fileName.slice(0, -last.length));
  return inner === ".tar" ? `${inner}${last}` : last;
}
