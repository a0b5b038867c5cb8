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

/** To a caller that asks for a version below 2.1 versions go out as numbers, else as text. */
function versions(meta: EndpointMeta): object {
  const asNumbers = Number(meta.requestedVersion) < 2.1;
  const form = (version: string): string | number => (asNumbers ? Number(version) : version);
  return { requested_version: form(meta.requestedVersion), actual_version: form(meta.actualVersion) };
}

/** The answer as it goes over the wire. With an `error` the data is empty and the HTTP status is the error's. */
export function envelope(
  meta: EndpointMeta,
  data: unknown,
  error?: ErrorShape,
  headers: Readonly<Record<string, string>> = {},
): WireResponse {
  const id = newId();
  const body = {
    meta: {
      id,
      trx: meta.transaction ?? id,
      endpoint: { name: meta.name, ...versions(meta) },
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
