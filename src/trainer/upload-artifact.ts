/** A task's artifact: a file, a text or a JSON value, kept under a name; the same name again replaces it. */
import { extname } from "node:path";
import type { JsonValue } from "../base/json.js";
import { ARTIFACT_KEY_TEMPLATE, renderObjectKey } from "../storage/object-key.js";
import { checkObject, checkText, wrongType } from "./check.js";
import type { UploadReceipt } from "./receipt.js";
import { plainCopy } from "./plain-copy.js";
import { present } from "./present.js";
import type { Run } from "./run.js";
import { takeFile } from "./take-file.js";

/** Exactly one of `path`, `text` and `json`. */
export interface ArtifactInput {
  readonly name: string;
  readonly path?: string;
  readonly text?: string;
  readonly json?: JsonValue;
  /** Default: by the file's ending, else `application/octet-stream`. */
  readonly contentType?: string;
  /** Shown in the web UI. Default: the first 65,536 characters of a text or JSON value. */
  readonly preview?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly pin?: "copy" | "none";
  readonly signal?: AbortSignal;
}

/** ClearML's limit of a preview (`clearml-protocol`, 3.12). */
const MAX_PREVIEW_CHARACTERS = 65_536;
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".json": "application/json",
  ".txt": "text/plain",
  ".csv": "text/csv",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".html": "text/html",
  ".zip": "application/zip",
};

export function uploadArtifact(run: Run, input: ArtifactInput): Promise<UploadReceipt> {
  const verb = "uploadArtifact";
  checkObject(verb, "input", input);
  checkText(verb, "name", input.name);
  const given = [input.path, input.text, input.json].filter((value) => value !== undefined).length;
  if (given !== 1) wrongType(verb, "path", "given, or else text or json: exactly one of the three", given);
  const content = contentOf(verb, input);
  const fileName = `${input.name.replaceAll("/", "_")}${input.json === undefined ? ".txt" : ".json"}`;
  const metadata = plainCopy(input.metadata);
  const preview = input.preview ?? content?.toString("utf8");
  return takeFile(run, {
    verb,
    source: content === undefined ? { path: input.path ?? "" } : { content, fileName },
    pin: input.pin ?? "copy",
    contentType: input.contentType ?? CONTENT_TYPES[extname(input.path ?? fileName).toLowerCase()] ?? "application/octet-stream",
    keyOf: (file) => renderObjectKey(ARTIFACT_KEY_TEMPLATE, { jobId: run.parts.jobId, name: input.name, ...file }),
    factOf: (file) => ({
      kind: "artifact",
      name: input.name,
      // ClearML's own words for what these are, so that its Python client loads them back as such.
      type: input.json !== undefined ? "dict" : input.text !== undefined ? "string" : "custom",
      uri: file.uri,
      file,
      ...present({ preview: preview?.slice(0, MAX_PREVIEW_CHARACTERS), metadata }),
    }),
    replaceKey: `artifact:${input.name}`,
    signal: input.signal,
  });
}

function contentOf(verb: string, input: ArtifactInput): Buffer | undefined {
  if (input.text !== undefined) {
    if (typeof input.text !== "string") wrongType(verb, "text", "a text", input.text);
    return Buffer.from(input.text);
  }
  if (input.json === undefined) return undefined;
  try {
    return Buffer.from(`${JSON.stringify(input.json, undefined, 2)}\n`);
  } catch {
    return wrongType(verb, "json", "a plain JSON value", input.json);
  }
}
