/**
 * Reads `CHECKPOINT_URI`: which store, which endpoint, which bucket or folder. The endpoint is what is written there and
 * never guessed from a host's looks: a port makes the S3 host form, as in ClearML's own client, and no port makes AWS.
 */
import { fileURLToPath } from "node:url";
import type { Issue } from "../base/errors.js";

/** A bucket, at AWS or at a compatible store. */
export interface S3Spec {
  readonly kind: "s3";
  readonly bucket: string;
  /** Without slashes at its ends; empty for none. */
  readonly prefix: string;
  /** `host:port` of a compatible store. Absent: AWS, by region. */
  readonly host?: string;
  /** `?secure=true|false`: TLS to `host`. Absent: port 443 alone, unless a configured endpoint of that host says otherwise. */
  readonly secure?: boolean;
  /** `?region=...`. */
  readonly region?: string;
}

export interface FolderSpec {
  readonly kind: "folder";
  /** Absolute. */
  readonly directory: string;
}

export interface FileServerSpec {
  readonly kind: "fileserver";
}

/** Where checkpoints go. */
export type StorageSpec = S3Spec | FolderSpec | FileServerSpec;

export type CheckpointUri =
  /** `warnings`: it can be used, and may not mean what its author thinks. */
  | { readonly status: "parsed"; readonly spec: StorageSpec; readonly warnings: readonly Issue[] }
  | { readonly status: "invalid"; readonly issues: readonly Issue[] };

/**
 * Parses `s3://bucket/prefix`, `s3://host:port/bucket/prefix`, `file:///folder` or `clearml`. Never throws.
 *
 * @param path names the option or variable in issues. Default `CHECKPOINT_URI`.
 */
export function parseCheckpointUri(uri: string, path = "CHECKPOINT_URI"): CheckpointUri {
  const text = uri.trim();
  if (text === "clearml") return parsed({ kind: "fileserver" });
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "s3") return parseS3(text, path);
  if (scheme === "file") return parseFolder(text, path);
  const known = "use s3://bucket/prefix, s3://host:port/bucket/prefix, file:///folder, or clearml for ClearML's file server";
  if (scheme === "http" || scheme === "https") return invalid(path, `an ${scheme} address is no store; ${known}.`);
  return invalid(path, scheme === undefined ? `no store is named; ${known}.` : `${scheme}:// is not supported; ${known}.`);
}

function parseS3(text: string, path: string): CheckpointUri {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return invalid(path, "it is no URI; write s3://bucket/prefix or s3://host:port/bucket/prefix.");
  }
  if (url.username !== "" || url.password !== "")
    return invalid(path, "credentials do not belong in the URI; give them by the environment.");
  const issues: Issue[] = [];
  const options = readOptions(url, path, issues);
  const segments = url.pathname
    .split("/")
    .filter((segment) => segment !== "")
    .map(decoded);
  // Looked for in the text: a URL's own path has them resolved already.
  if (/\/(?:\.|%2e){1,2}(?:[/?#]|$)/i.test(text)) issues.push({ path, message: "its path climbs with `.` or `..`." });
  const hostForm = url.port !== "";
  const bucket = hostForm ? segments.shift() : url.hostname;
  const warnings: Issue[] = [];
  if (bucket === undefined || bucket === "") {
    issues.push({
      path,
      message: hostForm
        ? `no bucket follows ${url.host}; write s3://${url.host}/bucket/prefix.`
        : "no bucket is named; write s3://bucket/prefix.",
    });
  } else if (!hostForm) {
    checkAwsBucket(bucket, path, issues, warnings);
  } else if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) {
    issues.push({ path, message: `${JSON.stringify(bucket)} cannot be a bucket's name.` });
  }
  if (issues.length > 0 || bucket === undefined) return { status: "invalid", issues };
  return parsed({ kind: "s3", bucket, prefix: segments.join("/"), ...(hostForm ? { host: url.host } : {}), ...options }, warnings);
}

/** Without a port the first word is a bucket at AWS. Words that look like a host are the classical mistake: uploads went to Amazon. */
function checkAwsBucket(bucket: string, path: string, issues: Issue[], warnings: Issue[]): void {
  const hint = `for a compatible store write its port too: s3://${bucket}:9000/bucket/prefix`;
  if (bucket === "localhost" || bucket.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(bucket)) {
    issues.push({ path, message: `${bucket} is a host and no bucket; ${hint}.` });
  } else if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes("..")) {
    issues.push({
      path,
      message: `${JSON.stringify(bucket)} cannot be an AWS bucket's name (3 to 63 lower-case letters, digits, dots, hyphens).`,
    });
  } else if (bucket.includes(".")) {
    warnings.push({ path, message: `${bucket} is taken for a bucket at AWS, because it has no port; ${hint}.` });
  }
}

function readOptions(url: URL, path: string, issues: Issue[]): { secure?: boolean; region?: string } {
  const options: { secure?: boolean; region?: string } = {};
  for (const [name, value] of url.searchParams) {
    if (name === "secure" && (value === "true" || value === "false")) options.secure = value === "true";
    else if (name === "region" && /^[a-z0-9-]{1,64}$/i.test(value)) options.region = value;
    else issues.push({ path, message: `?${name}=${value} is not understood; secure=true, secure=false and region=NAME are.` });
  }
  if (options.secure !== undefined && url.port === "")
    issues.push({ path, message: "?secure= belongs to s3://host:port/...; AWS is always reached by TLS." });
  return options;
}

function parseFolder(text: string, path: string): CheckpointUri {
  try {
    const directory = fileURLToPath(new URL(text));
    if (!/^file:\/\/\//i.test(text)) return invalid(path, "write file:/// with three slashes and an absolute path.");
    return parsed({ kind: "folder", directory });
  } catch {
    return invalid(path, "it names no folder of this machine; write file:/// with three slashes and an absolute path.");
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function parsed(spec: StorageSpec, warnings: readonly Issue[] = []): CheckpointUri {
  return { status: "parsed", spec, warnings };
}

function invalid(path: string, message: string): CheckpointUri {
  return { status: "invalid", issues: [{ path, message }] };
}
