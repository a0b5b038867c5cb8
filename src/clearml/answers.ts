/**
 * What an answer of the API means. One place decides: what is an error, of which kind, and whether trying again makes
 * sense. It is ready for bodies of any kind, since proxies answer in ClearML's name (`clearml-protocol`, 1.2, 1.4, 1.6).
 */
import type * as z from "zod/mini";
import { ApiError } from "../base/errors.js";
import { publicUrl, type HttpResponse } from "../base/http.js";
import { parseRetryAfter } from "../base/retry.js";
import { parseEnvelope } from "../protocol/clearml/envelope.js";
import { endpointSince } from "../protocol/clearml/endpoint-versions.js";
import { meaningOf } from "../protocol/clearml/error-kinds.js";

const MAX_EXCERPT_CHARACTERS = 500;

/** The call that was answered. */
export interface AnsweredCall {
  /** `service.action`. */
  readonly endpoint: string;
  readonly url: string;
  /** Texts that no message may show, should the server or a proxy echo them. */
  readonly secrets: readonly string[];
  /** Wall clock, for a `Retry-After` that is a date. */
  readonly nowMs: number;
  /** API version that the server named at the login, where it did. */
  readonly serverApiVersion?: string | undefined;
}

/**
 * True when the same request may succeed later: 429 and everything above 500, as the official SDK has it, and 408.
 * 400 and 500 are answers of the application and final.
 */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || status > 500;
}

/** True when ClearML said no with this status and, where given, this subcode (see `CLEARML_ERRORS`). */
export function isClearMLError(error: unknown, status: number, subcode?: number): error is ApiError {
  return (
    ApiError.isInstance(error) &&
    error.service === "clearml" &&
    error.status === status &&
    (subcode === undefined || error.subcode === subcode)
  );
}

/**
 * `data` of an answer.
 *
 * @throws ApiError when the answer is a no, or is not ClearML's.
 */
export function dataOf(answer: HttpResponse, call: AnsweredCall): unknown {
  const body = answer.text();
  const frame = parseEnvelope(body);
  // The two are always equal; should a proxy have changed the status, the frame is the server's own word.
  const status = frame && answer.status < 300 ? frame.meta.result_code : answer.status;
  if (frame && status >= 200 && status < 300) return frame.data ?? {};

  const subcode = frame?.meta.result_subcode ?? undefined;
  const excerpt = redacted((frame?.meta.result_msg ?? body).trim().slice(0, MAX_EXCERPT_CHARACTERS), call.secrets);
  const retryAfterMs = parseRetryAfter(answer.headers["retry-after"], call.nowMs);
  throw new ApiError(
    `${sentence(answer, status, subcode, call, frame !== undefined)}${excerpt === "" ? "" : ` The answer: ${oneLine(excerpt)}`}`,
    {
      service: "clearml",
      method: "POST",
      url: publicUrl(call.url),
      status,
      retryable: isRetryableStatus(status),
      bodyExcerpt: excerpt,
      ...(subcode === undefined ? {} : { subcode }),
      ...(frame === undefined ? {} : { requestId: frame.meta.id }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}

/**
 * `data` read by its schema.
 *
 * @throws ApiError when it does not fit: the server is of another kind than this package knows.
 */
export function readData<Schema extends z.ZodMiniType>(schema: Schema, data: unknown, call: AnsweredCall): z.output<Schema> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw unexpectedAnswer(call, first ? describeIssue("data", first) : "data is of an unknown form");
}

/** For an answer that is a yes and still cannot be used. */
export function unexpectedAnswer(call: Pick<AnsweredCall, "endpoint" | "url">, problem: string): ApiError {
  return new ApiError(
    `ClearML answered ${call.endpoint} in a form that this version does not understand: ${problem}. Report it with the server's version.`,
    {
      service: "clearml",
      method: "POST",
      url: publicUrl(call.url),
      status: 200,
      retryable: false,
    },
  );
}

/** One fault that a schema found, in words: `data.tasks.0.id is not of type string`. */
export function describeIssue(root: string, issue: z.core.$ZodIssue): string {
  const path = [root, ...issue.path.map(String)].join(".");
  return issue.code === "invalid_type" ? `${path} is not of type ${issue.expected}` : `${path} is not valid (${issue.code})`;
}

function sentence(answer: HttpResponse, status: number, subcode: number | undefined, call: AnsweredCall, framed: boolean): string {
  const where = `${call.endpoint} at ${publicUrl(call.url)}`;
  if (framed) {
    const meaning = meaningOf(status, subcode);
    const advice =
      status === 401
        ? " Check CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, or CLEARML_AUTH_TOKEN."
        : status === 404
          ? ` ${tooOld(call)}`
          : "";
    return `ClearML refused ${where} with ${String(status)}/${String(subcode ?? 0)}${meaning === undefined ? "" : `: ${meaning}`}.${advice}`;
  }
  if (status >= 300 && status < 400) {
    const location = answer.headers["location"];
    const target =
      location !== undefined && URL.canParse(location, call.url) ? publicUrl(new URL(location, call.url).href) : "another address";
    return `${where} was redirected to ${target}, which is not followed because credentials would go along. Set CLEARML_API_HOST to the final address.`;
  }
  if (status < 300 || status === 404 || status === 405) {
    const advice = "Check CLEARML_API_HOST: it is the API (usually port 8008), not the web application.";
    return `What answered ${where} with ${String(status)} is not a ClearML API server. ${advice}`;
  }
  return `${where} was answered with ${String(status)}, not in ClearML's form: by a proxy, or by a server in trouble.`;
}

/** What to update to, when an endpoint is missing. */
function tooOld({ endpoint, serverApiVersion }: AnsweredCall): string {
  const needed = endpointSince(endpoint);
  const speaks = serverApiVersion === undefined ? "" : `; this server speaks ${serverApiVersion}`;
  return needed === undefined
    ? `The server may be too old${speaks}.`
    : `${endpoint} needs a server of API version ${needed} or newer${speaks}. Update the server.`;
}

function redacted(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret !== "") clean = clean.replaceAll(secret, "***");
  return clean;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
