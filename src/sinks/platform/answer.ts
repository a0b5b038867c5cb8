/**
 * What a backend's answer means for the record that was sent. One pure function, decided by status; the body is quoted,
 * and tells a backend's answer from the web page of whatever stands before it.
 */
import type { HttpResponse } from "../../base/http.js";
import { publicUrl } from "../../base/http.js";
import { isOutageStatus, parseRetryAfter } from "../../base/retry.js";
import type { Delivery } from "../../outbox/sink.js";

const MAX_EXCERPT_CHARACTERS = 500;

export interface AnswerContext {
  /** Method and URL without secrets. */
  readonly target: string;
  /** True when the backend may have had this very record before. */
  readonly ambiguous: boolean;
  /** Words that must not be quoted. */
  readonly secrets: readonly string[];
  readonly nowMs: number;
}

/**
 * | status | meaning |
 * | --- | --- |
 * | 2xx | delivered; but a web page (HTML) is no backend's answer, whatever its status: a proxy's or a login's. An outage |
 * | 408, 425, 429, 502, 503, 504 | an outage: waits for ever, `Retry-After` wins |
 * | 401, 403, 407 | the token is wrong: a person can mend that, so it is tried again within the budget of answered failures |
 * | 3xx | the address is wrong: as above. Never followed, since a bearer token must not travel to another host |
 * | other 5xx | an answered failure, tried again within the budget |
 * | 409 | delivered when the backend may have had the record before (its Idempotency-Key is known there); else rejected |
 * | other 4xx | rejected: this very record will never be taken |
 */
export function deliveryOf(response: Pick<HttpResponse, "status" | "headers" | "text">, context: AnswerContext): Delivery {
  const { status } = response;
  const said = `${context.target} answered ${String(status)}${excerptOf(response, context.secrets)}`;
  if (status >= 200 && status < 300) {
    if (!isWebPage(response)) return { status: "delivered" };
    return {
      status: "retry",
      cause: "unreachable",
      reason: `${said}. That is a web page, as a proxy or a login gives, and no backend's answer. Check CALLBACK_URL.`,
    };
  }
  if (status < 400) return { status: "retry", cause: "answered", reason: redirectReason(response, context.target) };
  if (status === 409 && context.ambiguous) return { status: "delivered" };
  if (isOutageStatus(status)) {
    const retryAfterMs = parseRetryAfter(response.headers["retry-after"], context.nowMs);
    return { status: "retry", cause: "unreachable", reason: said, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  if (status === 401 || status === 403 || status === 407)
    return { status: "retry", cause: "answered", reason: `${said}. Check CALLBACK_TOKEN.` };
  if (status >= 500) return { status: "retry", cause: "answered", reason: said };
  return { status: "rejected", reason: said };
}

function redirectReason(response: Pick<HttpResponse, "status" | "headers">, target: string): string {
  const location = response.headers["location"];
  const where = location !== undefined && URL.canParse(location) ? ` to ${publicUrl(location)}` : "";
  const why = "which is not followed, for the token must not travel on. Set CALLBACK_URL to the final address.";
  return `${target} answered ${String(response.status)}: a redirect${where}, ${why}`;
}

function isWebPage(response: Pick<HttpResponse, "headers" | "text">): boolean {
  return (
    (response.headers["content-type"] ?? "").includes("text/html") || /^\s*<(!doctype\s+html|html)\b/i.test(response.text().slice(0, 200))
  );
}

/** A few words of the body, on one line, without secrets. */
function excerptOf(response: Pick<HttpResponse, "text">, secrets: readonly string[]): string {
  let text = response.text();
  // The cut comes last: half a secret at the edge would not be recognised any more.
  for (const secret of secrets) if (secret !== "") text = text.replaceAll(secret, "***");
  text = text
    .replace(/[\s\p{C}]+/gu, " ")
    .trim()
    .slice(0, MAX_EXCERPT_CHARACTERS);
  return text === "" ? "" : `: ${text}`;
}
