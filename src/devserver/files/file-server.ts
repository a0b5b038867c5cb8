/**
 * ClearML's file server, without a socket: multipart uploads named by their form field, downloads with ranges,
 * deletion. No access control beyond the token. @see clearml-protocol 10.1
 */
import { parseBody } from "../api/request-body.js";
import type { Tokens } from "../api/tokens.js";
import { readBytes } from "../../protocol/handler.js";
import type { WireHandler, WireRequest, WireResponse } from "../../protocol/handler.js";
import { contentTypeOf } from "./content-types.js";
import { safePath } from "./file-store.js";
import type { FileStore, StoredFile } from "./file-store.js";
import { readForm } from "./multipart.js";

/** What the file system says of a path that cannot be a file: it is a folder, or has a file as its folder. */
const NO_PLACE = new Set(["EISDIR", "ENOTDIR", "EEXIST", "ENAMETOOLONG", "EINVAL"]);
/** What it says when it cannot take any file. */
const NO_STORAGE = new Set(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "EIO"]);

/** Somebody's upload must not act as a page of this server, run scripts or ask anything of strangers; it may have a look. */
const UPLOAD_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:; font-src data:";

const NOT_FOUND: WireResponse = { status: 404, headers: { "content-type": "text/plain" }, body: "Not found" };

function text(status: number, body: string): WireResponse {
  return { status, headers: { "content-type": "text/plain" }, body };
}

function isAuthenticated(request: WireRequest, tokens: Tokens): boolean {
  try {
    return tokens.authenticate(request.headers) !== undefined;
  } catch {
    return false;
  }
}

/** The path of a URL, decoded once. */
function pathOf(encoded: string): string | undefined {
  try {
    return safePath(decodeURIComponent(encoded));
  } catch {
    return undefined;
  }
}

async function upload(request: WireRequest, files: FileStore): Promise<WireResponse> {
  const contentType = request.headers["content-type"] ?? "";
  if (!contentType.toLowerCase().startsWith("multipart/form-data")) return text(400, "Bad request: a multipart form is expected");
  const stored: string[] = [];
  const seen = new Set<string>();
  let refused: WireResponse | undefined;
  try {
    await readForm(contentType, request.body, async (fieldName, stream) => {
      const path = safePath(fieldName);
      if (path === undefined || seen.has(path)) {
        if (path === undefined) refused = NOT_FOUND;
        stream.resume();
        return;
      }
      seen.add(path);
      await files.write(path, stream as AsyncIterable<Uint8Array>);
      stored.push(path);
    });
  } catch (error) {
    const code = String((error as { code?: unknown }).code);
    if (NO_PLACE.has(code)) return text(400, "Bad request: a path of the form cannot be a file here");
    if (NO_STORAGE.has(code)) return text(500, `The file could not be stored: ${code}`);
    return text(400, "Bad request: the form is malformed or incomplete");
  }
  if (refused) return refused;
  return { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: JSON.stringify(stored) };
}

/** First and last byte of a range, `undefined` for the whole file, `null` for a range that cannot be served. */
function rangeOf(header: string | undefined, sizeBytes: number): { readonly start: number; readonly end: number } | undefined | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [, first = "", last = ""] = match;
  const start = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return start >= sizeBytes || end < start ? null : { start, end };
}

function download(request: WireRequest, path: string, file: StoredFile): WireResponse {
  const type = contentTypeOf(path);
  const common = {
    "content-type": type,
    "accept-ranges": "bytes",
    "cache-control": "max-age=300",
    "last-modified": new Date(file.modifiedAtMs).toUTCString(),
    "x-content-type-options": "nosniff",
    "content-security-policy": UPLOAD_POLICY,
    ...(request.url.searchParams.has("download")
      ? { "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(path.split("/").at(-1) ?? path)}` }
      : {}),
  };
  const range = rangeOf(request.headers["range"], file.sizeBytes);
  if (range === null) return { status: 416, headers: { ...common, "content-range": `bytes */${String(file.sizeBytes)}` }, body: "" };
  const start = range?.start ?? 0;
  const end = range?.end ?? file.sizeBytes - 1;
  const headers = {
    ...common,
    "content-length": String(end - start + 1),
    ...(range ? { "content-range": `bytes ${String(start)}-${String(end)}/${String(file.sizeBytes)}` } : {}),
  };
  return { status: range ? 206 : 200, headers, ...(request.method === "HEAD" ? {} : { body: file.read(start, end) }) };
}

async function deleteMany(request: WireRequest, files: FileStore): Promise<WireResponse> {
  const body = parseBody(Buffer.from(await readBytes(request.body)).toString("utf8"), new URLSearchParams());
  const names = body["files"];
  if (!Array.isArray(names)) return text(400, "Bad request: files must be a list of paths");
  const deleted: Record<string, string> = {};
  const missing: string[] = [];
  for (const name of names.map(String)) {
    const path = pathOf(name);
    if (path !== undefined && (await files.deleteTree(path))) deleted[name] = name;
    else missing.push(name);
  }
  const answer = { deleted, errors: missing.length === 0 ? {} : { "Not found": missing } };
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(answer) };
}

async function answer(request: WireRequest, files: FileStore): Promise<WireResponse> {
  const { method, url } = request;
  if (method === "POST" && url.pathname === "/") return upload(request, files);
  if (method === "POST" && url.pathname === "/delete_many") return deleteMany(request, files);
  const path = pathOf(url.pathname);
  if (path === undefined) return NOT_FOUND;
  if (method === "GET" || method === "HEAD") {
    const file = await files.open(path);
    return file ? download(request, path, file) : NOT_FOUND;
  }
  if (method !== "DELETE") return text(405, "Method not allowed");
  return (await files.delete(path))
    ? { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(path) }
    : NOT_FOUND;
}

/** The file server over a store of files. */
export function createFileHandler(options: { readonly files: FileStore; readonly tokens: Tokens }): WireHandler {
  return async (request) => {
    if (request.method === "OPTIONS") return { status: 200, body: "" };
    if (request.method === "GET" && request.url.pathname === "/") return text(200, "OK");
    if (!isAuthenticated(request, options.tokens)) return text(401, "Unauthorized");
    if (request.headers["content-encoding"] !== undefined) return text(415, "Content encoding is not supported");
    try {
      return await answer(request, options.files);
    } catch (error) {
      return text(500, `Internal error: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}
