/** The wrapping of every API answer. @see clearml-protocol 1.2 */
import { newId } from "../../base/ids.js";
import type { WireResponse } from "../../protocol/handler.js";

/** What went wrong, in the envelope's terms. */
export interface ErrorShape {
  readonly code: number;
  readonly subcode: number;
  readonly message: string;
}

/** Whom the answer is about. */
export interface EndpointMeta {
  readonly name: string;
  readonly requestedVersion: string;
  readonly actualVersion: string;
  /** The caller's own id of the call, echoed. */
  readonly transaction: string | undefined;
}

/** Versions below 2.1 go out as numbers, later ones as text. */
const version = (text: string): string | number => (Number(text) < 2.1 ? Number(text) : text);

/** The answer as it goes over the wire. With an `error` the data is empty and the HTTP status is the error's. */
export function envelope(meta: EndpointMeta, data: unknown, error?: ErrorShape, headers: Readonly<Record<string, string>> = {}): WireResponse {
  const id = newId();
  const body = {
    meta: {
      id,
      trx: meta.transaction ?? id,
      endpoint: { name: meta.name, requested_version: version(meta.requestedVersion), actual_version: version(meta.actualVersion) },
      result_code: error?.code ?? 200,
      result_subcode: error?.subcode ?? 0,
      result_msg: error?.message ?? "OK",
      error_stack: null,
      error_data: {},
    },
    data: error ? {} : data,
  };
  return { status: error?.code ?? 200, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** The server's time format: ISO 8601 in UTC with microseconds, which are left out when they are zero. */
export function wireTime(atMs: number): string {
  const [seconds, fraction] = new Date(atMs).toISOString().slice(0, -1).split(".");
  return fraction === "000" ? `${String(seconds)}+00:00` : `${String(seconds)}.${String(fraction)}000+00:00`;
}
