/** How a failure to get an answer is told: in our words, without secrets, and with the word on whether work may have been done. */
import { ConnectionError, describeError } from "./errors.js";

/** An authority that is not known here. */
const CERTIFICATE_FAILURES: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);
const UNTRUSTED =
  "Its certificate is of an authority that is not known here: name the file with that authority's certificate in SSL_CERT_FILE.";

/** Failures that happen before the first byte of the request leaves this machine for the server. */
const NOT_SENT = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_INVALID_ARG",
  "PROXY_REFUSED",
  "ERR_INVALID_URL",
  "CERT_HAS_EXPIRED",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  ...CERTIFICATE_FAILURES,
]);

/** What was being asked for when it failed. */
export interface FailedRequest {
  readonly method: string;
  readonly url: string;
  readonly signal?: AbortSignal | undefined;
}

/** The URL without what may be secret: user, password, query, fragment. */
export function publicUrl(url: string): string {
  try {
    const parsed = new URL(url);
    parsed.username = parsed.password = parsed.search = parsed.hash = "";
    return parsed.href;
  } catch {
    return "(not a URL)";
  }
}

/**
 * Turns what a client library threw into what the caller gets: the caller's own reason when its signal aborted, else a
 * ConnectionError. `waitedMs` is given when our own time limit ended the request.
 */
export function connectionFailure(request: FailedRequest, error: unknown, waitedMs?: number): unknown {
  if (request.signal?.aborted) return request.signal.reason;
  const target = `${request.method} ${publicUrl(request.url)}`;
  if (waitedMs !== undefined) {
    return new ConnectionError(`No answer to ${target} within ${String(waitedMs)} ms. Check that the server is up and reachable.`, {
      code: "TIMEOUT",
      ambiguous: true,
      cause: error,
    });
  }
  const code = errorCode(error);
  if (code === "PROXY_REFUSED")
    return new ConnectionError(`No answer to ${target}: ${describeError(error)}.`, {
      code: "CONNECTION_FAILED",
      ambiguous: false,
      cause: error,
    });
  const advice = CERTIFICATE_FAILURES.has(code ?? "") ? UNTRUSTED : "Check the address and that the server is up.";
  return new ConnectionError(`No answer to ${target}: ${describeError(error)}. ${advice}`, {
    code: "CONNECTION_FAILED",
    ambiguous: code === undefined || !NOT_SENT.has(code),
    cause: error,
  });
}

function errorCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === "string") return code;
    if (at instanceof AggregateError && at.errors.length > 0) return errorCode(at.errors[0]);
  }
  return undefined;
}
