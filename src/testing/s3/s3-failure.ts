/** S3's way to say no: an XML error with a code that clients decide by. */
import type { WireResponse } from "../../protocol/handler.js";

/** Codes that this double answers with, and their HTTP status. */
const STATUS = {
  AccessDenied: 403,
  BadDigest: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidDigest: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  MalformedXML: 400,
  MethodNotAllowed: 405,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  SlowDown: 503,
  XAmzContentSHA256Mismatch: 400,
} as const;

export type S3ErrorCode = keyof typeof STATUS;

/** Thrown by operations, turned into an answer at the door. */
export class S3Failure extends Error {
  readonly code: S3ErrorCode;

  constructor(code: S3ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The error as S3 sends it. A HEAD has no body, so its client sees the status alone. */
export function failureAnswer(failure: S3Failure, resource: string, requestId: string, isHead: boolean): WireResponse {
  const headers = { "x-amz-request-id": requestId };
  if (isHead) return { status: STATUS[failure.code], headers };
  const body = xml("Error", [
    element("Code", failure.code),
    element("Message", failure.message),
    element("Resource", resource),
    element("RequestId", requestId),
  ]);
  return { status: STATUS[failure.code], headers: { ...headers, "content-type": "application/xml" }, body };
}

/** One element with text. */
export function element(name: string, text: string | number | boolean): string {
  return `<${name}>${escapeXml(String(text))}</${name}>`;
}

/** One element with elements in it. */
export function group(name: string, children: readonly string[]): string {
  return `<${name}>${children.join("")}</${name}>`;
}

/** A document. */
export function xml(root: string, children: readonly string[]): string {
  const namespace = root === "Error" ? "" : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespace}>${children.join("")}</${root}>`;
}

/** The text of every element of that name, in order; enough for the one document that clients send. */
export function textsOf(document: string, name: string): string[] {
  return [...document.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, "g"))].map((match) => match[1] ?? "");
}

/** Resolves the entities that clients write. */
export function unescapeXml(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&#34;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
