/**
 * Calls of the ClearML API on the page's own origin, where the server puts it under `/api` as the stock web container
 * does. Reads only. The session is the cookie that opening the page sets.
 */
import { ApiError, ConnectionError, describeError } from "../../../base/errors.js";

/** The version whose shapes this page reads. */
const API_VERSION = "v2.34";

interface Envelope {
  readonly meta?: { readonly result_subcode?: number; readonly result_msg?: string };
  readonly data?: unknown;
}

/**
 * Calls `service.action` and gives the envelope's `data`.
 *
 * @throws ConnectionError when no answer came.
 * @throws ApiError when the server answered no; an expired session is renewed and the call repeated once.
 */
export async function callApi<T>(endpoint: string, body: object, signal: AbortSignal): Promise<T> {
  const url = `/api/${API_VERSION}/${endpoint}`;
  let response = await post(url, body, signal);
  if (response.status === 401) {
    // A server that was restarted signs with another secret; opening any page gives a new cookie.
    await getText("/", signal);
    response = await post(url, body, signal);
  }
  const envelope = (await response.json().catch(() => ({}))) as Envelope;
  if (!response.ok) throw refusal("clearml", "POST", url, response, envelope.meta?.result_msg, envelope.meta?.result_subcode);
  return envelope.data as T;
}

/**
 * Reads JSON from the page's own origin.
 *
 * @throws ConnectionError when no answer came.
 * @throws ApiError when the answer is no success.
 */
export async function readJson<T>(path: string, signal: AbortSignal): Promise<T> {
  const response = await request(path, { signal });
  if (!response.ok) throw refusal("devserver", "GET", path, response);
  return (await response.json()) as T;
}

async function getText(path: string, signal: AbortSignal): Promise<string> {
  return (await request(path, { signal })).text();
}

function post(url: string, body: object, signal: AbortSignal): Promise<Response> {
  return request(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
}

async function request(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ConnectionError(`The server did not answer: ${describeError(error)}. Is \`trainer-sdk dev\` still running?`, {
      code: "CONNECTION_FAILED",
      ambiguous: false,
      cause: error,
    });
  }
}

function refusal(service: string, method: string, url: string, response: Response, message?: string, subcode?: number): ApiError {
  return new ApiError(`${url} answered ${String(response.status)}: ${message ?? response.statusText}`, {
    service,
    method,
    url,
    status: response.status,
    ...(subcode === undefined ? {} : { subcode }),
    retryable: response.status >= 500,
  });
}
