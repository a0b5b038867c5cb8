/**
 * Stands in for the platform's backend: takes what the trainer tells it, keeps every request as it came, and can answer
 * that the training shall stop. It checks that the body is JSON and that no later attempt of the job was heard; else nothing.
 */
import type { Clock } from "../base/clock.js";
import type { JsonValue } from "../base/json.js";
import { readBytes } from "../protocol/handler.js";
import type { WireHandler, WireRequest, WireResponse } from "../protocol/handler.js";
import type { Notify } from "./api/call.js";
import { wireTime } from "./api/envelope.js";
import type { Store } from "./store/store.js";

/** What the receiver works with. */
export interface CallbackReceiverOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly notify: Notify;
}

/** The receiver, and the switch by which it asks for a stop. */
export interface CallbackReceiver {
  /** Serves paths with and without the leading `/callbacks`. */
  readonly handler: WireHandler;
  /** From now on every call for this job, or with null for any, is answered with `{"action":"stop","reason":...}`. */
  askToStop(jobId: string | null, reason: string): void;
}

/** Numbers the attempts of a job; a lower one than was seen is refused. */
const FENCE_HEADER = "trainer-fence";
/** Headers whose values are secrets. */
const SECRET_HEADERS = new Set(["authorization", "cookie", "proxy-authorization"]);

function json(status: number, body: unknown): WireResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function textOf(body: JsonValue, field: string): string | null {
  const value =
    typeof body === "object" && body !== null && !Array.isArray(body) ? (body as Record<string, JsonValue | undefined>)[field] : undefined;
  return typeof value === "string" ? value : null;
}

async function readJson(request: WireRequest): Promise<JsonValue | undefined> {
  try {
    return JSON.parse(Buffer.from(await readBytes(request.body)).toString("utf8")) as JsonValue;
  } catch {
    return undefined;
  }
}

/** A receiver over the store. */
export function createCallbackReceiver({ store, clock, notify }: CallbackReceiverOptions): CallbackReceiver {
  const stops = new Map<string | null, string>();
  /** The highest attempt by job. */
  const fences = new Map<string | null, number>();

  const receive = async (request: WireRequest, path: string): Promise<WireResponse> => {
    const body = await readJson(request);
    if (body === undefined) return json(400, { error: "The body is not JSON." });
    const jobId = textOf(body, "job_id");
    if (path === "/stop") {
      stops.set(jobId, textOf(body, "reason") ?? "asked for by the receiver");
      return json(200, { job_id: jobId, stop: true });
    }
    const fence = Number(request.headers[FENCE_HEADER] ?? Number.NaN);
    const newest = fences.get(jobId) ?? 0;
    if (fence < newest) return json(412, { error: `Attempt ${String(newest)} of job ${jobId ?? "(none)"} reports now.` });
    if (fence > newest) fences.set(jobId, fence);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, SECRET_HEADERS.has(name) ? "***" : value]),
    );
    store.callbacks.add({
      path,
      received_at: wireTime(clock.now()),
      headers,
      idempotency_key: request.headers["idempotency-key"] ?? null,
      job_id: jobId,
      body,
    });
    notify(textOf(body, "task_id") ?? jobId ?? "", "callback");
    const reason = stops.get(jobId) ?? stops.get(null);
    return json(200, reason === undefined ? {} : { action: "stop", reason });
  };

  return {
    askToStop(jobId, reason) {
      stops.set(jobId, reason);
    },
    async handler(request) {
      const path = request.url.pathname.replace(/^\/callbacks(?=\/|$)/, "").replace(/\/$/, "");
      if (request.method === "GET")
        return json(200, { callbacks: store.callbacks.list({ jobId: request.url.searchParams.get("job_id") ?? undefined }) });
      if (request.method !== "POST" && request.method !== "PUT") return json(405, { error: "Use POST, or GET to read what came." });
      return receive(request, path);
    },
  };
}
