/**
 * The fault switches and the server's own counts over HTTP, for tests in other processes. Served only when the server
 * was started with fault control.
 *
 * `GET /__faults` what is switched on · `POST /__faults` `{"channel":"api","mode":"status","status":503,"match":"events.","times":2}` ·
 * `DELETE /__faults?channel=api` clears one channel, without it all · `GET /__requests?channel=&path=` what arrived.
 */
import * as z from "zod/mini";
import { readBytes } from "../protocol/handler.js";
import type { WireHandler, WireResponse } from "../protocol/handler.js";
import type { Fault, FaultSwitches } from "./faults.js";
import type { RequestLog } from "./request-log.js";

const common = () => ({ channel: z.string(), match: z.optional(z.string()), times: z.optional(z.int()) });

const faultRequest = () =>
  z.discriminatedUnion("mode", [
    z.strictObject({ ...common(), mode: z.enum(["refuse", "hang", "drop-answer", "reset-mid-body", "garbage", "expire-tokens"]) }),
    z.strictObject({
      ...common(),
      mode: z.literal("status"),
      status: z.int().check(z.minimum(100), z.maximum(599)),
      body: z.optional(z.string()),
      retryAfter: z.optional(z.string()),
    }),
    z.strictObject({ ...common(), mode: z.literal("slow"), ms: z.number().check(z.minimum(0)) }),
  ]);

function json(status: number, body: unknown): WireResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** Serves `/__faults` and `/__requests`. */
export function createControlHandler(faults: FaultSwitches, requests: RequestLog): WireHandler {
  return async ({ method, url, body }) => {
    if (url.pathname === "/__requests" && method === "GET") {
      const filter = {
        ...(url.searchParams.has("channel") ? { channel: url.searchParams.get("channel") ?? "" } : {}),
        ...(url.searchParams.has("path") ? { path: url.searchParams.get("path") ?? "" } : {}),
      };
      return json(200, { ...requests.counts(), requests: requests.entries(filter) });
    }
    if (url.pathname !== "/__faults") return json(404, { error: "There are /__faults and /__requests." });
    if (method === "DELETE") faults.clear(url.searchParams.get("channel") ?? undefined);
    else if (method === "POST") {
      let given: unknown;
      try {
        given = JSON.parse(Buffer.from(await readBytes(body)).toString("utf8"));
      } catch {
        return json(400, { error: "The body is not JSON." });
      }
      const parsed = faultRequest().safeParse(given);
      if (!parsed.success) return json(400, { error: z.prettifyError(parsed.error) });
      const { channel, ...fault } = parsed.data;
      faults.set(channel, fault as Fault);
    } else if (method !== "GET") return json(405, { error: "Use GET, POST or DELETE." });
    return json(200, faults.status());
  };
}
