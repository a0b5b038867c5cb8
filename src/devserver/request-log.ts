/**
 * What arrived, counted by the server itself: tests that hold a client to "once" compare with these figures and not
 * with the client's own memory. Bodies and secrets are not kept.
 */
import type { WireHandler } from "../protocol/handler.js";

/** One request that was answered, or whose connection was torn down. */
export interface LoggedRequest {
  readonly channel: string;
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey?: string;
  /** HTTP status of the answer. */
  readonly status: number;
  /** True when the answer never reached the client. */
  readonly dropped: boolean;
}

/** Most entries kept one by one; the counts go on. */
const MAX_ENTRIES = 20_000;

/** Figures of one server's requests. */
export class RequestLog {
  readonly #entries: LoggedRequest[] = [];
  readonly #accepted = new Map<string, number>();
  #total = 0;

  /** A handler that is logged under the channel's name. */
  wrap(channel: string, handler: WireHandler): WireHandler {
    return async (request) => {
      const response = await handler(request);
      const idempotencyKey = request.headers["idempotency-key"];
      this.#add({
        channel,
        method: request.method,
        path: request.url.pathname,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        status: response.status,
        dropped: response.destroy === true,
      });
      return response;
    };
  }

  /** The newest requests, oldest first. */
  entries(filter: { readonly channel?: string; readonly path?: string } = {}): LoggedRequest[] {
    return this.#entries.filter(
      (entry) =>
        (filter.channel === undefined || entry.channel === filter.channel) &&
        (filter.path === undefined || entry.path.includes(filter.path)),
    );
  }

  /** Requests since the start, and for each idempotency key how often a request with it was accepted (answered 2xx). */
  counts(): { readonly total: number; readonly acceptedByIdempotencyKey: Readonly<Record<string, number>> } {
    return { total: this.#total, acceptedByIdempotencyKey: Object.fromEntries(this.#accepted) };
  }

  #add(entry: LoggedRequest): void {
    this.#total += 1;
    this.#entries.push(entry);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    if (entry.idempotencyKey !== undefined && entry.status >= 200 && entry.status < 300) {
      this.#accepted.set(entry.idempotencyKey, (this.#accepted.get(entry.idempotencyKey) ?? 0) + 1);
    }
  }
}
