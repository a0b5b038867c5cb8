/**
 * The fault switches: they stand before a server without a socket and spoil what it does, one channel at a time. They
 * never touch the server itself, so that what it counts and stores stays true.
 */
import type { Clock } from "../base/clock.js";
import { readBytes } from "../protocol/handler.js";
import type { WireHandler, WireRequest, WireResponse } from "../protocol/handler.js";

/** What goes wrong. */
export type FaultMode =
  /** The connection is torn down before anything is done. */
  | { readonly mode: "refuse" }
  /** No answer until the fault is cleared or the server closed; nothing is done. */
  | { readonly mode: "hang" }
  /** This answer instead; nothing is done. `retryAfter` becomes the header, as it is. */
  | { readonly mode: "status"; readonly status: number; readonly body?: string; readonly retryAfter?: string }
  /** The work is done `ms` later, on the server's clock. */
  | { readonly mode: "slow"; readonly ms: number }
  /** The work is done, then the connection is torn down: the client cannot know. */
  | { readonly mode: "drop-answer" }
  /** The work is done, and the connection is torn down in the middle of the answer. */
  | { readonly mode: "reset-mid-body" }
  /** 200 with a body that is no JSON; nothing is done. */
  | { readonly mode: "garbage" }
  /** Every token issued so far is void from now on, once; then the work is done as usual. */
  | { readonly mode: "expire-tokens" };

/** A fault, and which requests it hits. */
export type Fault = FaultMode & {
  /** Part of the path and query, or a test of the request. Default: every request. */
  readonly match?: string | ((request: WireRequest) => boolean);
  /** How many requests it hits before it is gone. Default: until it is cleared; `expire-tokens`: 1. */
  readonly times?: number;
};

interface Active {
  readonly fault: Fault;
  readonly cleared: AbortController;
  left: number;
}

/** The switches of one server, by channel: `api`, `files`, `callbacks`, or any other name, such as `s3`. */
export class FaultSwitches {
  readonly #clock: Clock;
  readonly #expireTokens: () => void;
  readonly #active = new Map<string, Active[]>();
  readonly #hits = new Map<string, number>();
  #isClosed = false;

  constructor(options: { readonly clock: Clock; readonly expireTokens: () => void }) {
    this.#clock = options.clock;
    this.#expireTokens = options.expireTokens;
  }

  /** Switches a fault on. Of several that match a request the first that was switched on hits. @returns a function that clears it. */
  set(channel: string, fault: Fault): () => void {
    const active: Active = {
      fault,
      cleared: new AbortController(),
      left: fault.times ?? (fault.mode === "expire-tokens" ? 1 : Number.POSITIVE_INFINITY),
    };
    this.#active.set(channel, [...(this.#active.get(channel) ?? []), active]);
    return () => this.#clear(channel, active);
  }

  /** Clears the faults of a channel, or all. Requests that hang are then torn down. */
  clear(channel?: string): void {
    for (const name of channel === undefined ? [...this.#active.keys()] : [channel])
      for (const active of [...(this.#active.get(name) ?? [])]) this.#clear(name, active);
  }

  /** What is switched on, and how many requests each channel's faults have hit. */
  status(): {
    readonly active: Readonly<Record<string, readonly Omit<Fault, "match">[]>>;
    readonly hits: Readonly<Record<string, number>>;
  } {
    const inForce = [...this.#active].map(([channel, list]) => [channel, list.filter(({ left }) => left > 0)] as const);
    const active = inForce
      .filter(([, list]) => list.length > 0)
      .map(
        ([channel, list]) =>
          [channel, list.map(({ fault, left }) => ({ ...fault, ...(Number.isFinite(left) ? { times: left } : {}) }))] as const,
      );
    return { active: Object.fromEntries(active), hits: Object.fromEntries(this.#hits) };
  }

  /** How many requests of the channel a fault has hit. */
  hits(channel: string): number {
    return this.#hits.get(channel) ?? 0;
  }

  /** The handler with the channel's faults before it. */
  wrap(channel: string, handler: WireHandler): WireHandler {
    return async (request) => {
      const active = this.#isClosed ? undefined : this.#take(channel, request);
      return active ? this.#spoil(active, request, handler) : handler(request);
    };
  }

  /** Lets every hanging request go; faults set later do nothing. */
  close(): void {
    this.#isClosed = true;
    this.clear();
  }

  #take(channel: string, request: WireRequest): Active | undefined {
    const found = this.#active.get(channel)?.find(({ fault, left }) => {
      if (left <= 0) return false;
      if (fault.match === undefined) return true;
      return typeof fault.match === "string" ? `${request.url.pathname}${request.url.search}`.includes(fault.match) : fault.match(request);
    });
    if (!found) return undefined;
    this.#hits.set(channel, this.hits(channel) + 1);
    found.left -= 1;
    // A used-up fault stays listed while a request may still wait in it, so that clearing it lets the request go.
    if (found.left <= 0 && found.fault.mode !== "hang" && found.fault.mode !== "slow") this.#forget(channel, found);
    return found;
  }

  async #spoil(active: Active, request: WireRequest, handler: WireHandler): Promise<WireResponse> {
    const { fault } = active;
    switch (fault.mode) {
      case "refuse":
        return { status: 0, destroy: true };
      case "hang":
        await new Promise<void>((resolve) => {
          if (active.cleared.signal.aborted) resolve();
          else active.cleared.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        return { status: 0, destroy: true };
      case "status": {
        await readBytes(request.body);
        const headers = { "content-type": "text/plain", ...(fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter }) };
        return { status: fault.status, headers, body: fault.body ?? `fault switch: ${String(fault.status)}` };
      }
      case "slow":
        await this.#clock.sleep(fault.ms, { signal: active.cleared.signal }).catch(() => undefined);
        return handler(request);
      case "drop-answer": {
        const { status } = await handler(request);
        return { status, destroy: true };
      }
      case "reset-mid-body": {
        const response = await handler(request);
        const whole = await bytesOf(response.body);
        const headers = { ...response.headers, "content-length": String(whole.byteLength) };
        return { status: response.status, headers, body: whole.subarray(0, Math.max(1, whole.byteLength >> 1)), destroy: true };
      }
      case "garbage":
        await readBytes(request.body);
        return { status: 200, headers: { "content-type": "text/html" }, body: "<html><body>It works!</body></html>" };
      case "expire-tokens":
        this.#expireTokens();
        return handler(request);
    }
  }

  #forget(channel: string, active: Active): void {
    this.#active.set(
      channel,
      (this.#active.get(channel) ?? []).filter((one) => one !== active),
    );
  }

  #clear(channel: string, active: Active): void {
    this.#forget(channel, active);
    active.cleared.abort();
  }
}

async function bytesOf(body: WireResponse["body"]): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (typeof body === "string") return Buffer.from(body);
  return body instanceof Uint8Array ? body : readBytes(body);
}
